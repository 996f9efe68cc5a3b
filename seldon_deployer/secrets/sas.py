"""Shared access signatures of Azure: what one allows, and until when.

Source: "Create an account SAS" and "Create a service SAS" of the Azure Storage REST reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit


def url_problems(url: str, now: datetime) -> Iterator[str]:
    """What keeps rclone from reading a folder by this SAS URL; the URL is not told."""
    parts = urlsplit(url)
    # An address by IP has the account as the first part of its path.
    most = 2 if is_ip(parts.hostname or "") else 1
    if len([part for part in parts.path.split("/") if part]) > most:
        yield "names more than the account and its container"
    yield from token_problems(parts.query, now)


def token_problems(token: str, now: datetime) -> Iterator[str]:
    """What keeps rclone from reading a folder by this signature; the signature is not told."""
    fields = _fields(token)
    if "sig" not in fields:
        yield "has no signature (sig=...)"
        return
    try:
        end = _moment(fields["se"]) if "se" in fields else None
    except ValueError:
        yield "has an end (se=...) that is no time"
        return
    if end is not None and end <= now:
        yield f"ended at {end:%Y-%m-%d %H:%M} UTC"
    if fields.get("sr") in {"b", "bs", "bv"}:
        yield "is signed for a single blob (sr=b), and a model is a folder: sign the container"
    if "ss" in fields and "b" not in fields["ss"]:
        yield "is not signed for blobs (ss=...)"
    if "srt" in fields and not {"c", "o"} <= set(fields["srt"]):
        yield "is not signed for containers and objects (srt=co)"
    if "sp" in fields and not {"r", "l"} <= set(fields["sp"]):
        yield "does not allow to read and to list (sp=rl)"


def ends_at(token: str) -> datetime | None:
    """When the signature ends; None where a policy of the container says that, or nothing."""
    end = _fields(token).get("se")
    return _moment(end) if end else None


def _fields(token: str) -> dict[str, str]:
    return {key: values[-1] for key, values in parse_qs(token.removeprefix("?")).items()}


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_ip(host: str) -> bool:
    """Whether a host is an IP address; rclone then expects the account in the URL's path."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
