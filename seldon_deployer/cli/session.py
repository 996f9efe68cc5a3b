"""What the whole command line shares: whether to show everything, and the log on stderr."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import click

_PACKAGE = "seldon_deployer"


@dataclass
class Session:
    """One run of the command line."""

    debug: bool = False
    # What an error exits with at least, for commands to which 1 is an answer.
    failure_code: int = 1

    def show_log(self, level: int) -> None:
        """Show the package's log on stderr from `level` on; with --debug all of it."""
        logger = logging.getLogger(_PACKAGE)
        if not logger.handlers:
            logger.addHandler(_EchoHandler())
            logger.propagate = False
        logger.setLevel(logging.DEBUG if self.debug else level)


class _EchoHandler(logging.Handler):
    """Writes plain sentences; what is more than information names its level first."""

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if record.levelno >= logging.WARNING:
            text = f"{click.style('warning:', fg='yellow')} {text}"
        click.echo(text, err=True)


def debug_option() -> click.Option:
    """`--debug`, which every command takes."""

    def remember(context: click.Context, _: click.Parameter, value: bool) -> None:
        session = context.find_root().obj
        if isinstance(session, Session) and value:
            session.debug = True
            session.show_log(logging.DEBUG)

    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=remember,
        help="Show the log and tracebacks.",
    )


def current_session() -> Session:
    """The session of the command that runs."""
    session = click.get_current_context().find_root().obj
    return session if isinstance(session, Session) else Session()
