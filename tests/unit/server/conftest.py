"""Real units: processes of the model server on a port of their own."""

import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import unit_process

SOURCES = Path(__file__).parent / "models"


@pytest.fixture
def run_server() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a server that is expected to end by itself."""
    return partial(unit_process.run_server, code=SOURCES)


@pytest.fixture(scope="module")
def start_unit(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., unit_process.Unit]]:
    """Start units on free ports; all of them are stopped in the end."""
    with unit_process.unit_starter(lambda: tmp_path_factory.mktemp("unit"), SOURCES) as start:
        yield start
