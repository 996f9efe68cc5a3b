"""Where files are while they arrive: beside their target, under names of no model, and for a time.

The folder is hidden inside the target, because only a rename on one disk is atomic. Its owner holds
a lock in it; one whose owner died, however it did, is removed by the next.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = ".seldon-deployer-arriving-"


@contextmanager
def open_staging(folder: Path) -> Iterator[Path]:
    """A new folder inside `folder`, removed in the end with all that is still in it."""
    _remove_orphans(folder)
    staging = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
    try:
        with (staging / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def tells_case(staging: Path) -> bool:
    """Whether the disk tells upper case from lower case."""
    return not (staging / "LOCK").exists()


def _remove_orphans(folder: Path) -> None:
    for orphan in folder.glob(f"{_PREFIX}*"):
        # Without a lock file it was just made, or is just being removed.
        with suppress(OSError), (orphan / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(orphan, ignore_errors=True)
