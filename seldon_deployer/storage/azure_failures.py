"""What Azure's libraries raise, in our own words; loaded with them only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from azure.core import exceptions as azure

from seldon_deployer.errors import (
    ConfigError,
    StorageDenied,
    StorageError,
    StorageMissing,
    StorageUnreachable,
)
from seldon_deployer.storage.azure_client import AzureSettings
from seldon_deployer.storage.failures import (
    changed,
    denied,
    failed,
    missing_bucket,
    missing_file,
    no_credentials,
    unreachable,
)
from seldon_deployer.storage.links import describe_link
from seldon_deployer.storage.parts import BrokenLink
from seldon_deployer.storage.redaction import cleaned

_CODE = re.compile(r"[A-Za-z0-9_.]{1,60}")
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
# Some come with other statuses than 401 and 403.
_DENIALS = frozenset(
    {"PublicAccessNotPermitted", "NoAuthenticationInformation", "InvalidAuthenticationInfo"}
)
_WRONG_NAMES = frozenset({"InvalidResourceName", "OutOfRangeInput", "InvalidUri"})


@contextmanager
def translate(where: str, settings: AzureSettings) -> Iterator[None]:
    """Raise what happens inside as our own errors; `where` is the address that it is about.

    What is chained is the exception without secrets, and without addresses with a query.
    """
    try:
        yield
    except azure.AzureError as error:
        failure = from_client(where, error)
        if settings.has_no_identity and _is_hidden(where, failure):
            failure = _no_identity(where)
        raise failure from cleaned(error, settings.secrets)


@contextmanager
def reading(where: str, settings: AzureSettings) -> Iterator[None]:
    """As `translate`, while bytes arrive: a link that breaks is a BrokenLink."""
    try:
        with translate(where, settings):
            yield
    except StorageUnreachable as error:
        raise BrokenLink(error) from error.__cause__


def _is_hidden(where: str, failure: Exception) -> bool:
    """Whether nobody may see it; of hidden containers it is said that there is none."""
    is_container = where.endswith("/")
    return isinstance(failure, StorageDenied) or (
        is_container and isinstance(failure, StorageMissing)
    )


def _no_identity(where: str) -> StorageDenied:
    return no_credentials(
        where,
        "no identity for Azure can be used",
        "run `az login`, or give the store's credentials as a Secret",
    )


def from_client(where: str, error: azure.AzureError) -> StorageError | ConfigError:
    """What an exception of Azure's libraries means."""
    if isinstance(error, (azure.ServiceRequestError, azure.ServiceResponseError)):
        return unreachable(where, describe_link(error))
    status = getattr(error, "status_code", None)
    if status is None:
        if isinstance(error, azure.ClientAuthenticationError):
            return _no_identity(where)
        # A link that broke among the bytes comes as this, too.
        return unreachable(where, describe_link(error))
    return _from_answer(where, int(status), _code(error))


def _from_answer(where: str, status: int, code: str) -> StorageError | ConfigError:
    told = f"{code} (HTTP {status})" if code else f"HTTP {status}"
    if code in _WRONG_NAMES:
        return ConfigError(
            f"{where} cannot be an address of Azure", why="no container has that name, or no file"
        )
    if code == "BlobArchived":
        return StorageError(
            f"{where} cannot be read",
            why="it lies in an archive",
            hint="set its tier to hot or cool first (az storage blob set-tier)",
        )
    if status in (401, 403) or code in _DENIALS:
        return denied(where, told)
    # The service says ResourceNotFound of public containers that are not there.
    if code in ("ContainerNotFound", "ContainerBeingDeleted") or (
        status == 404 and where.endswith("/")
    ):
        return missing_bucket("/".join(where.split("/")[:3]))
    if status == 404:
        return missing_file(where)
    if status == 412:
        return changed(where)
    if status in _PASSING:
        return unreachable(where, f"it only says {told}")
    return failed(where, told)


def _code(error: azure.AzureError) -> str:
    code = getattr(error, "error_code", None)
    # An enumeration of the library's, or text.
    text = str(getattr(code, "value", code) or "")
    return text if _CODE.fullmatch(text) else ""
