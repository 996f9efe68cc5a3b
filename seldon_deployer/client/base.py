"""What both forms of the client share: how they are made, and what they are of."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Literal

from seldon_deployer.client.address import Address, Addressed, find_address
from seldon_deployer.client.connection import (
    CONNECT_TIMEOUT_SECONDS,
    PREDICTION_TIMEOUT_SECONDS,
    Auth,
    Connection,
    Tls,
)
from seldon_deployer.client.exchange import Exchange
from seldon_deployer.client.retries import Retries
from seldon_deployer.errors import UsageError


class Client:
    """One deployed model, and how it is reached. Sends nothing itself.

    `target` is a prediction URL, the base of one (`http://INGRESS/seldon/NAMESPACE/NAME`) or a
    `Service`. `auth` is a bearer token, a (user, password), or a function that gives the token of
    the moment; `headers` go with every request. `binary` sends and asks for V2 tensors as bytes.
    `transport="grpc"` asks over gRPC at the same ingress, as a `grpc://` URL does.
    Raises UsageError or ConfigError for what makes no sense together.
    """

    def __init__(
        self,
        target: str | Addressed,
        *,
        protocol: str | None = None,
        model: str | None = None,
        transport: Literal["http", "grpc"] | None = None,
        binary: bool = False,
        auth: Auth | None = None,
        headers: Mapping[str, str] | None = None,
        tls: Tls | None = None,
        timeout_seconds: float = PREDICTION_TIMEOUT_SECONDS,
        connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
        retries: Retries | None = None,
    ) -> None:
        if transport not in (None, "http", "grpc"):
            raise UsageError(f"there is no transport {transport!r}", hint="http or grpc")
        address = find_address(target, protocol=protocol, model=model)
        if transport == "grpc":
            address = address.over_grpc()
        elif transport == "http" and address.is_grpc:
            raise UsageError(
                f"{address.base} is asked over gRPC", hint='leave out transport="http"'
            )
        connection = Connection(auth, dict(headers or {}), tls or Tls(), connect_timeout_seconds)
        connection.warn_of_risks(address.base)
        self._connection = connection
        self._exchange = _exchange_of(address, connection, is_binary=binary)
        self._retries = retries or Retries()
        self._timeout_seconds = timeout_seconds

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.name} at {self.prediction_url}>"

    @property
    def name(self) -> str:
        """Name of the deployment, as far as the URL tells it."""
        return self._exchange.address.name

    @property
    def protocol(self) -> str:
        """`seldon` or `v2`."""
        return self._exchange.address.protocol

    @property
    def prediction_url(self) -> str:
        """Where predictions are asked for."""
        return self._exchange.address.prediction_url


def _exchange_of(address: Address, connection: Connection, *, is_binary: bool) -> Exchange:
    if not address.is_grpc:
        return Exchange(address, connection, is_binary)
    for library in ("grpc", "google.protobuf"):
        if not _is_installed(library):
            raise UsageError(
                f"{library}, which gRPC needs, is not installed",
                hint="pip install 'seldon-deployer[grpc]'",
            )
    from seldon_deployer.client.grpc_exchange import GrpcExchange

    return GrpcExchange(address, connection, is_binary)


def _is_installed(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except (ImportError, ValueError):
        return False
