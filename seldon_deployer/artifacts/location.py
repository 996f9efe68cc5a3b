"""Which artifact addresses are on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from seldon_deployer.errors import ArtifactError
from seldon_deployer.naming import is_address


def local_path(uri: str) -> Path | None:
    """The path behind a `file://` address or a plain path; None for any other store.

    Raises ArtifactError for a `file://` address of another machine.
    """
    if not is_address(uri):
        # pathlib's own fails where nobody has that name; then it is a file's.
        return Path(os.path.expanduser(uri)).absolute()  # noqa: PTH111
    parts = urlsplit(uri)
    if parts.scheme.lower() != "file":
        return None
    if parts.netloc not in ("", "localhost"):
        raise ArtifactError(
            f"{uri} is not on this machine",
            why=f"it names the host {parts.netloc!r}",
            hint="write file:///absolute/path, with three slashes",
        )
    return Path(unquote(parts.path))
