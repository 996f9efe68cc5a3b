"""What went wrong below a store's answer, in words that hold neither address nor secret."""

from __future__ import annotations

import re

# As urllib3 writes it; clients quote that.
_HOST = re.compile(r"host='([\w.-]+)', port=(\d+)")
_IN_WORDS = (
    ("proxy", "the proxy does not answer"),
    ("ssl", "the TLS connection failed"),
    ("certificate", "the TLS connection failed"),
    ("refused", "connection refused"),
    ("resolve", "the host has no address"),
    ("name or service", "the host has no address"),
    ("timed out", "no answer in time"),
    ("unreachable", "no way to the host"),
)


def describe_link(error: BaseException) -> str:
    """What a client says of a connection, with host and port where it tells them."""
    text = str(error)
    lowered = text.lower()
    words = next((told for word, told in _IN_WORDS if word in lowered), "the connection broke")
    host = _HOST.search(text)
    return f"{words} from {host[1]}:{host[2]}" if host else words
