"""The environment that images of Seldon's are built with: `.s2i/environment` beside the code.

There it becomes the image's own environment; where the code runs without such a build, it is read
here, and means the same.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from seldon_deployer.errors import UsageError

logger = logging.getLogger(__name__)

FILE = Path(".s2i/environment")
# What the environment of a process takes.
_NAME = re.compile(r"[^\s=\0]+")


def add_environment_file(environment: MutableMapping[str, str], path: Path = FILE) -> None:
    """Set what the file says and the environment does not; nothing where there is no such file.

    Raises UsageError that names the line. Source: OpenShift source-to-image.
    """
    try:
        text = path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, UnicodeDecodeError) as error:
        why = str(error.strerror) if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError(f"cannot read {path}", why=why, hint="mend it, or remove it") from error
    # The whole file first: a bad line must not leave half of it behind.
    read = dict(_read_lines(text, path))
    taken = {name: value for name, value in read.items() if name not in environment}
    environment.update(taken)
    if taken:
        logger.info("taken from %s: %s", path, ", ".join(taken))


def _read_lines(text: str, path: Path) -> Iterator[tuple[str, str]]:
    """Names and values. A value is all behind the first `=`, with its quotes: no shell reads it."""
    for number, line in enumerate(text.split("\n"), start=1):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals or not _NAME.fullmatch(name) or "\0" in value:
            # Without the line itself: it may be a secret.
            raise UsageError(
                f"line {number} of {path} sets no variable",
                hint="write NAME=VALUE, or # before a comment",
            )
        yield name, value
