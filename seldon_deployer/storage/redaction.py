"""Clients' exceptions and log lines without what must not be told.

Clients of Google and Azure quote addresses, and an address may be a credential: a shared access
signature, or the session of an upload.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from urllib.parse import quote

_HIDDEN = "<hidden>"
_QUERY = re.compile(r"\?[^\s'\"<>)]+")
_SECRET_PARAMETERS = re.compile(r"\b(sig|upload_id|access_token)=[^\s&'\"]+", re.IGNORECASE)
_LEAST_LENGTH = 6


class ClientError(Exception):
    """What a client raised, in the place of its own exception: its name and its text, cleaned."""


def cleaned(error: BaseException, secrets: Iterable[str]) -> ClientError:
    """The exception to chain instead of a client's own, which a traceback would show.

    secrets: values that must not be in it, in whatever form an address has them.
    """
    # What follows the first line is the body of an answer.
    text = _QUERY.sub(f"?{_HIDDEN}", str(error).partition("\n")[0])
    forms = {form for each in secrets for form in (each, quote(each, safe=""), quote(each))}
    for form in sorted(forms, key=len, reverse=True):
        # One letter in a password field would blank every such letter.
        if len(form) >= _LEAST_LENGTH:
            # Addresses are written with %2B and with %2b.
            text = re.sub(re.escape(form), _HIDDEN, text, flags=re.IGNORECASE)
    return ClientError(f"{type(error).__name__}: {text}")


def hide_addresses_in_logs() -> None:
    """Keep signatures out of what the HTTP library logs, DEBUG included."""
    # urllib3 logs each request with its query; a logger takes one filter once.
    logging.getLogger("urllib3.connectionpool").addFilter(_hide_parameters)


def hide_signing_in_logs() -> None:
    """Keep keys and tokens out of what Amazon's client logs where all loggers are at DEBUG.

    It writes whole requests then, what they are signed with among it. Who wants that sets the level
    of the logger `botocore`, and is left alone.
    """
    signing = logging.getLogger("botocore")
    if signing.level == logging.NOTSET:
        signing.setLevel(logging.INFO)


def _hide_parameters(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    hidden = _SECRET_PARAMETERS.sub(rf"\1={_HIDDEN}", text)
    if hidden != text:
        record.msg, record.args = hidden, ()
    return True
