"""Requests over urllib3: for threads. The one place that knows its exceptions."""

from __future__ import annotations

import time
from functools import cached_property
from re import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from seldon_deployer.client.connection import KEPT_CONNECTIONS, Connection
from seldon_deployer.client.messages import Call, NoReply, Reply

if TYPE_CHECKING:
    import urllib3

_PIECE_BYTES = 1 << 18


class HttpTransport:
    """Sends requests and keeps connections. Safe to use from several threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, call: Call, timeout_seconds: float) -> Reply:
        """Send a request and read its whole answer. Raises NoReply.

        The time allowed is for all of it: a server that answers drop by drop is given up too.
        """
        import urllib3

        deadline = time.monotonic() + timeout_seconds
        timeout = urllib3.Timeout(
            connect=min(self._connection.connect_timeout_seconds, timeout_seconds),
            read=timeout_seconds,
        )
        headers = dict(call.headers)
        if call.method == "POST":
            headers["Content-Length"] = str(call.size_bytes)
        try:
            response = self._pool(call.url).request(
                call.method,
                call.url,
                # Part by part, without joining them: Content-Length keeps it from chunks.
                body=iter(call.body) if call.body else None,  # type: ignore[arg-type]
                headers=headers,
                timeout=timeout,
                preload_content=False,
                redirect=False,
                retries=False,
            )
            try:
                body = _read(response, deadline)
            except BaseException:
                response.close()
                raise
            response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise explain(error) from error
        names = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status, names, body)

    def close(self) -> None:
        """Close the kept connections. The transport stays usable."""
        for pool in self.__dict__.get("_plain"), self.__dict__.get("_secure"):
            if pool is not None:
                pool.clear()

    def _pool(self, url: str) -> urllib3.PoolManager:
        if not url.startswith("https:"):
            return self._plain
        if not self._connection.tls.verify:
            _accept_unverified(urlsplit(url).hostname or "")
        return self._secure

    @cached_property
    def _plain(self) -> urllib3.PoolManager:
        import urllib3

        return urllib3.PoolManager(maxsize=KEPT_CONNECTIONS)

    @cached_property
    def _secure(self) -> urllib3.PoolManager:
        import urllib3

        context = self._connection.tls.context()
        return urllib3.PoolManager(maxsize=KEPT_CONNECTIONS, ssl_context=context)


def explain(error: Exception) -> NoReply:
    """Say in one form what urllib3 raised."""
    from urllib3 import exceptions

    if isinstance(error, exceptions.ReadTimeoutError):
        return NoReply("no answer in time", is_sent=True, is_timeout=True)
    if isinstance(error, exceptions.NameResolutionError):
        return NoReply("no such host", is_lasting=True)
    if isinstance(error, exceptions.NewConnectionError):
        return NoReply(_system_words(error))
    if isinstance(error, exceptions.ConnectTimeoutError):
        return NoReply("no connection within the time allowed")
    if isinstance(error, exceptions.SSLError):
        return explain_tls(error)
    if isinstance(error, exceptions.ProtocolError):
        cause = error.args[1] if len(error.args) > 1 else None
        if exceptions.IncompleteRead in {type(error), type(cause)}:
            return NoReply("the connection was closed within the answer", is_sent=True)
        if isinstance(cause, OSError):
            return NoReply("the connection was closed without an answer", is_sent=True)
        return NoReply("what came is no HTTP", is_sent=True, is_lasting=True)
    return NoReply(type(error).__name__, is_sent=True)


def explain_tls(error: BaseException) -> NoReply:
    """Say what is wrong with TLS, from the ssl module's error beneath."""
    import ssl

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        found = next((each for each in cause.args if isinstance(each, ssl.SSLError)), None)
        cause = found or cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return NoReply(
            f"its certificate is not trusted: {cause.verify_message}",
            hint="give the CA of the server as Tls(ca_file=...), on the command line --ca-file",
            is_lasting=True,
        )
    reason = str(getattr(cause, "reason", "") or "")
    if "WRONG_VERSION_NUMBER" in reason or "HTTP_REQUEST" in reason:
        return NoReply("it speaks plain HTTP there", hint="use http://", is_lasting=True)
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
        return NoReply(
            "it asks for a certificate of the client that it knows",
            hint="give Tls(certificate_file=..., key_file=...)",
            is_lasting=True,
        )
    words = reason.replace("_", " ").lower() or "the connection was closed"
    return NoReply(f"TLS failed: {words}", is_lasting=True)


def _read(response: urllib3.BaseHTTPResponse, deadline: float) -> bytearray:
    # Writable, so that the tensors of a binary answer may stay where they came in.
    body = bytearray()
    while piece := response.read1(_PIECE_BYTES):
        body += piece
        if time.monotonic() > deadline:
            raise NoReply("no whole answer in time", is_sent=True, is_timeout=True)
    return body


def _system_words(error: Exception) -> str:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused: nothing listens there"
    return str(cause.strerror or cause) if isinstance(cause, OSError) else str(error)


def _accept_unverified(host: str) -> None:
    # It was asked for, and our own log told of it; the library would warn at each request.
    import warnings

    from urllib3.exceptions import InsecureRequestWarning

    message = f"Unverified HTTPS request is being made to host '{escape(host)}'"
    warnings.filterwarnings("ignore", message, InsecureRequestWarning)
