"""Logs stay small while their process writes on, and who follows one misses nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seldon_deployer.local.logs import follow
from seldon_deployer.local.rotation import FILES, forget_runs, older, rotate

WRITER = """
import os, sys
for number in range(200_000):
    os.write(1, b"%d\\n" % number)
"""


@contextmanager
def appending(path: Path) -> Iterator[int]:
    """A file as a unit's process has it."""
    number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        yield number
    finally:
        os.close(number)


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "0.log"
    log.write_bytes(b"x" * 100)

    assert not rotate(log, limit_bytes=100)
    assert [each.name for each in tmp_path.iterdir()] == ["0.log"]


def test_the_files_of_a_log_are_as_many_as_kubelet_keeps_and_the_oldest_goes(tmp_path) -> None:
    log = tmp_path / "0.log"
    with appending(log) as output:
        for number in range(FILES + 3):
            os.write(output, b"%d" % number * 101)
            assert rotate(log, limit_bytes=100)
        os.write(output, b"last")

    kept = [log, *(older(log, number) for number in range(1, FILES))]
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    assert [each.read_bytes()[:1] for each in kept] == [b"l", b"7", b"6", b"5", b"4"]
    assert {each.stat().st_mode & 0o777 for each in kept} == {0o600}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux cuts a file at its beginning")
def test_a_process_goes_on_in_a_log_that_was_moved_away(tmp_path: Path) -> None:
    log, limit = tmp_path / "0.log", 10_000
    with log.open("ab") as output:
        process = subprocess.Popen([sys.executable, "-c", WRITER], stdout=output)
    rotated = 0
    while process.poll() is None:
        rotated += rotate(log, limit_bytes=limit)

    assert process.returncode == 0
    assert rotated > FILES
    files = [*(older(log, number) for number in range(FILES - 1, 0, -1)), log]
    # The first line may have its beginning in a file that went.
    numbers = [int(line) for line in b"".join(each.read_bytes() for each in files).split()]
    # Nothing is lost, nothing is there twice, and the file has no hole where it was cut.
    assert numbers[1:] == list(range(numbers[1], 200_000))
    assert b"\0" not in log.read_bytes()


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 3000), st.booleans()), max_size=12))
def test_who_follows_a_log_sees_each_line_once_over_all_rotations(
    tmp_path_factory, steps: list[tuple[int, bool]]
) -> None:
    log = tmp_path_factory.mktemp("logs") / "0.log"
    is_running = True

    async def run() -> bytes:
        nonlocal is_running
        chunks = follow(log, None, lambda: is_running)
        seen = await anext(chunks)
        for lines, is_rotated in steps:
            written = b"".join(b"%d\n" % number for number in range(lines))
            os.write(output, written)
            expected.append(written)
            if is_rotated:
                # Some of it was seen before it was moved, and some was not.
                seen += await asyncio.wait_for(anext(chunks), 5)
                rotate(log, limit_bytes=0)
            while len(seen) < len(b"".join(expected)):
                seen += await asyncio.wait_for(anext(chunks), 5)
        is_running = False
        async for chunk in chunks:
            seen += chunk
        return seen

    with appending(log) as output:
        os.write(output, b"first\n")
        expected = [b"first\n"]
        assert asyncio.run(run()) == b"".join(expected)


def test_the_logs_of_the_last_two_runs_are_kept(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number}.log").touch()
        (tmp_path / f"{number}.log.1").touch()

    forget_runs(tmp_path)

    left = sorted(each.name for each in tmp_path.iterdir())
    assert left == ["10.log", "10.log.1", "11.log", "11.log.1"]
