"""What commands write: tables and details for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from seldon_deployer.service import Service

_COLOURS = {"Available": "green", "Failed": "red", "Creating": "yellow"}
_GAP = "   "


def describe(service: Service) -> dict[str, Any]:
    """The facts of one service as a plain object; keys are stable."""
    return {
        "name": service.name,
        "namespace": service.namespace,
        "model_name": service.model_name,
        "model_uri": service.model_uri,
        "state": service.state,
        "replicas": service.replicas,
        "revision": service.revision,
        "protocol": service.protocol,
        "prediction_url": service.prediction_url,
    }


def write_json(value: Any) -> None:
    """Write JSON to stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def write_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write aligned columns to stdout. States have a colour on a terminal."""
    cells = [list(heads), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    for row in cells:
        padded = [_coloured(cell, width) for cell, width in zip(row, widths, strict=True)]
        click.echo(_GAP.join(padded).rstrip())


def write_details(facts: dict[str, object]) -> None:
    """Write `name: value` lines to stdout, aligned."""
    width = max(len(name) for name in facts) + 1
    for name, value in facts.items():
        click.echo(f"{(name + ':').ljust(width)} {_coloured(_text(value), 0)}")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Tell of progress on stderr: a spinner on a terminal, else one line for each step."""
    if not sys.stderr.isatty():
        yield _tell
        return
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    with console.status("...") as spinner:

        def show(text: str) -> None:
            spinner.update(text.replace("[", "\\["))

        yield show


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _text(value: object) -> str:
    return "-" if value is None or value == "" else str(value)


def _coloured(text: str, width: int) -> str:
    padded = text.ljust(width)
    colour = _COLOURS.get(text)
    return click.style(padded, fg=colour) if colour else padded
