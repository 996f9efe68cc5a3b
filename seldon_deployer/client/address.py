"""Where one deployment answers: the URLs of its predictions, feedback, metadata, explanations."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, Protocol, cast
from urllib.parse import SplitResult, urlsplit, urlunsplit

from seldon_deployer.errors import UsageError

ProtocolName = Literal["seldon", "v2"]

# Source: Seldon Core v1.17.1, the orchestrator's routes.
_PREDICTIONS = re.compile(r"(?P<base>.*?)/api/v(?:0\.1|1\.0)/predictions/?")
_INFER = re.compile(
    r"(?P<base>.*?)/v2/models(?:/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?)?/infer/?"
)
_BEHIND_INGRESS = re.compile(r"(?P<front>.*/seldon/[^/]+/)(?P<name>[^/]+)")
# What a tool calls the protocol; kfserving is v2's older name.
_PROTOCOLS = {"seldon": "seldon", "v2": "v2", "kfserving": "v2"}


class Addressed(Protocol):
    """What knows where it answers, such as `Service`."""

    @property
    def name(self) -> str:
        """Name of the deployment."""

    @property
    def protocol(self) -> str:
        """`seldon` or `v2`."""

    @property
    def prediction_url(self) -> str | None:
        """The whole URL that takes predictions; None where none is known."""


@dataclass(frozen=True)
class Address:
    """One deployment's address. `base` is what its paths follow, without a slash at the end."""

    name: str
    base: str
    protocol: ProtocolName
    model: str | None = None
    version: str | None = None

    @property
    def prediction_url(self) -> str:
        """Takes predictions. Without a model a V2 graph asks each unit under its own name."""
        if self.is_grpc:
            return self.base
        if self.protocol == "seldon":
            return f"{self.base}/api/v1.0/predictions"
        return f"{self._model_url if self.model else f'{self.base}/v2/models'}/infer"

    @property
    def feedback_url(self) -> str:
        """Takes feedback, where the protocol has it."""
        return f"{self.base}/api/v1.0/feedback"

    def check_feedback(self) -> None:
        """Raise UsageError for V2, which has no feedback."""
        if self.protocol == "v2":
            raise UsageError(
                "protocol v2 has no feedback",
                why="Seldon's orchestrator passes it to no unit",
                hint="deploy with protocol seldon",
            )

    @property
    def is_grpc(self) -> bool:
        """Whether it is asked over gRPC, `grpc://` or with TLS `grpcs://`."""
        return self.base.startswith("grpc")

    def over_grpc(self) -> Address:
        """The same deployment asked over gRPC, where an ingress takes both on one port.

        Raises UsageError where the base is no path of Seldon's ingress.
        """
        if self.is_grpc:
            return self
        if _BEHIND_INGRESS.fullmatch(self.base) is None:
            raise UsageError(
                "where this answers gRPC cannot be told from its URL",
                why=f"{self.base} is no .../seldon/NAMESPACE/NAME",
                hint="give grpc://HOST:PORT instead",
            )
        return replace(self, base=f"grpc{self.base.removeprefix('http')}")

    @property
    def routing_headers(self) -> dict[str, str]:
        """What tells an ingress for gRPC, which sees no path, the deployment."""
        found = _BEHIND_INGRESS.fullmatch(self.base)
        if found is None:
            return {}
        return {"seldon": found["name"], "namespace": found["front"].rstrip("/").split("/")[-1]}

    @property
    def metadata_url(self) -> str:
        """Tells of the graph (Seldon) or the model (V2). Raises UsageError without a V2 model."""
        if self.protocol == "seldon":
            return f"{self.base}/api/v1.0/metadata"
        if self.model is None:
            raise UsageError(
                "a V2 graph has metadata for each model, not as a whole",
                hint="say which one: InferenceClient(..., model=NAME_OF_A_UNIT)",
            )
        return self._model_url

    def explanation_url(self, predictor: str) -> str:
        """Explains predictions of one predictor, where it was deployed with an explainer.

        Raises UsageError where the base is no path of Seldon's ingress.
        Source: Seldon Core v1.17.1, the operator's routes to explainers.
        """
        found = _BEHIND_INGRESS.fullmatch(self.base)
        if found is None:
            raise UsageError(
                "the explainer's address cannot be told from this URL",
                why=f"{self.base} is no .../seldon/NAMESPACE/NAME",
                hint="explain(..., url=URL_OF_THE_EXPLAINER)",
            )
        explainer = f"{found['front']}{found['name']}-explainer/{predictor}"
        if self.protocol == "seldon":
            return f"{explainer}/api/v1.0/explain"
        return f"{explainer}/v2/models/{found['name']}-{predictor}-explainer/infer"

    @property
    def _model_url(self) -> str:
        version = f"/versions/{self.version}" if self.version else ""
        return f"{self.base}/v2/models/{self.model}{version}"


