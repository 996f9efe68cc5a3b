"""The Python that runs the embedded runtime's units: the one that deploys."""

from __future__ import annotations

import sys
from pathlib import Path

_USUAL_NAME = "python3"


def interpreter() -> str:
    """The path of the running Python, the same whichever of its names it was started by.

    An environment has several names for one Python, and the manifest holds the path: with
    another name a script and a console command would start each other's pods anew.
    """
    started = Path(sys.executable)
    # Links are not followed: they lead out of the environment, to a Python without its libraries.
    usual = started.with_name(_USUAL_NAME)
    return str(usual if usual.exists() and usual.samefile(started) else started)
