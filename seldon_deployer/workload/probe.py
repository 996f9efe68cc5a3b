"""Health checks of a container, as Kubernetes has them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StrictInt, StrictStr, model_validator

from seldon_deployer.workload.rules import check_port
from seldon_deployer.workload.value import Value

Port = Annotated[StrictInt | StrictStr, AfterValidator(check_port)]


class HTTPHeader(Value):
    """A header that a probe sends."""

    name: Annotated[str, Field(pattern=r"^[-A-Za-z0-9]+$")]
    value: str = ""


class HTTPGet(Value):
    """An HTTP GET against the container."""

    port: Port
    path: str | None = None
    host: str | None = None
    scheme: Literal["HTTP", "HTTPS"] | None = None
    http_headers: tuple[HTTPHeader, ...] | None = None


class TCPSocket(Value):
    """A connection to the container."""

    port: Port
    host: str | None = None


class GRPC(Value):
    """A gRPC health check."""

    port: Annotated[int, Field(ge=1, le=65535)]
    service: str | None = None


class Exec(Value):
    """A command run in the container; its exit code answers."""

    command: Annotated[tuple[str, ...], Field(min_length=1)]


class Probe(Value):
    """A health check: one of `http_get`, `tcp_socket`, `grpc`, `exec`, and how often."""

    http_get: HTTPGet | None = None
    tcp_socket: TCPSocket | None = None
    grpc: GRPC | None = None
    exec: Exec | None = None
    initial_delay_seconds: Annotated[int, Field(ge=0)] | None = None
    # Zero stands for Kubernetes' default.
    period_seconds: Annotated[int, Field(ge=0)] | None = None
    timeout_seconds: Annotated[int, Field(ge=0)] | None = None
    success_threshold: Annotated[int, Field(ge=0)] | None = None
    failure_threshold: Annotated[int, Field(ge=0)] | None = None
    termination_grace_period_seconds: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _asks_one_way(self) -> Self:
        ways = ("http_get", "tcp_socket", "grpc", "exec")
        given = [way for way in ways if getattr(self, way) is not None]
        if len(given) != 1:
            named = f"{' and '.join(given)} are given" if given else "none is given"
            raise ValueError(f"a probe asks in one way, {', '.join(ways)}: {named}")
        return self

    def check_as(self, kind: Literal["liveness", "readiness", "startup"]) -> Self:
        """Raise ValueError for what this kind of probe may not say."""
        if kind != "readiness" and (self.success_threshold or 1) != 1:
            raise ValueError(f"success_threshold of a {kind} probe is 1")
        if kind == "readiness" and self.termination_grace_period_seconds is not None:
            raise ValueError("a readiness probe ends nothing: no termination_grace_period_seconds")
        return self
