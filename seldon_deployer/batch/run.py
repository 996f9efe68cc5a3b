"""`Batch`: one file of rows, asked of one model, into one file of answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from seldon_deployer.batch.journal import Answered, Journal
from seldon_deployer.batch.results import ERROR_COLUMN, check_result, write_result
from seldon_deployer.batch.rows import Piece, open_rows
from seldon_deployer.client import InferenceClient
from seldon_deployer.client.tables import read_columns
from seldon_deployer.errors import PayloadError, PredictionError
from seldon_deployer.payload import to_list

log = logging.getLogger(__name__)

Progress = Callable[[int, int, int], None]
"""Is told how many rows are done, how many of them failed, and how many there are."""


@dataclass
class Report:
    """How a batch ended."""

    rows: int
    failed: dict[int, str] = field(default_factory=dict)
    """Number of the row, from 0 -> what the model said of it."""


@dataclass(frozen=True)
class Batch:
    """Asks a model for all rows of a file.

    Pieces of `piece_rows` are asked at the same time, `parallel` of them. A row that the model
    refuses takes no other with it: its piece is asked again in halves. Where the model cannot be
    reached, or refuses more than `max_failures` rows, the run ends; what is done stays in
    `<output>.progress`, and the same run goes on from there.
    """

    source: Path
    output: Path
    piece_rows: int = 100
    parallel: int = 4
    max_failures: int = 100
    revision: str | None = None
    """What of the model the answers are of: another one does not go on where this one ended."""

    @property
    def journal_path(self) -> Path:
        """Where progress is kept until the output is written."""
        return self.output.with_name(f"{self.output.name}.progress")

    def run(
        self,
        client: InferenceClient,
        *,
        restart: bool = False,
        progress: Progress | None = None,
    ) -> Report:
        """Ask for all rows that have no answer yet, then write the output.

        Raises UsageError for files that cannot be used, PredictionError where the run ended early.
        """
        check_result(self.output)
        rows = open_rows(self.source)
        if restart:
            self.journal_path.unlink(missing_ok=True)
        with Journal(self.journal_path, self._question(client)) as journal:
            state = _State(rows.count, journal, self.max_failures)
            if state.done:
                log.info("%d of %d rows are done already", state.done, state.total)
            tell = progress or _tell_nobody
            tell(state.done, len(state.failed), state.total)
            missing = (p for p in rows.pieces(self.piece_rows) if p.start not in state.finished)
            try:
                for answers in self._ask_all(client, missing):
                    state.add(answers)
                    tell(state.done, len(state.failed), state.total)
            except PredictionError as error:
                raise _ended_early(error, state) from error
            names = [*state.names, *([ERROR_COLUMN] if state.failed else [])]
            write_result(self.output, chain.from_iterable(journal.read()), names=names)
            journal.remove()
            return Report(state.total, state.failed)

    def _ask_all(
        self, client: InferenceClient, pieces: Iterator[Piece]
    ) -> Iterator[list[Answered]]:
        """Ask in parallel; answers come as they are ready. No more rows are read than asked."""
        executor = ThreadPoolExecutor(self.parallel, thread_name_prefix="batch")
        asked: set[Future[list[Answered]]] = set()
        try:
            while True:
                for piece in islice(pieces, 2 * self.parallel - len(asked)):
                    asked.add(executor.submit(_ask, client, piece))
                if not asked:
                    return
                ready, asked = wait(asked, return_when=FIRST_COMPLETED)
                # What came is kept before a failure ends the run.
                failures = [future for future in ready if future.exception() is not None]
                for future in ready - set(failures):
                    yield future.result()
                for future in failures:
                    future.result()
        finally:
            executor.shutdown(wait=True, cancel_futures=True)

    def _question(self, client: InferenceClient) -> dict[str, Any]:
        about = self.source.stat()
        return {
            "source": str(self.source.resolve()),
            "size": about.st_size,
            "changed": about.st_mtime_ns,
            "url": client.prediction_url,
            "revision": self.revision,
            "piece_rows": self.piece_rows,
        }


class _State:
    """What is known of a batch while it runs."""

    def __init__(self, total: int, journal: Journal, max_failures: int) -> None:
        self.total = total
        self.done = 0
        self.failed: dict[int, str] = {}
        self.names: list[str] = []
        self.finished: set[int] = set()
        self._journal = journal
        self._max_failures = max_failures
        for answers in journal.read():
            self._count(answers)

    def add(self, answers: list[Answered]) -> None:
        """Keep the answers to one piece. Raises PredictionError where they end the run."""
        for answered in answers:
            if answered.columns and self.names and list(answered.columns) != self.names:
                raise PredictionError(
                    "the answers differ in their columns",
                    why=f"{', '.join(self.names)}; then {', '.join(answered.columns)}",
                )
        self._journal.add(answers)
        self._count(answers)
        if len(self.failed) > self._max_failures:
            row, reason = min(self.failed.items())
            raise PredictionError(
                f"more than {self._max_failures} rows failed",
                why=f"row {row}: {reason}",
                hint="look at the data; --max-failures allows more",
            )

    def _count(self, answers: list[Answered]) -> None:
        self.finished.add(answers[0].start)
        for answered in answers:
            self.done += answered.count
            if answered.error is not None:
                self.failed[answered.start] = answered.error
            else:
                self.names = self.names or list(answered.columns)


def _ask(client: InferenceClient, piece: Piece) -> list[Answered]:
    """Ask for one piece; where the model refuses it, for its halves."""
    try:
        message = client.predict(piece.rows, returns="message")
        columns = read_columns(message, client.protocol)
    except PayloadError as error:
        reason = str(error)
    except PredictionError as error:
        if not error.is_of_data:
            raise
        reason = error.why or error.what
    else:
        return [_answered(client.name, piece, columns)]
    if len(piece) == 1:
        return [Answered(piece.start, 1, error=reason)]
    first, second = piece.split()
    return [*_ask(client, first), *_ask(client, second)]


def _answered(name: str, piece: Piece, columns: dict[str, Any]) -> Answered:
    for column in columns.values():
        if len(column) != len(piece):
            raise PredictionError(
                f"{name} answered {len(piece)} rows with {len(column)}",
                why="which answer belongs to which row cannot be told",
                hint="--rows-per-request 1",
            )
    if ERROR_COLUMN in columns:
        columns = {("error_" if k == ERROR_COLUMN else k): v for k, v in columns.items()}
    told = {column: to_list(values) for column, values in columns.items()}
    return Answered(piece.start, len(piece), told)


def _ended_early(error: PredictionError, state: _State) -> PredictionError:
    how_far = f"{state.done} of {state.total} rows are done; the same command goes on from there"
    return PredictionError(
        error.what,
        why=error.why,
        hint=f"{error.hint}. {how_far}" if error.hint else how_far,
        status=error.status,
    )


def _tell_nobody(done: int, failed: int, total: int) -> None:
    """Where nobody watches."""
