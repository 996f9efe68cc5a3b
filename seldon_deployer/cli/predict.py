"""`seldon-deployer predict`."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import click

from seldon_deployer.cli.options import connect, connection_options
from seldon_deployer.errors import UsageError


@click.command()
@click.argument("name")
@click.option(
    "--data",
    required=True,
    metavar="JSON",
    help="Rows such as [[1, 2]], or a whole message; @FILE reads a file, - stdin.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the answer.",
)
@click.option(
    "--output",
    "-o",
    type=click.Choice(["json"]),
    default="json",
    help="Form of the result: one line of JSON.",
)
@connection_options
def command(name: str, data: str, timeout: float, output: str, **options: Any) -> None:  # noqa: ARG001
    """Ask a deployed model for a prediction.

    Rows are answered by rows, a whole message by the whole answer.
    """
    question = _read(data)
    answer = connect(options).get(name).predict(question, timeout_seconds=timeout)
    click.echo(json.dumps(_plain(answer), ensure_ascii=False))


def _read(data: str) -> Any:
    if data == "-":
        text = sys.stdin.read()
    elif data.startswith("@"):
        try:
            text = Path(data[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read {data[1:]}", why=str(error)) from error
    else:
        text = data
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(
            "--data is no JSON", why=str(error), hint="--data '[[5.1, 3.5, 1.4, 0.2]]'"
        ) from error


def _plain(answer: Any) -> Any:
    from seldon_deployer.payload import to_list

    if isinstance(answer, bytes):
        return b64encode(answer).decode()
    if isinstance(answer, dict):
        return {name: _plain(value) for name, value in answer.items()}
    return to_list(answer) if hasattr(answer, "dtype") else answer
