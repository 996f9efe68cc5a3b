"""Pages of other origins: what lets a browser ask a unit for them, where `--strict-compat` does.

Source: Seldon Core v1.17.1, Python wrapper (Flask-CORS with its defaults), observed.
"""

from __future__ import annotations

from collections.abc import Iterable

from seldon_deployer.server.replies import Headers

_METHODS = b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


def allow_origin(method: str, given: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers of an answer that let any page read it; of a preflight, that let it ask.

    given: the request's headers, their names in lower case.
    """
    asked = dict(given)
    origin = asked.get(b"origin")
    headers = [(b"access-control-allow-origin", origin or b"*")]
    if origin is not None:
        headers.append((b"vary", b"Origin"))
    if method == "OPTIONS" and b"access-control-request-method" in asked:
        headers.append((b"access-control-allow-methods", _METHODS))
        if wanted := asked.get(b"access-control-request-headers"):
            headers.append((b"access-control-allow-headers", wanted))
    return headers
