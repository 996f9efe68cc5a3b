"""Our own package as a wheel, of what is installed: an image has the very code that runs here.

Nothing is built or fetched; the same package gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import seldon_deployer
from seldon_deployer.errors import UsageError

_NAME = "seldon-deployer"
# The first day that a zip can tell of.
_DATE = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o100644 << 16
# Notes of whoever installed it, on this machine.
_INSTALLERS = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})


def own_wheel() -> tuple[str, bytes]:
    """The wheel's file name and its bytes.

    Raises UsageError where the package is not installed, or is installed as another version than
    the code that runs.
    """
    version = seldon_deployer.__version__
    try:
        installed = distribution(_NAME)
    except PackageNotFoundError:
        raise _unusable("it is not installed, so that what it needs is not known") from None
    if installed.version != version:
        raise _unusable(f"installed is {installed.version}, and what runs is {version}")
    stem = f"{_NAME.replace('-', '_')}-{version}"
    package = Path(seldon_deployer.__file__).parent
    files = {
        f"{package.name}/{file.relative_to(package).as_posix()}": file.read_bytes()
        for file in package.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    files |= {f"{stem}.dist-info/{name}": text for name, text in _metadata(installed).items()}
    return f"{stem}-py3-none-any.whl", _zip(files, record=f"{stem}.dist-info/RECORD")


def _metadata(installed: Distribution) -> Mapping[str, bytes]:
    """What the installation says of the package, but for what it says of itself."""
    found = {}
    for file in installed.files or ():
        folder, _, name = file.as_posix().partition("/")
        if folder.endswith(".dist-info") and name not in _INSTALLERS:
            found[name] = file.read_binary()
    return found


def _zip(files: Mapping[str, bytes], *, record: str) -> bytes:
    """A wheel of the files, with a record of them."""
    lines = []
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(files.items()):
            _add(archive, name, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            lines.append(f"{name},sha256={digest.decode()},{len(content)}\n")
        _add(archive, record, "".join([*lines, f"{record},,\n"]).encode())
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.external_attr = _READABLE
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def _unusable(why: str) -> UsageError:
    return UsageError(
        f"the package {_NAME} cannot be put into an image",
        why=why,
        hint="install it again with pip",
    )