def find_address(
    target: str | Addressed, *, protocol: str | None = None, model: str | None = None
) -> Address:
    """Tell the address from a whole prediction URL, from its base, or from a service.

    The base of a deployment is `http://INGRESS/seldon/NAMESPACE/NAME`, that of a unit
    `http://HOST:PORT`. Raises UsageError for what is no such URL, and where `protocol` or `model`
    contradict it.
    """
    if not isinstance(target, str):
        return _address_of_service(target, protocol, model)
    parts = _split(target)
    wanted = _known_protocol(protocol)
    path, told, version = parts.path.rstrip("/"), model, None
    spoken: str | None = None
    is_grpc = parts.scheme.startswith("grpc")
    if is_grpc and path and not _BEHIND_INGRESS.fullmatch(path):
        raise UsageError(
            "gRPC has no paths but that of an ingress",
            hint="grpc://HOST:PORT, or grpc://INGRESS/seldon/NAMESPACE/NAME",
        )
    if is_grpc:
        pass
    elif found := _PREDICTIONS.fullmatch(parts.path):
        path, spoken = found["base"], "seldon"
    elif found := _INFER.fullmatch(parts.path):
        path, spoken, version = found["base"], "v2", found["version"]
        told = found["model"] or model
        if model is not None and told != model:
            raise UsageError(f"the URL asks for model {told}, not {model}", hint="give one of them")
    if spoken and wanted and spoken != wanted:
        raise UsageError(
            f"{target} takes protocol {spoken}, not {wanted}", hint="leave out one of the two"
        )
    base = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    behind = _BEHIND_INGRESS.fullmatch(base)
    name = behind["name"] if behind else parts.netloc
    return Address(name, base, cast("ProtocolName", spoken or wanted or "seldon"), told, version)


def _address_of_service(service: Addressed, protocol: str | None, model: str | None) -> Address:
    url = service.prediction_url
    if url is None:
        raise UsageError(
            f"{service.name} has no address yet", hint=f"seldon-deployer status {service.name}"
        )
    found = find_address(url, protocol=protocol or service.protocol, model=model)
    return Address(service.name, found.base, found.protocol, found.model, found.version)


def _known_protocol(protocol: str | None) -> str | None:
    if protocol is None:
        return None
    try:
        return _PROTOCOLS[protocol]
    except KeyError:
        raise UsageError(
            f"{protocol!r} is no protocol of predictions", hint="one of seldon, v2"
        ) from None


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise UsageError("this is no URL", why=str(error)) from error
    if parts.scheme not in {"http", "https", "grpc", "grpcs"} or not has_host:
        raise UsageError(
            "a prediction URL is http://... or https://..., or for gRPC grpc://... or grpcs://...",
            hint="`service.prediction_url`, or `seldon-deployer status NAME`, tells it",
        )
    if "@" in parts.netloc:
        # The URL stands in logs and errors; credentials must not.
        raise UsageError("credentials do not belong in the URL", hint="give them as auth=...")
    if parts.query or parts.fragment:
        raise UsageError("a prediction URL has no query", hint="leave out what follows ? or #")
    return parts
