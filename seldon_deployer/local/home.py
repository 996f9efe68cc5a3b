"""The runtime's folder: which files lie where, and the record of what runs.

```
runtime.json   ports and token of this home, kept over restarts     0600
kubeconfig     for kubectl and our own client                       0600
control.lock   held by control while it runs; gateway.lock likewise
start.lock     held by whoever starts or stops
cluster.db     the objects          pods/   one folder for each pod
logs/          of control and gateway
```
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

from seldon_deployer.errors import LocalRuntimeError

HOME_VARIABLE = "SELDON_DEPLOYER_HOME"
LOOK_EVERY_SECONDS = 2.0


@dataclass(frozen=True)
class RuntimeRecord:
    """What of a home stays the same over restarts; `volumes` is that of the last start."""

    api_port: int
    gateway_port: int
    token: str
    # The folder of the claims; None where an older version wrote the record.
    volumes: str | None = None


def home_folder() -> Path:
    """The runtime's folder: SELDON_DEPLOYER_HOME, or the platform's place for user data."""
    if chosen := os.environ.get(HOME_VARIABLE):
        return Path(chosen).expanduser().resolve()
    return Path(platformdirs.user_data_dir("seldon-deployer"))


def claims_folder(home: Path) -> Path:
    """Where the volumes of a home's pods lie, by claim: SELDON_DEPLOYER_VOLUMES, or in the home."""
    from seldon_deployer.storage.volume import VOLUMES

    # Control works in its home.
    return home / (os.environ.get(VOLUMES) or "volumes")


def prepare_home(home: Path) -> Path:
    """Make the folders and see that they can be written to. Raises LocalRuntimeError."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / "logs").mkdir(exist_ok=True, mode=0o700)
        (home / "pods").mkdir(exist_ok=True, mode=0o700)
        os.close(os.open(home / "start.lock", os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise _unusable(home, error) from error
    return home


def read_runtime(home: Path) -> RuntimeRecord | None:
    """The record, or None where nothing was started in this home.

    Raises LocalRuntimeError where it cannot be read.
    """
    path = home / "runtime.json"
    try:
        return RuntimeRecord(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(home, error) from error
    except (ValueError, TypeError) as error:
        raise LocalRuntimeError(
            f"{path} is no record of an embedded runtime",
            why="it was edited, or another version wrote it",
            hint="end its processes and delete the file: ports and token are chosen anew",
        ) from error


def write_runtime(home: Path, record: RuntimeRecord) -> None:
    """Keep the record."""
    write_private(home / "runtime.json", json.dumps(asdict(record)))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)


@contextmanager
def hold_lock(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold a lock file for the block; yields False where another process holds it.

    The system frees it when the process ends, however it ends: there is no stale lock.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def wait_free(path: Path) -> None:
    """Wait until no process holds a lock file, without keeping anybody from taking it."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


async def wait_lost(path: Path) -> None:
    """Wait until a lock file no longer says what it says now: its folder went, or is another one.

    Nothing wakes when a folder is deleted, on every system alike; so the file is looked at.
    """
    mine = path.read_text()
    while not _is_another(path, mine):
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def is_held(path: Path) -> bool:
    """Whether another process holds a lock file."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who ask at once do not take each other for the holder.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _is_another(path: Path, text: str) -> bool:
    try:
        return path.read_text() != text
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        # It cannot be read just now, which says nothing.
        return False


def _unusable(home: Path, error: OSError) -> LocalRuntimeError:
    return LocalRuntimeError(
        f"the embedded runtime cannot use the folder {home}",
        why=error.strerror or str(error),
        hint=f"set {HOME_VARIABLE} to a folder of your own",
    )
