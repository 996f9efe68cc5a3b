"""Time whole processes and calls, and lay the results out as a table."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure, what it is compared with, and what we aim at."""

    what: str
    ours: str
    beside: str = ""
    difference: str = ""
    aim: str = ""
    is_met: bool | None = None


def time_call(call: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def time_process(code: str) -> float:
    """Seconds from starting `python -c code` to its end."""
    return time_call(
        lambda: subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    )


def time_in_turns(rounds: int, *calls: Callable[[], float]) -> list[list[float]]:
    """Run the calls one after the other, `rounds` times: noise meets all of them alike."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for column, call in zip(seconds, calls, strict=True):
            column.append(call())
    return seconds


def milliseconds(seconds: float) -> str:
    """`0.1234` as `123 ms`."""
    return f"{seconds * 1000:.0f} ms"


def spread(seconds: list[float]) -> str:
    """Median and range, in milliseconds."""
    middle = statistics.median(seconds)
    return f"{milliseconds(middle)} ({min(seconds) * 1000:.0f}-{max(seconds) * 1000:.0f})"


def table_of(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    header = ("what", "ours", "beside it", "difference", "aim", "met")
    table = [header]
    for row in rows:
        met = "" if row.is_met is None else ("yes" if row.is_met else "NO")
        table.append((row.what, row.ours, row.beside, row.difference, row.aim, met))
    widths = [max(len(line[column]) for line in table) for column in range(len(header))]
    lines = [_line(line, widths) for line in table]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "| " + " | ".join(padded) + " |"
