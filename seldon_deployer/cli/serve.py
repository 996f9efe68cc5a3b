"""`seldon-deployer serve`: the model server in this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click


# The server's own parser reads the arguments: one description of them, in one place.
@click.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> int:
    """Serve MODULE.Class from the current folder; `serve --help` lists the options."""
    from seldon_deployer.server.process import main

    # As with `python -m`: a class that lies here is found.
    sys.path.insert(0, str(Path.cwd()))
    return main(arguments, os.environ)
