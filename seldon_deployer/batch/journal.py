"""What a batch has done so far, on disk: a run that was killed goes on from there."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from seldon_deployer.errors import PayloadError, UsageError

_VERSION = 1


@dataclass(frozen=True)
class Answered:
    """The answers to consecutive rows, or why there is none for one row."""

    start: int
    count: int
    columns: dict[str, list[Any]] = field(default_factory=dict)
    error: str | None = None


class Journal:
    """Appends answers in the order in which they come; one line each, whole or not at all.

    It belongs to one question: the same file, asked of the same model in the same pieces. Only one
    run may have it open. A last line that broke off is taken away.
    """

    def __init__(self, path: Path, question: dict[str, Any]) -> None:
        self.path = path
        self._lines: list[tuple[int, int]] = []
        self._file = path.open("a+b")
        try:
            self._lock()
            self._open({"version": _VERSION, **question})
        except BaseException:
            self._file.close()
            raise

    def add(self, answers: Sequence[Answered]) -> None:
        """Write the answers to one piece, all of them or none.

        Raises PayloadError for an answer that JSON cannot hold.
        """
        try:
            line = json.dumps([_tell(each) for each in answers], allow_nan=False).encode()
        except (TypeError, ValueError) as error:
            raise PayloadError("an answer has values that no file can hold") from error
        self._file.seek(0, os.SEEK_END)
        at = self._file.tell()
        self._file.write(line + b"\n")
        # In the hands of the system: from here a kill loses nothing.
        self._file.flush()
        self._lines.append((answers[0].start, at))

    def read(self) -> Iterator[list[Answered]]:
        """Read the answers, piece by piece, in the order of the rows."""
        for _, at in sorted(self._lines):
            self._file.seek(at)
            yield [Answered(**told) for told in json.loads(self._file.readline())]

    def remove(self) -> None:
        """Take it away: the result is written."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave it for a later run."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(f"another run is writing {self.path}", hint="let it end") from error

    def _open(self, question: dict[str, Any]) -> None:
        self._file.seek(0)
        head = self._file.readline()
        if not head.endswith(b"\n"):
            # New, or killed within its first line.
            self._file.truncate(0)
            self._file.write(json.dumps(question, sort_keys=True).encode() + b"\n")
            self._file.flush()
            return
        self._check(head, question)
        while True:
            at = self._file.tell()
            line = self._file.readline()
            if not line.endswith(b"\n"):
                self._file.truncate(at)
                return
            self._lines.append((json.loads(line)[0]["start"], at))

    def _check(self, head: bytes, question: dict[str, Any]) -> None:
        try:
            before = json.loads(head)
        except ValueError:
            before = None
        if not isinstance(before, dict):
            raise UsageError(f"{self.path} is no progress of a batch", hint="remove it")
        changed = sorted(
            name for name in before | question if before.get(name) != question.get(name)
        )
        if changed:
            raise UsageError(
                f"{self.path} has the progress of another batch",
                why=f"other than now: {', '.join(changed)}",
                hint="--restart begins anew; or give another --output",
            )


def _tell(answered: Answered) -> dict[str, Any]:
    told: dict[str, Any] = {"start": answered.start, "count": answered.count}
    if answered.error is not None:
        return told | {"error": answered.error}
    return told | {"columns": answered.columns}
