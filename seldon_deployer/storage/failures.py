"""The words in which every store fails: one form, whichever client's exception is behind it.

A client's exception is chained (`raise denied(...) from error`) and never quoted: its text may hold
a signed URL. What is quoted is the store's own short code, such as AccessDenied.
"""

from __future__ import annotations

from seldon_deployer.errors import (
    ConfigError,
    StorageDenied,
    StorageError,
    StorageMissing,
    StorageUnreachable,
)


def missing_bucket(where: str) -> StorageMissing:
    """`where`: the address of the bucket or container."""
    return StorageMissing(
        f"{where} is not there",
        why="the store has no bucket of that name",
        hint="check the name, and that the credentials are of the right account and endpoint",
    )


def missing_file(where: str) -> StorageMissing:
    """`where`: the address of the file."""
    return StorageMissing(f"{where} is not there")


def denied(where: str, code: str) -> StorageDenied:
    """`code`: the store's short word for it."""
    return StorageDenied(
        f"the store refuses {where} to these credentials",
        why=code,
        hint="check the credentials, and that they may list and read there",
    )


def no_credentials(where: str, why: str, hint: str) -> StorageDenied:
    """Nothing was asked: there is no identity to ask with."""
    return StorageDenied(f"there are no credentials for {where}", why=why, hint=hint)


def unreachable(where: str, why: str) -> StorageUnreachable:
    """`why`: in our own words, with the host and port, such as `connection refused`."""
    return StorageUnreachable(
        f"the store of {where} does not answer",
        why=why,
        hint="check the endpoint and the network from this machine",
    )


def failed(where: str, code: str) -> StorageError:
    """Anything else that a store says."""
    return StorageError(f"the store failed at {where}", why=code)


def changed(where: str) -> StorageError:
    """The file was replaced while it was read."""
    return StorageError(
        f"{where} was changed while it was read",
        why="its version is no longer the one that was listed",
        hint="try again when whoever writes there is done",
    )


def corrupted(where: str, why: str) -> StorageError:
    """The bytes that arrived are not those that the store has."""
    return StorageError(f"{where} did not arrive as it is stored", why=why, hint="try again")


def not_installed(package: str, extra: str) -> ConfigError:
    """A store whose client is not installed."""
    return ConfigError(
        f"{package} is not installed",
        why="this store is read with it",
        hint=f"pip install 'seldon-deployer[{extra}]'",
    )
