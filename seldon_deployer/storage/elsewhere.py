"""Addresses that no model is served from, and how a model comes from there to where one is."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from seldon_deployer.errors import ConfigError

_DOWNLOAD = "download the model, and give the folder's path or an address in one of these stores"
_MLFLOW = (
    "fetch the model first (mlflow artifacts download --artifact-uri {uri} --dst-path model), and "
    "give its folder, or the address that the run's artifacts have in their store"
)
_HINTS = {
    "http": _DOWNLOAD,
    "https": _DOWNLOAD,
    "ftp": _DOWNLOAD,
    "sftp": _DOWNLOAD,
    "hf": "fetch the model first (hf download {name} --local-dir model), and give its folder",
    "models": _MLFLOW,
    "runs": _MLFLOW,
    "mlflow-artifacts": _MLFLOW,
}
# What the pages of the stores themselves show: host and path by an expression, and ours for it.
_PAGES = (
    (r"([^.]+)\.s3[.-][\w.-]*amazonaws\.com/(.*)", r"s3://\1/\2"),
    (r"s3[.-][\w.-]*amazonaws\.com/(.*)", r"s3://\1"),
    (r"storage\.(?:googleapis|cloud\.google)\.com/(.*)", r"gs://\1"),
    (r"([^.]+)\.storage\.googleapis\.com/(.*)", r"gs://\1/\2"),
    (r"[^.]+\.(?:blob|dfs)\.(?:core|storage)\.[\w.-]+/(.*)", r"az://\1"),
)


def unknown_store(uri: str, known: str) -> ConfigError:
    """The error for an address of no store; known: those that there are, for people.

    A signed address, and one with a password, is pasted easily: of neither more than the scheme is
    shown.
    """
    scheme, _, rest = uri.partition(":")
    is_secret = bool(set("@?") & set(uri))
    shown = f"{scheme}://..." if is_secret else uri
    return ConfigError(
        f"{scheme}:// is no kind of store that models are served from"
        + ("" if is_secret else f": {shown}"),
        why=f"there are {known}, and plain paths",
        hint=_hint(uri, scheme, rest, shown),
    )


def _hint(uri: str, scheme: str, rest: str, shown: str) -> str:
    if (page := _of_page(uri)) is not None:
        return f"write {page}"
    told = _HINTS.get(scheme.lower())
    if told is None:
        return f"a remote of one's own needs a Secret with RCLONE_CONFIG_{scheme.upper()}_TYPE"
    return told.format(uri=shown, name=rest.strip("/") if shown == uri else "NAME")


def _of_page(uri: str) -> str | None:
    """The address in its store, where a page's address names a bucket there."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or "@" in parts.netloc:
        return None
    for pattern, ours in _PAGES:
        if found := re.fullmatch(pattern, f"{parts.netloc.lower()}{parts.path}"):
            return found.expand(ours).rstrip("/")
    return None
