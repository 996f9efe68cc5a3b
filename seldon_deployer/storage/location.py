"""Which store an address names, and which bucket and path in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from seldon_deployer.artifacts.location import local_path
from seldon_deployer.errors import ConfigError
from seldon_deployer.storage.elsewhere import unknown_store
from seldon_deployer.storage.store import Environment

Kind = Literal["s3", "gs", "azureblob", "pvc", "file"]

# Every scheme, and the remote that Seldon's initializer has it under. Some are other tools' names.
_SCHEMES: dict[str, Kind] = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gs",
    "az": "azureblob",
    "abfs": "azureblob",
    "abfss": "azureblob",
    "azureblob": "azureblob",
    "wasb": "azureblob",
    "wasbs": "azureblob",
    "pvc": "pvc",
    "file": "file",
}
_HADOOP = frozenset({"abfs", "abfss", "wasb", "wasbs"})
# rclone knows each kind of store by these types, in this spelling alone.
_TYPES: dict[str, Kind] = {
    "s3": "s3",
    "google cloud storage": "gs",
    "googlecloudstorage": "gs",
    "gcs": "gs",
    "azureblob": "azureblob",
}
# rclone's remotes are these characters; an environment variable has no space.
_ADDRESS = re.compile(r"([\w.-]+):(.*)", re.DOTALL)
_HOST = re.compile(r"([^@/]+)@([a-z0-9]+)\.(?:dfs|blob)\.([\w.-]+)", re.IGNORECASE)
# What the initializer calls the stores that there are credentials for.
KNOWN_REMOTES = ("s3", "gs", "azureblob")
_KNOWN = ", ".join(f"{scheme}://" for scheme in _SCHEMES)


@dataclass(frozen=True, slots=True)
class Location:
    """One folder or file in one store.

    bucket: the bucket, Azure's container or the volume's claim; '' on this machine.
    path: inside the bucket, without slashes at its ends, '' for all of it; on this machine the
    whole path.
    account: the storage account, where the address names it. endpoint: what follows its name in the
    host of its blobs then, another one for each of Azure's clouds.
    remote: rclone's name for the store, which says whose RCLONE_CONFIG_* are its credentials.
    """

    kind: Kind
    bucket: str
    path: str
    account: str | None = None
    remote: str = ""
    endpoint: str | None = None

    def __post_init__(self) -> None:
        if not self.remote:
            object.__setattr__(self, "remote", self.kind)

    @property
    def server_uri(self) -> str:
        """The address as a manifest's `modelUri` has it, for Seldon's initializer and operator."""
        if self.kind == "file":
            return Path(self.path).as_uri()
        return f"{self.remote}://{self.bucket}" + (f"/{self.path}" if self.path else "")

    @property
    def name(self) -> str:
        """The last part of the path; the bucket's name where there is no path."""
        return self.path.rpartition("/")[2] or self.bucket


def parse_location(uri: str, environment: Environment | None = None) -> Location:
    """Read an address: a known scheme, a path of this machine, or a remote of the environment.

    environment: RCLONE_CONFIG_<NAME>_TYPE in it makes `name://bucket/path` an address too, and
    goes before the schemes, as it does for rclone. A store's paths are taken letter by letter:
    no %20, no `?`. Raises ConfigError, which never shows what stands before an `@`.
    """
    address = _ADDRESS.fullmatch(uri)
    if address is None:
        return _local(uri)
    remote, rest = address.groups()
    if (kind := _configured(remote, environment or {})) is not None:
        return _stored(uri, kind, remote, rest)
    scheme = remote.lower()
    if scheme not in _SCHEMES:
        if rest.startswith("//") or (rest.startswith("/") and len(scheme) > 1):
            raise unknown_store(uri, _KNOWN)
        return _local(uri)
    kind = _SCHEMES[scheme]
    if kind == "file":
        return _local(uri)
    # Only rclone's own names are an address without slashes: `s3:bucket/path`. One slash is one too
    # few, and yet no path of this machine.
    if not rest.startswith("/") and scheme != kind:
        return _local(uri)
    if scheme in _HADOOP and "@" in rest.lstrip("/").partition("/")[0]:
        return _hadoop(rest)
    return _stored(uri, kind, kind, rest)


def _local(uri: str) -> Location:
    if not uri or "\0" in uri:
        raise ConfigError(
            "an address of nothing" if not uri else "an address with a NUL in it",
            why="it names no file",
            hint=f"a path, or one of {_KNOWN}",
        )
    path = local_path(uri)
    if path is None or not path.is_absolute():
        raise ConfigError(f"{uri} is no path", hint="write file:///absolute/path")
    return Location("file", "", str(path))


def _configured(remote: str, environment: Environment) -> Kind | None:
    """The kind of store that the environment says a remote is; None where it says nothing."""
    value = environment.get(f"RCLONE_CONFIG_{remote.upper()}_TYPE")
    if value is None:
        return None
    kind = _TYPES.get(value.get_secret_value())
    if kind is None:
        raise ConfigError(
            f"RCLONE_CONFIG_{remote.upper()}_TYPE is no store that is read from here",
            why="these are: " + ", ".join(_TYPES),
            hint="rclone tells upper case from lower case",
        )
    return kind


def _stored(uri: str, kind: Kind, remote: str, rest: str) -> Location:
    bucket, _, path = rest.lstrip("/").partition("/")
    if "@" in bucket:
        raise ConfigError(
            f"the {remote}:// address has an @ in its bucket",
            why="no bucket has one, and credentials have no place in an address",
            hint="put credentials into a Secret (seldon-deployer secret apply)",
        )
    if not bucket:
        raise ConfigError(
            f"{uri} names no {_noun(kind)}", hint=f"{remote}://<{_noun(kind)}>/<path>"
        )
    path = path.rstrip("/")
    for problem in _path_problems(path):
        raise ConfigError(f"{uri} is no address of a folder or file", why=problem)
    return Location(kind, bucket, path, remote=remote)


def _hadoop(rest: str) -> Location:
    """`abfss://container@account.dfs.core.windows.net/path`."""
    host, _, path = rest.lstrip("/").partition("/")
    found = _HOST.fullmatch(host)
    if found is None:
        raise ConfigError(
            "the Azure address has something else than container@account.dfs.core.windows.net",
            hint="abfss://container@account.dfs.core.windows.net/path, or az://container/path",
        )
    rest = f"//{found[1]}/{path}"
    plain = _stored(f"azureblob:{rest}", "azureblob", "azureblob", rest)
    return replace(plain, account=found[2].lower(), endpoint=f"blob.{found[3].lower()}")


def _path_problems(path: str) -> Iterator[str]:
    # Stores keep such keys apart; rclone and every disk take them for something else.
    for part in path.split("/") if path else ():
        if part in ("", ".", ".."):
            yield f"its path has the part {part!r}" if part else "its path has two slashes in a row"
    if not path.isprintable():
        yield "its path has a character that nobody sees"


def _noun(kind: Kind) -> str:
    return {"azureblob": "container", "pvc": "claim"}.get(kind, "bucket")
