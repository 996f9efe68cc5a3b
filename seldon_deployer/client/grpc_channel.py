"""Requests over gRPC, for threads and for event loops. The one place that knows its exceptions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from seldon_deployer.client.connection import Connection
from seldon_deployer.client.messages import Call, NoReply, Reply
from seldon_deployer.errors import ConfigError

# gRPC code -> the HTTP status of the same meaning, under which failures are told.
_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "UNIMPLEMENTED": 405,
    "RESOURCE_EXHAUSTED": 413,
    "UNAVAILABLE": 503,
}
# What the library itself says where no connection came about.
_NOT_CONNECTED = ("failed to connect to all addresses", "DNS resolution failed")
_ANY_SIZE = -1


class GrpcTransport:
    """Sends requests over one channel. Safe to use from several threads."""

    def __init__(self, url: str, connection: Connection) -> None:
        self._url = url
        self._connection = connection
        self._channel: Any = None

    def send(self, call: Call, timeout_seconds: float) -> Reply:
        """Send a request and read its answer. Raises NoReply."""
        if self._channel is None:
            self._channel = _open_channel(self._url, self._connection, in_loop=False)
        method = self._channel.unary_unary(_method_of(call.url))
        return _answer_of(lambda: method(*_content(call), **_options(call, timeout_seconds)))

    def close(self) -> None:
        """Close the channel. The transport stays usable."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()


class AsyncGrpcTransport:
    """Sends requests over one channel, within one event loop."""

    def __init__(self, url: str, connection: Connection) -> None:
        self._url = url
        self._connection = connection
        self._channel: Any = None

    async def send(self, call: Call, timeout_seconds: float) -> Reply:
        """Send a request and read its answer. Raises NoReply."""
        import grpc

        if self._channel is None:
            self._channel = _open_channel(self._url, self._connection, in_loop=True)
        method = self._channel.unary_unary(_method_of(call.url))
        try:
            body = await method(*_content(call), **_options(call, timeout_seconds))
        except grpc.RpcError as error:
            return _explain(error)
        return Reply(200, {}, body)

    async def close(self) -> None:
        """Close the channel. The transport stays usable."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()


def _answer_of(ask: Any) -> Reply:
    import grpc

    try:
        return Reply(200, {}, ask())
    except grpc.RpcError as error:
        return _explain(error)


def _method_of(url: str) -> str:
    """The path of the method, SERVICE/METHOD, behind the address."""
    return "/" + "/".join(url.rsplit("/", 2)[1:])


def _content(call: Call) -> tuple[bytes]:
    return (b"".join(call.body),)


def _options(call: Call, timeout_seconds: float) -> dict[str, Any]:
    return {"timeout": timeout_seconds, "metadata": tuple(call.headers.items())}


def _explain(error: Any) -> Reply:
    """A failure that the service told as its answer; the others raise NoReply."""
    code, details = error.code().name, str(error.details() or "")
    if code == "DEADLINE_EXCEEDED":
        raise NoReply("no answer in time", is_sent=True, is_timeout=True) from error
    if code == "UNAVAILABLE" and details.startswith(_NOT_CONNECTED):
        is_tls = "SSL" in details.upper() or "CERTIFICATE" in details
        if is_tls:
            why = "TLS failed: its certificate is not trusted, or it speaks plain gRPC"
            raise NoReply(
                why, hint="give Tls(ca_file=...), or grpc:// for plain gRPC", is_lasting=True
            ) from error
        raise NoReply("no connection: nothing listens there, or no such host") from error
    if code == "UNAVAILABLE" and not list(error.initial_metadata() or ()) and _is_lost(details):
        raise NoReply("the connection was closed without an answer", is_sent=True) from error
    told = json.dumps({"error": details}).encode()
    return Reply(_STATUS.get(code, 500), {}, told, said=code)


def _is_lost(details: str) -> bool:
    return any(word in details for word in ("Socket closed", "Connection reset", "GOAWAY"))


def _open_channel(url: str, connection: Connection, *, in_loop: bool) -> Any:
    import grpc
    import grpc.aio

    module = grpc.aio if in_loop else grpc
    parts = urlsplit(url)
    options = [
        ("grpc.max_send_message_length", _ANY_SIZE),
        ("grpc.max_receive_message_length", _ANY_SIZE),
        # Its own subchannels: clients with other credentials must not share a connection.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0),
    ]
    if parts.scheme == "grpc":
        return module.insecure_channel(parts.netloc, options=options)
    tls = connection.tls
    if not tls.verify:
        raise ConfigError(
            "gRPC has no way to trust any certificate", hint="give Tls(ca_file=...) instead"
        )
    tls.context()  # Names a file that cannot be used; gRPC would only fail to connect.
    ca, key, certificate = (
        None if file is None else Path(file).read_bytes()
        for file in (tls.ca_file, tls.key_file or tls.certificate_file, tls.certificate_file)
    )
    credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    return module.secure_channel(parts.netloc, credentials, options=options)
