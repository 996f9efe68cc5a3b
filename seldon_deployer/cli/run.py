"""Run a command line: exit codes, and errors in one form.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 timed out, 130 interrupted. To `validate` and
`diff`, 1 is an answer: invalid, and different.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from types import TracebackType

import click

from seldon_deployer.cli.commands import cli
from seldon_deployer.cli.session import Session
from seldon_deployer.errors import DeploymentError, SeldonDeployerError

_WIDTH = 7


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. Errors are told on stderr."""
    session = Session()
    sys.excepthook = _bug_reporter(session)
    try:
        answer = cli.main(
            list(arguments), prog_name="seldon-deployer", standalone_mode=False, obj=session
        )
    except SeldonDeployerError as error:
        if session.debug:
            traceback.print_exc()
        tell_error(error.what, error.why, error.hint)
        if isinstance(error, DeploymentError):
            for line in error.report:
                click.echo(f"  {line}", err=True)
        return max(error.exit_code, session.failure_code)
    except click.UsageError as error:
        # By its name: click 8.1, which ZenML 0.80 asks for, has no such error.
        if type(error).__name__ == "NoArgsIsHelpError":
            click.echo(error.format_message(), err=True)
            return 2
        where = error.ctx.command_path if error.ctx else "seldon-deployer"
        tell_error(error.format_message(), "", f"{where} --help")
        return 2
    except click.ClickException as error:
        tell_error(error.format_message(), "", "")
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        tell_error("interrupted", "", "")
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing more can be written, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return answer if isinstance(answer, int) else 0


def tell_error(what: str, why: str, hint: str) -> None:
    """Write an error to stderr: what happened, why, and what to try."""
    for word, text, colour in (("error:", what, "red"), ("why:", why, None), ("try:", hint, None)):
        if text:
            first, *rest = text.splitlines()
            head = click.style(word, fg=colour, bold=True) if colour else word
            click.echo(head + " " * (_WIDTH - len(word)) + first, err=True)
            for line in rest:
                click.echo(" " * _WIDTH + line, err=True)


def _bug_reporter(
    session: Session,
) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """What Python calls for an exception that nobody expected: a fault of ours."""

    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if session.debug:
            traceback.print_exception(kind, error, trace)
        tell_error(
            "this should not have happened",
            f"{kind.__name__}: {error}",
            "the same command with --debug shows where; please report it",
        )

    return report
