"""What a model server is told: the environment of a Seldon unit, and arguments over it."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seldon_deployer import naming
from seldon_deployer.errors import UsageError
from seldon_deployer.server.annotations import (
    ANNOTATIONS,
    describe_odd,
    grpc_max_bytes,
    read_annotations,
    rest_timeout_seconds,
)
from seldon_deployer.server.mlserver import describe_unread, read_mlserver
from seldon_deployer.server.tracing import wants_tracing
from seldon_deployer.server.wrapper import add_wrapper_flags, read_switch, read_wrapper_settings

Parameters = dict[str, str | int | float | bool]

# What a unit of each type has to be able to do; which one is called the graph decides. Wrapped
# images of Seldon's call both kinds of transformer TRANSFORMER.
SERVICE_TYPES = {
    "MODEL": ("predict",),
    "TRANSFORMER": ("transform_input", "transform_output"),
    "OUTPUT_TRANSFORMER": ("transform_output",),
    "ROUTER": ("route",),
    "COMBINER": ("aggregate",),
    "OUTLIER_DETECTOR": ("predict", "transform_input"),
}
_ANY = ("predict", "transform_input", "transform_output", "route", "aggregate")
_DEFAULT_PORT = 9000
_DEFAULT_METRICS_PORT = 6000
_DEFAULT_MAX_BODY_BYTES = 64 * 1024 * 1024
_DEFAULT_MAX_WAITING = 512
_TRUE = {"y", "yes", "t", "true", "on", "1"}
_FALSE = {"n", "no", "f", "false", "off", "0"}


@dataclass(frozen=True)
class Settings:
    """One unit's process, completely described."""

    class_path: str
    service_type: str | None = None
    http_port: int = _DEFAULT_PORT
    # None: no gRPC.
    grpc_port: int | None = None
    host: str = "127.0.0.1"
    parameters: Parameters = field(default_factory=dict)
    unit: str | None = None
    image: str | None = None
    model_uri: str | None = None
    threads: int = 1
    max_body_bytes: int = _DEFAULT_MAX_BODY_BYTES
    grpc_max_bytes: int = _DEFAULT_MAX_BODY_BYTES
    # Requests that may wait for the model; the next one is answered 503.
    max_waiting: int = _DEFAULT_MAX_WAITING
    workers: int = 1
    # Requests that a worker answers before a fresh one takes its place; 0: no end. The second is
    # the most that is added to it by chance, so that workers do not end together.
    max_requests: int = 0
    max_requests_jitter: int = 0
    metrics_port: int = _DEFAULT_METRICS_PORT
    metrics_path: str = "/metrics"
    # What `init_metadata` would tell, from the environment, which wins.
    metadata: dict[str, Any] = field(default_factory=dict)
    # Whether answers carry the class's own metrics.
    shows_metrics: bool = True
    # Answer as Seldon's wrapper where that is a fault that clients may count on.
    is_strict: bool = False
    # Whether `predict_raw` gets the bytes of a request over REST, whatever they are.
    passes_bytes: bool = False
    log_level: str = "INFO"
    pidfile: str | None = None
    # What was asked for in vain, a sentence each.
    without_effect: tuple[str, ...] = ()
    access_log: bool = False
    tracing: bool = False
    # How long a request over REST may take; None: as long as its client waits.
    timeout_seconds: float | None = None
    # The memory of a process, after which a fresh one takes its place; None: whatever there is.
    max_memory_bytes: int | None = None
    # How requests are joined (`max_batch_size`, `max_batch_delay_ms`) where no parameter says.
    batches: dict[str, float] = field(default_factory=dict)
    # How long a client may take for the head of a request, or pause in its body.
    client_seconds: float = 60.0
    # How long kept-alive connections get their last answer after SIGTERM (less when none of them
    # asks for a while), and requests in flight their time to end. Both together stay below the
    # 20 s that Seldon's operator gives a pod.
    drain_seconds: float = 2.0
    quiet_seconds: float = 0.5
    finish_seconds: float = 16.0

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of which the class has to have one: those of its service type, or any."""
        return SERVICE_TYPES[self.service_type] if self.service_type else _ANY

    @property
    def model_name(self) -> str:
        """The model's name in V2 paths: the unit's, or the class's own."""
        return self.unit or self.class_path.rpartition(".")[2]


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Build the settings; an argument wins over the environment.

    Raises UsageError that names the argument or variable that is missing or malformed.
    Source: Seldon Core v1.17.1, environment of a unit; `seldon-observed` §1.
    """
    given = _parser().parse_args(arguments)
    class_path = given.class_path or environment.get("MODEL_NAME")
    if not class_path:
        raise UsageError(
            "no class to serve",
            hint="name it as an argument or in MODEL_NAME, for example MODEL_NAME=iris.Model",
        )
    service_type = given.service_type or environment.get("SERVICE_TYPE") or None
    if service_type is not None and service_type not in SERVICE_TYPES:
        raise UsageError(
            f"service type {service_type} is not known", hint=f"use {', '.join(SERVICE_TYPES)}"
        )
    parameters = given.parameters
    if parameters is None:
        parameters = environment.get("PREDICTIVE_UNIT_PARAMETERS", "[]")
    noted = environment.get(naming.PODINFO_VARIABLE) or ANNOTATIONS
    annotations = read_annotations(Path(noted))
    wrapper = read_wrapper_settings(given, environment)
    wrapper["without_effect"] += describe_odd(annotations) + describe_unread(environment)
    mlserver = read_mlserver(environment)
    process = _read_process(given, environment)
    process["workers"] = max(process["workers"], mlserver.get("workers", 1))
    return Settings(
        class_path=class_path,
        service_type=service_type,
        http_port=_http_port(given, environment),
        grpc_port=_grpc_port(given, environment),
        host=given.host,
        parameters=parse_parameters(parameters),
        unit=environment.get("PREDICTIVE_UNIT_ID"),
        image=environment.get("PREDICTIVE_UNIT_IMAGE"),
        model_uri=environment.get("MLSERVER_MODEL_URI"),
        threads=_threads(given, environment),
        max_body_bytes=given.max_body_bytes,
        grpc_max_bytes=given.grpc_max_bytes
        or grpc_max_bytes(annotations)
        or mlserver.get("grpc_max_bytes")
        or given.max_body_bytes,
        max_waiting=max(1, given.max_waiting),
        timeout_seconds=given.timeout_seconds or rest_timeout_seconds(annotations),
        client_seconds=given.client_seconds,
        max_memory_bytes=given.max_memory_bytes,
        batches=mlserver["batches"],
        **process,
        **wrapper,
    )


def _threads(given: argparse.Namespace, environment: Mapping[str, str]) -> int:
    if _integer(given.single_threaded, environment, "FLASK_SINGLE_THREADED", 0):
        return 1
    return max(1, _integer(given.threads, environment, "GUNICORN_THREADS", 1))


def _http_port(given: argparse.Namespace, environment: Mapping[str, str]) -> int:
    otherwise = _integer(None, environment, "MLSERVER_HTTP_PORT", _DEFAULT_PORT)
    return _integer(given.http_port, environment, "PREDICTIVE_UNIT_HTTP_SERVICE_PORT", otherwise)


def _grpc_port(given: argparse.Namespace, environment: Mapping[str, str]) -> int | None:
    """The port of gRPC where one is asked for, and its workers are not said to be none.

    Not the 5000 of Seldon's wrapper unasked: a second unit on the same machine would not start.
    """
    if _integer(given.grpc_workers, environment, "GRPC_WORKERS", 1) == 0:
        return None
    for name in ("PREDICTIVE_UNIT_GRPC_SERVICE_PORT", "MLSERVER_GRPC_PORT"):
        if given.grpc_port is not None or environment.get(name):
            return _integer(given.grpc_port, environment, name, 0)
    return None


def _read_process(given: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, Any]:
    """What concerns the process and what it tells of itself."""

    def number(name: str, variable: str, default: int) -> int:
        return max(0, _integer(getattr(given, name), environment, variable, default))

    # Each worker of ours answers both protocols; 0 workers of gRPC is the port's affair.
    workers = [number("workers", "GUNICORN_WORKERS", 1), number("grpc_workers", "GRPC_WORKERS", 1)]
    return {
        "workers": max(1, *workers),
        "max_requests": number("max_requests", "GUNICORN_MAX_REQUESTS", 0),
        "max_requests_jitter": number("max_requests_jitter", "GUNICORN_MAX_REQUESTS_JITTER", 0),
        "metrics_port": number(
            "metrics_port", "PREDICTIVE_UNIT_METRICS_SERVICE_PORT", _DEFAULT_METRICS_PORT
        ),
        "metrics_path": environment.get("PREDICTIVE_UNIT_METRICS_ENDPOINT") or "/metrics",
        "access_log": given.access_log or _is_on(environment, "GUNICORN_ACCESS_LOG"),
        "tracing": wants_tracing(environment, given.tracing or _is_on(environment, "TRACING")),
    }


def _is_on(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name, "").lower() in _TRUE


def parse_parameters(text: str) -> Parameters:
    """Read PREDICTIVE_UNIT_PARAMETERS: `[{"name": ..., "value": ..., "type": ...}]`.

    A JSON object `{"name": value}` is taken as well. Of a repeated name the last one counts, as
    Seldon appends its own. Raises UsageError.
    """
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError("the parameters are no JSON", why=str(error)) from error
    if isinstance(given, dict):
        return given
    if not isinstance(given, list):
        raise UsageError("the parameters are no JSON list of name, value and type")
    return dict(_parameter(entry) for entry in given)


def _parameter(entry: Any) -> tuple[str, str | int | float | bool]:
    try:
        name, value, kind = str(entry["name"]), str(entry["value"]), entry.get("type", "STRING")
    except (AttributeError, KeyError, TypeError) as error:
        raise UsageError("a parameter needs name, value and type") from error
    try:
        match kind:
            case "STRING":
                return name, value
            case "INT":
                return name, int(value)
            case "FLOAT" | "DOUBLE":
                return name, float(value)
            case "BOOL":
                return name, _boolean(value)
    except ValueError as error:
        raise UsageError(f"the value of parameter {name} is no {kind}") from error
    raise UsageError(
        f"parameter {name} has an unknown type", hint="use INT, FLOAT, DOUBLE, STRING or BOOL"
    )


def _boolean(value: str) -> bool:
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise ValueError(value)


def _integer(given: int | None, environment: Mapping[str, str], name: str, default: int) -> int:
    if given is not None:
        return given
    text = environment.get(name)
    if not text:
        return default
    try:
        return int(text)
    except ValueError as error:
        raise UsageError(f"{name} is no number") from error


def _positive(text: str) -> float:
    """A number above 0, for argparse: another one is refused."""
    with suppress(ValueError):
        if 0 < (number := float(text)) < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="seldon-deployer serve",
        description="Serve a Python class over Seldon's protocol and V2, REST and gRPC.",
    )
    parser.add_argument(
        "class_path",
        nargs="?",
        metavar="MODULE.Class",
        help="what to serve, importable from here (default: the variable MODEL_NAME)",
    )
    parser.add_argument("--http-port", type=int, metavar="N", help="0 picks a free port")
    parser.add_argument(
        "--grpc-port", type=int, metavar="N", help="serve gRPC too; 0 picks a free port"
    )
    parser.add_argument(
        "--grpc-workers", type=int, metavar="N", help="0 is no gRPC, whatever its port"
    )
    parser.add_argument(
        "--grpc-max-bytes",
        type=int,
        metavar="N",
        help="largest message over gRPC (default: --max-body-bytes)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default 127.0.0.1)")
    parser.add_argument("--service-type", metavar="T", help=", ".join(SERVICE_TYPES))
    parser.add_argument("--parameters", metavar="JSON", help="parameters of the constructor")
    parser.add_argument("--threads", type=int, metavar="N", help="predictions at once (default 1)")
    parser.add_argument(
        "--max-body-bytes",
        type=int,
        default=_DEFAULT_MAX_BODY_BYTES,
        metavar="N",
        help="largest body of a request (default %(default)s); then 413",
    )
    parser.add_argument(
        "--max-waiting",
        type=int,
        default=_DEFAULT_MAX_WAITING,
        metavar="N",
        help="requests that may wait for the model; more are answered 503",
    )
    parser.add_argument(
        "--timeout-seconds",
        type=_positive,
        metavar="N",
        help="for a request over REST, then 504 (default: the annotation seldon.io/rest-timeout)",
    )
    parser.add_argument(
        "--client-seconds",
        type=float,
        default=60.0,
        metavar="N",
        help="for the head of a request, or a pause in its body (default 60); then 408",
    )
    parser.add_argument(
        "--max-memory-bytes",
        type=int,
        metavar="N",
        help="of a process, after which it ends in order; a worker is replaced (default: no end)",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default 1)")
    parser.add_argument(
        "--max-requests", type=int, metavar="N", help="requests after which a worker is replaced"
    )
    parser.add_argument(
        "--max-requests-jitter", type=int, metavar="N", help="added to it by chance"
    )
    parser.add_argument("--metrics-port", type=int, metavar="N", help="of Prometheus; default 6000")
    # Seldon's wrapper takes a value after these, or none.
    for name, text in (
        ("--access-log", "a JSON line for each request"),
        ("--tracing", "traces by OpenTelemetry"),
    ):
        parser.add_argument(
            name, nargs="?", const=True, default=False, type=read_switch, metavar="1", help=text
        )
    add_wrapper_flags(parser)
    return parser
