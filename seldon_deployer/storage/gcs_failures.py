"""What Google's libraries raise, in our own words; loaded with them only."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.cloud.storage import exceptions as media

from seldon_deployer.errors import StorageDenied, StorageError, StorageUnreachable
from seldon_deployer.storage.failures import (
    changed,
    corrupted,
    denied,
    failed,
    missing_bucket,
    missing_file,
    no_credentials,
    unreachable,
)
from seldon_deployer.storage.gcs_client import GCSSettings
from seldon_deployer.storage.links import describe_link
from seldon_deployer.storage.parts import BrokenLink
from seldon_deployer.storage.redaction import cleaned

_CODE = re.compile(r"[A-Za-z0-9_.]{1,60}")
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
# Not every OSError: the local file may be what fails.
_LINK = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
)
_FOREIGN = (api.GoogleAPIError, auth.GoogleAuthError, media.InvalidResponse, media.DataCorruption)


@contextmanager
def translate(where: str, settings: GCSSettings) -> Iterator[None]:
    """Raise what happens inside as our own errors; `where` is the address that it is about.

    What is chained is the exception without secrets, and without addresses with a query.
    """
    try:
        yield
    except (*_FOREIGN, *_LINK) as error:
        failure = from_client(where, error)
        if isinstance(failure, StorageDenied) and settings.has_no_identity:
            failure = no_identity(where)
        raise failure from cleaned(error, settings.secrets)


@contextmanager
def reading(where: str, settings: GCSSettings) -> Iterator[None]:
    """As `translate`, while bytes arrive: a link that breaks is a BrokenLink."""
    try:
        with translate(where, settings):
            yield
    except StorageUnreachable as error:
        raise BrokenLink(error) from error.__cause__


def no_identity(where: str) -> StorageDenied:
    """Nobody is asked for, and nobody may not."""
    return no_credentials(
        where,
        "this machine has no identity for Google Cloud",
        "run `gcloud auth application-default login`, or give the store's credentials as a Secret",
    )


def from_client(where: str, error: BaseException) -> StorageError:
    """What an exception of Google's libraries, or of those below them, means."""
    if isinstance(error, api.RetryError) and error.cause is not None:
        return from_client(where, error.cause)
    if isinstance(error, media.DataCorruption):
        return corrupted(where, "its checksum is another")
    if isinstance(error, auth.GoogleAuthError):
        return _from_identity(where, error)
    if isinstance(error, api.GoogleAPICallError):
        return _from_answer(where, int(error.code or 0), _code(error))
    if isinstance(error, media.InvalidResponse):
        return _from_answer(where, error.response.status_code, "")
    return unreachable(where, describe_link(error))


def _from_answer(where: str, status: int, code: str) -> StorageError:
    told = f"{code} (HTTP {status})" if code else f"HTTP {status}"
    if status in (401, 403):
        return denied(where, told)
    if status == 404:
        # A bucket's address ends with a slash: there is no file's name behind it.
        is_bucket = where.endswith("/")
        return missing_bucket(where.rstrip("/")) if is_bucket else missing_file(where)
    if status == 412:
        return changed(where)
    if status in _PASSING:
        return unreachable(where, f"it only says {told}")
    return failed(where, told)


def _from_identity(where: str, error: auth.GoogleAuthError) -> StorageError:
    if isinstance(error, auth.DefaultCredentialsError):
        return no_identity(where)
    if isinstance(error, auth.TransportError):
        return unreachable(where, f"its server of tokens: {describe_link(error)}")
    if isinstance(error, auth.RefreshError) and not error.retryable:
        return denied(where, f"no token is given for these credentials{_oauth_code(error)}")
    if error.retryable:
        return unreachable(where, "its server of tokens has a passing failure")
    return failed(where, type(error).__name__)


def _oauth_code(error: auth.RefreshError) -> str:
    told = next((each for each in error.args if isinstance(each, dict)), {})
    code = str(told.get("error", ""))
    return f" ({code})" if _CODE.fullmatch(code) else ""


def _code(error: api.GoogleAPICallError) -> str:
    first = error.errors[0] if error.errors else {}
    code = str(first.get("reason", "")) if isinstance(first, dict) else ""
    return code if _CODE.fullmatch(code) else ""
