"""Files that commands are given by name: read as text, or told in plain words why not."""

from __future__ import annotations

import sys
from pathlib import Path

from seldon_deployer.errors import UsageError

STDIN = "-"


def read_text(file: str | Path) -> str:
    """The text of a file, - for stdin. Raises UsageError where it is none, or cannot be read."""
    try:
        return sys.stdin.read() if str(file) == STDIN else Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        # The error holds the bytes, which may be credentials: so it is not chained.
        why = "it is no text in UTF-8"
    except FileNotFoundError:
        why = "there is no such file"
    except IsADirectoryError:
        why = "it is a folder, and a file is wanted"
    except OSError as error:
        why = error.strerror or type(error).__name__
    raise UsageError(f"cannot read {'stdin' if str(file) == STDIN else file}", why=why)
