"""V2's service, `inference.GRPCInferenceService`, over the handlers of REST's V2."""

from __future__ import annotations

from functools import partial
from typing import Any

from seldon_deployer.rpc.messages import Buffer
from seldon_deployer.server import v2
from seldon_deployer.server.calls import Steps
from seldon_deployer.server.component import Component, UnitError
from seldon_deployer.server.grpc.definitions import message_class
from seldon_deployer.server.grpc.operation import Operation, Parts, Prediction, Question
from seldon_deployer.server.grpc.seldon_wire import parse
from seldon_deployer.server.grpc.v2_wire import read_request, write_metadata, write_response
from seldon_deployer.server.settings import Settings

V2_SERVICE = "inference.GRPCInferenceService"


def v2_operations(component: Component, settings: Settings) -> dict[str, Operation]:
    """What answers each method of the service. Nothing listens before the model is loaded."""
    ready = partial(_say, ready=True)
    return {
        "ServerLive": Question(lambda _: _say("ServerLiveResponse", live=True)),
        "ServerReady": Question(lambda _: ready("ServerReadyResponse")),
        "ModelReady": Question(partial(_model_ready, settings)),
        "ServerMetadata": Question(
            lambda _: _say("ServerMetadataResponse", **v2.server_metadata())
        ),
        "ModelMetadata": Question(partial(_model_metadata, component, settings)),
        "ModelInfer": Prediction("infer", partial(_infer, component, settings)),
    }


def _infer(component: Component, settings: Settings, content: Buffer) -> Steps[Parts]:
    request, raw = read_request(content)
    _check_model(settings, request["model_name"], request["model_version"])
    answer = yield from v2.answer_inference(component, settings, request, in_arrays=True)
    return write_response(answer, raw=raw)


def _model_ready(settings: Settings, content: Buffer) -> bytes:
    request = parse("inference.ModelReadyRequest", content)
    _check_model(settings, request.name, request.version)
    return _say("ModelReadyResponse", ready=True)


def _model_metadata(component: Component, settings: Settings, content: Buffer) -> bytes:
    request = parse("inference.ModelMetadataRequest", content)
    _check_model(settings, request.name, request.version)
    return write_metadata(v2.model_metadata(component, settings))


def _check_model(settings: Settings, name: str, version: str) -> None:
    """Raise UnitError 404 for another model or version; none at all is this one."""
    if name not in ("", settings.model_name):
        raise UnitError(f"Model {name} not found; this unit serves {settings.model_name}", 404)
    if version not in ("", v2.VERSION):
        raise UnitError(f"Model {name} has no version {version}, but {v2.VERSION}", 404)


def _say(name: str, /, **fields: Any) -> bytes:
    content: bytes = message_class(f"inference.{name}")(**fields).SerializeToString()
    return content
