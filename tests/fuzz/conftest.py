"""Real servers that are searched, one of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import unit_process

SOURCES = Path(__file__).parent / "models"
# How a unit is run, by name: its arguments, and its parameters.
KINDS: dict[str, tuple[tuple[str, ...], dict[str, object]]] = {
    "single": ((), {}),
    "workers": (("--workers", "2"), {}),
    "batches": ((), {"max_batch_size": 16, "max_batch_delay_ms": 1}),
}


@pytest.fixture(scope="module")
def start_unit(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., unit_process.Unit]]:
    """Start units on free ports; all of them are stopped in the end."""
    with unit_process.unit_starter(lambda: tmp_path_factory.mktemp("unit"), SOURCES) as start:
        yield start


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=["Sturdy", "Echo"])
def unit(request: pytest.FixtureRequest, kind: str, start_unit: Callable[..., unit_process.Unit]):
    """A unit of each kind of process, with each class."""
    arguments, asked = KINDS[kind]
    return start_unit(
        f"searched.{request.param}",
        *arguments,
        *("--grpc-port", "0", "--metrics-port", "0", "--max-body-bytes", "1000000"),
        PREDICTIVE_UNIT_ID="searched",
        **unit_process.parameters(**asked),
    )
