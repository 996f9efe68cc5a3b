"""What goes out and what comes back, apart from the library that carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True)
class Call:
    """One HTTP request. `body` is sent part by part; header names are as they are written."""

    method: Literal["GET", "POST"]
    url: str
    headers: Mapping[str, str]
    body: Sequence[Buffer] = ()
    is_repeatable: bool = True
    """Whether asking twice is as good as asking once: so it is but for feedback."""
    doubt: Callable[[], str] = str
    """Says what to try first if the model refuses what is asked with; '' for nothing."""

    @property
    def size_bytes(self) -> int:
        """Length of the body."""
        return sum(memoryview(part).nbytes for part in self.body)


@dataclass(frozen=True)
class Reply:
    """One HTTP answer, whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes | bytearray
    said: str = ""
    """What a protocol other than HTTP calls this status."""

    @property
    def told_status(self) -> str:
        """The status in words."""
        return self.said or f"HTTP {self.status}"


class NoReply(Exception):
    """No answer came. Both transports raise this alone, with the library's error as its cause."""

    def __init__(
        self,
        why: str,
        *,
        hint: str = "",
        is_sent: bool = False,
        is_lasting: bool = False,
        is_timeout: bool = False,
    ) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint
        self.is_sent = is_sent
        """Whether the service may have got the request."""
        self.is_lasting = is_lasting
        """Whether trying again is of no use."""
        self.is_timeout = is_timeout
        """Whether it was connected, and the time ran out."""
