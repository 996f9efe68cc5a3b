"""What boto3 raises, in our own words; loaded with boto3 only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from botocore import exceptions as boto

from seldon_deployer.errors import ConfigError, StorageDenied, StorageError, StorageUnreachable
from seldon_deployer.storage.failures import (
    changed,
    denied,
    failed,
    missing_bucket,
    missing_file,
    no_credentials,
    unreachable,
)
from seldon_deployer.storage.parts import BrokenLink
from seldon_deployer.storage.s3_client import S3Settings

_CODE = re.compile(r"[A-Za-z0-9.]{1,60}")
# Those that other statuses than 401 and 403 come with.
_DENIALS = frozenset(
    {
        "ExpiredToken",
        "InvalidToken",
        "TokenRefreshRequired",
        "ExpiredTokenException",
        "RequestExpired",
    }
)
_ELSEWHERE = ("AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
_NO_IDENTITY = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.MetadataRetrievalError,
    boto.TokenRetrievalError,
    boto.SSOError,
    boto.NoAuthTokenError,
    boto.ProfileNotFound,
)
_IN_WORDS = {
    boto.ConnectTimeoutError: "no connection in time",
    boto.ReadTimeoutError: "no answer in time",
    boto.SSLError: "the TLS connection failed",
    boto.ProxyConnectionError: "the proxy does not answer",
    boto.EndpointConnectionError: "no connection",
    boto.ConnectionClosedError: "the connection was closed",
    boto.ResponseStreamingError: "the connection broke",
    boto.IncompleteReadError: "the connection broke",
}


@contextmanager
def translate(where: str, client: Any, settings: S3Settings) -> Iterator[None]:
    """Raise what happens inside as our own errors; `where` is the address that it is about."""
    try:
        yield
    except boto.ClientError as error:
        failure = from_answer(where, error)
        if isinstance(failure, StorageDenied) and settings.has_no_identity:
            failure = _no_identity(where)
        raise failure from error
    except _NO_IDENTITY as error:
        raise _no_identity(where) from error
    except (boto.HTTPClientError, boto.ConnectionError, boto.IncompleteReadError) as error:
        raise from_link(where, client, error) from error
    except boto.ParamValidationError as error:
        raise ConfigError(
            f"{where} cannot be an address of S3",
            why="no bucket has that name, or no file",
        ) from error
    except boto.BotoCoreError as error:
        raise failed(where, type(error).__name__) from error


@contextmanager
def reading(where: str, client: Any, settings: S3Settings) -> Iterator[None]:
    """As `translate`, while bytes arrive: a link that breaks is a BrokenLink."""
    try:
        with translate(where, client, settings):
            yield
    except StorageUnreachable as error:
        raise BrokenLink(error) from error.__cause__


def _no_identity(where: str) -> StorageDenied:
    return no_credentials(
        where,
        "this machine has no identity for AWS that can be used",
        "set AWS_PROFILE or AWS_ACCESS_KEY_ID, or give the store's credentials as a Secret",
    )


def from_answer(where: str, error: boto.ClientError) -> StorageError:
    """What the store said no with."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    # A store, or what stands before it, may say anything here.
    code = code if _CODE.fullmatch(code) else "an unknown error"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "NoSuchBucket":
        return missing_bucket("/".join(where.split("/")[:3]))
    if code == "InvalidObjectState":
        return StorageError(
            f"{where} cannot be read",
            why="it lies in an archive",
            hint="restore it first (aws s3api restore-object)",
        )
    if status in (401, 403) or code in _DENIALS:
        return denied(where, code if code != "403" else "Forbidden")
    if code in ("NoSuchKey", "404"):
        return missing_file(where)
    if status == 412:
        return changed(where)
    if status in (301, 307) or code in (
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraint",
    ):
        return StorageError(
            f"the store does not serve {where} here",
            why=f"{code} (HTTP {status})",
            hint="check the region and the endpoint: the bucket is in another one",
        )
    return failed(where, f"{code} (HTTP {status})")


def from_link(where: str, client: Any, error: Exception) -> StorageError:
    """What went wrong below the answer."""
    words = next((text for kind, text in _IN_WORDS.items() if isinstance(error, kind)), "no answer")
    host = urlsplit(client.meta.endpoint_url).netloc.rpartition("@")[2]
    return unreachable(where, f"{words} from {host}")
