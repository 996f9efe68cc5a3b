"""`seldon-deployer predict`."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seldon_deployer.cli.files import STDIN, read_text
from seldon_deployer.cli.options import connect, connection_options
from seldon_deployer.errors import PredictionError, UsageError

if TYPE_CHECKING:
    from seldon_deployer.batch import Progress, Report
    from seldon_deployer.client import InferenceClient
    from seldon_deployer.service import Service

_TOLD_FAILURES = 5


@click.command()
@click.argument("name")
@click.option(
    "--data",
    metavar="JSON",
    help='Rows such as [[1, 2]] or [{"width": 1}], or a message; @FILE reads a file, - stdin.',
)
@click.option(
    "--file",
    "source",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Many rows instead: .csv with a header, .jsonl, .parquet or .npy.",
)
@click.option(
    "--output",
    "-o",
    default="json",
    show_default=True,
    metavar="json|FILE",
    help="One line of JSON; with --file a .csv, .jsonl or .parquet, a row for each row.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for an answer.",
)
@click.option(
    "--rows-per-request",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="Rows of a file asked at once.",
)
@click.option(
    "--parallel",
    type=click.IntRange(1, 256),
    default=4,
    show_default=True,
    metavar="N",
    help="Requests at the same time.",
)
@click.option(
    "--max-failures",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    metavar="N",
    help="Rows of a file that may fail before the run ends.",
)
@click.option("--restart", is_flag=True, help="Forget the progress of a run that was cut off.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Bearer token that the ingress asks for.",
)
@click.option(
    "--ca-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Certificates of the ingress to trust.",
)
@click.option(
    "--cert-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Certificate by which the ingress knows you, PEM.",
)
@click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Key of that certificate, where it is in another file.",
)
@click.option(
    "--header",
    "-H",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="Header to send with each request.",
)
@click.option("--insecure", is_flag=True, help="Trust any certificate of the ingress.")
@connection_options
def command(name: str, data: str | None, source: Path | None, output: str, **options: Any) -> None:
    """Ask a deployed model for predictions.

    Rows are answered by rows, a whole message by the whole answer. A file is asked in pieces, in
    parallel, and answered by a file in its order; a run that was cut off goes on where it was.
    """
    if (data is None) == (source is None):
        raise UsageError("give either --data or --file", hint="--data '[[5.1, 3.5, 1.4, 0.2]]'")
    if source is None and output != "json":
        raise UsageError("--output FILE is for --file", hint="> FILE writes the answer to --data")
    if source is not None and output == "json":
        raise UsageError("--file needs --output FILE", hint="--output predictions.csv")
    question = _read(data) if data is not None else None
    asking = take_asking(options)
    settings = {
        "piece_rows": options.pop("rows_per_request"),
        "parallel": options.pop("parallel"),
        "max_failures": options.pop("max_failures"),
    }
    restart = options.pop("restart")
    service = connect(options).get(name)
    if source is not None:
        _predict_file(service, asking, source, Path(output), settings, restart=restart)
        return
    with service.asking(**asking) as client:
        answer = client.predict(question)
    click.echo(json.dumps(_plain(answer), ensure_ascii=False))


def take_asking(options: dict[str, Any]) -> dict[str, Any]:
    """Take the options that are those of InferenceClient."""
    from seldon_deployer.client import Tls

    token_file = options.pop("token_file")
    certificate, key = options.pop("cert_file"), options.pop("key_file")
    if key is not None and certificate is None:
        raise UsageError("--key-file is the key of a certificate", hint="give --cert-file too")
    return {
        "auth": None if token_file is None else read_text(token_file),
        "headers": dict(_read_headers(options.pop("headers"))),
        "tls": Tls(
            ca_file=options.pop("ca_file"),
            verify=not options.pop("insecure"),
            certificate_file=certificate,
            key_file=key,
        ),
        "timeout_seconds": options.pop("timeout"),
    }


def _read_headers(given: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Headers as curl takes them; what is wrong with one is told without its value."""
    for number, text in enumerate(given, start=1):
        name, colon, value = text.partition(":")
        if not (name.strip() and colon):
            raise UsageError(
                f"--header number {number} is no NAME: VALUE", hint="--header 'X-Team: botany'"
            )
        yield name.strip(), value.strip()


def _predict_file(
    service: Service,
    asking: dict[str, Any],
    source: Path,
    output: Path,
    settings: dict[str, int],
    *,
    restart: bool,
) -> None:
    from seldon_deployer.batch import Batch
    from seldon_deployer.client import Retries

    batch = Batch(source, output, revision=service.revision, **settings)
    # Predictions of a batch are asked for once more rather than losing a run.
    retries = Retries(attempts=5, after_sending=True)
    with service.client(retries=retries, **asking) as client, _progress(client) as progress:
        report = batch.run(client, restart=restart, progress=progress)
    click.echo(f"{report.rows} rows are in {output}", err=True)
    if report.failed:
        raise _failed(report, output)


def _failed(report: Report, output: Path) -> PredictionError:
    told = sorted(report.failed.items())
    lines = [f"row {row}: {reason}" for row, reason in told[:_TOLD_FAILURES]]
    if len(told) > _TOLD_FAILURES:
        lines.append(f"and {len(told) - _TOLD_FAILURES} more")
    return PredictionError(
        f"{len(told)} of {report.rows} rows failed",
        why="\n".join(lines),
        hint=f"the column error of {output} has all of them; rows count from 0",
    )


@contextmanager
def _progress(client: InferenceClient) -> Iterator[Progress | None]:
    """A bar on stderr; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Bar(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(client.name, total=None)

        def show(done: int, failed: int, total: int) -> None:
            words = f"{client.name}, {failed} failed" if failed else client.name
            bar.update(task, description=words, completed=done, total=total)

        yield show


def _read(data: str) -> Any:
    text = data
    if data == STDIN or data.startswith("@"):
        text = read_text(data.removeprefix("@"))
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
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
