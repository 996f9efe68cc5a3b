"""Models of real frameworks in units of their own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest
import unit_process


@pytest.fixture
def run_server() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a server that is expected to end by itself."""
    return unit_process.run_server


@pytest.fixture(scope="module")
def start_unit(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., unit_process.Unit]]:
    """Start units on free ports; all of them are stopped in the end."""
    with unit_process.unit_starter(lambda: tmp_path_factory.mktemp("unit")) as start:
        yield start
