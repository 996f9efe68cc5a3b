"""Write what was measured into `bench/README.md`: a section for each suite, no number by hand."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.measure import Row, table_of

README = Path(__file__).with_name("README.md")
_CPU = re.compile(r"^model name\s*:\s*(.+)$", re.MULTILINE)


def record(suite: str, rows: Sequence[Row], readme: Path = README) -> None:
    """Replace the section of `suite` by these rows; what is measured for the first time comes last.

    The section says when, at which commit and on what machine: suites are not always run together.
    """
    text = readme.read_text()
    section = _section(suite, rows)
    found = re.compile(rf"{_start(suite)}.*?{_END}", re.DOTALL).search(text)
    if found is None:
        text = f"{text.rstrip()}\n\n{section}\n"
    else:
        text = f"{text[: found.start()]}{section}{text[found.end() :]}"
    readme.write_text(text)


def machine() -> str:
    """Cores, memory, processor, system and Python, in a line."""
    cpus = Path("/proc/cpuinfo")
    named = _CPU.search(cpus.read_text()) if cpus.exists() else None
    processor = named[1].strip() if named else platform.machine()
    gibibytes = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return (
        f"{os.cpu_count()} cores ({processor}), {gibibytes:.0f} GiB, "
        f"{system}, Python {platform.python_version()}"
    )


_END = "<!-- end -->"


def _start(suite: str) -> str:
    return f"<!-- results of {suite} -->"


def _section(suite: str, rows: Sequence[Row]) -> str:
    told = f"{datetime.now(UTC):%Y-%m-%d}, commit {_commit()}, {machine()}"
    lines = [_start(suite), f"### `python -m bench {suite}`", "", told, "", table_of(rows), _END]
    return "\n".join(lines)


def _commit() -> str:
    commit = _git("rev-parse", "--short", "HEAD") or "unknown"
    # What another suite of the same run has just recorded here is no change of what is measured.
    is_changed = _git("status", "--porcelain", "--", ".", f":!bench/{README.name}")
    return f"{commit} with changes" if is_changed else commit


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    root = README.parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip()
