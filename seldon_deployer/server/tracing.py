"""OpenTelemetry: a span for each request, in the trace that the caller has begun.

Configured as OpenTelemetry says, by OTEL_* variables; imported only where tracing is on. The span
is current in the user's method too, so that spans of the user's own hang below it; of a call that
was joined, the first request's is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from seldon_deployer import __version__
from seldon_deployer.rpc.status import RpcError, StatusCode
from seldon_deployer.server.access_log import Application
from seldon_deployer.server.request import Receive, Scope, Send

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

    from seldon_deployer.rpc.messages import Buffer
    from seldon_deployer.rpc.serving import Answer, Call

logger = logging.getLogger(__name__)

_ON = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
# Where exporters live, by OTEL_TRACES_EXPORTER and the protocol of OTLP.
_EXPORTERS = {
    "console": ("opentelemetry.sdk.trace.export", "ConsoleSpanExporter"),
    "grpc": ("opentelemetry.exporter.otlp.proto.grpc.trace_exporter", "OTLPSpanExporter"),
    "http/protobuf": ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "OTLPSpanExporter"),
}
# Probes come every few seconds, and nobody looks for them.
_QUIET = ("/health", "/api/v1.0/health", "/v2/health", "/live", "/ready")
_QUIET_CALLS = ("/grpc.health.", "/grpc.reflection.")
_SERVERS_FAULT = frozenset(
    (
        *(StatusCode.UNKNOWN, StatusCode.DEADLINE_EXCEEDED, StatusCode.UNIMPLEMENTED),
        *(StatusCode.INTERNAL, StatusCode.UNAVAILABLE, StatusCode.DATA_LOSS),
    )
)


def wants_tracing(environment: Mapping[str, str], asked: bool) -> bool:
    """Whether TRACING (or --tracing), or a variable of OpenTelemetry's own, asks for traces."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return asked or any(environment.get(name) for name in _ON)


def start_tracing(environment: Mapping[str, str], service: str) -> Tracing | None:
    """Begin to export spans; None, with a warning, where the libraries are not installed.

    service: what the unit is called, unless OTEL_* says.
    """
    try:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = _open_exporter(environment)
    except ModuleNotFoundError as error:
        logger.warning(
            "no traces: %s is not installed; pip install 'seldon-deployer[tracing]'", error.name
        )
        return None
    told = environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    is_named = environment.get("OTEL_SERVICE_NAME") or "service.name=" in told
    own = {} if is_named else {"service.name": service}
    provider = TracerProvider(resource=Resource.create(own))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return Tracing(provider.get_tracer("seldon-deployer", __version__))


class Tracing:
    """Makes the spans of requests."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def span(self, name: str, headers: Mapping[str, str]) -> Iterator[Span]:
        """A span that serves a request with these headers (names in lower case), as current."""
        from opentelemetry.trace import SpanKind

        with self._tracer.start_as_current_span(
            name, context=_read_context(headers), kind=SpanKind.SERVER
        ) as span:
            if "seldon-puid" in headers:
                span.set_attribute("seldon.puid", headers["seldon-puid"])
            yield span


class Traced:
    """An ASGI application that answers by another one, each request in a span."""

    def __init__(self, app: Application, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        if path.startswith(_QUIET):
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        with self._tracing.span(f"{scope['method']} {path}", headers) as span:

            async def noting_send(event: dict[str, Any]) -> None:
                if (status := event.get("status")) is not None:
                    span.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        _mark_failed(span)
                await send(event)

            span.set_attribute("http.request.method", scope["method"])
            span.set_attribute("url.path", path)
            await self._app(scope, receive, noting_send)


def _mark_failed(span: Span) -> None:
    from opentelemetry import trace

    span.set_status(trace.Status(trace.StatusCode.ERROR))


def _read_context(headers: Mapping[str, str]) -> Context:
    """The caller's trace: by OpenTelemetry's propagators, or as Seldon's orchestrator tells it."""
    from opentelemetry import propagate, trace

    context = propagate.extract(headers)
    if trace.get_current_span(context).get_span_context().is_valid:
        return context
    found = parse_uber_trace(headers.get("uber-trace-id", ""))
    if found is None:
        return context
    trace_id, span_id, is_sampled = found
    parent = trace.SpanContext(
        trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(1 if is_sampled else 0)
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), context)


def parse_uber_trace(text: str) -> tuple[int, int, bool] | None:
    """Read `trace:span:parent:flags`, hexadecimal; None for anything else, or zeros.

    Source: Jaeger's client libraries; Seldon's orchestrator sends it.
    """
    parts = unquote(text).split(":")
    try:
        trace_id, span_id, _parent, flags = (int(part, 16) for part in parts)
    except ValueError:
        return None
    if not 0 < trace_id < 2**128 or not 0 < span_id < 2**64:
        return None
    return trace_id, span_id, bool(flags & 1)


def _open_exporter(environment: Mapping[str, str]) -> Any:
    kind = environment.get("OTEL_TRACES_EXPORTER", "otlp")
    if kind != "console":
        kind = environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get(
            "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"
        )
    module, name = _EXPORTERS.get(kind, _EXPORTERS["http/protobuf"])
    return getattr(import_module(module), name)()


def trace_calls(answer: Answer, tracing: Tracing) -> Answer:
    """Answer calls of gRPC by another one, each in a span.

    Source of the names: OpenTelemetry, "Semantic conventions for gRPC".
    """

    async def answer_in_span(call: Call) -> Sequence[Buffer] | None:
        if call.path.startswith(_QUIET_CALLS):
            return await answer(call)
        service, _, method = call.path.removeprefix("/").partition("/")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers}
        with tracing.span(f"{service}/{method}", headers) as span:
            span.set_attribute("rpc.system", "grpc")
            span.set_attribute("rpc.service", service)
            span.set_attribute("rpc.method", method)
            status = StatusCode.OK
            try:
                return await answer(call)
            except RpcError as error:
                status = error.code
                raise
            finally:
                span.set_attribute("rpc.grpc.status_code", int(status))
                if status in _SERVERS_FAULT:
                    _mark_failed(span)

    return answer_in_span
