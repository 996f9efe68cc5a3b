"""What handlers are: generators that say which method of the user's object they want called."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A method of the user's object, to be called with these values."""

    method: str
    values: tuple[Any, ...]
    meta: dict[str, Any] | None = None


# `value = yield Call(...)`, then `return answer`.
Steps = Generator[Call, Any, T]
