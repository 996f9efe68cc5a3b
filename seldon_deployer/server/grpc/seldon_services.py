"""Seldon's services: each call of theirs is a handler of REST's, over protobuf messages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError

from seldon_deployer.payload import Message
from seldon_deployer.rpc.messages import Buffer
from seldon_deployer.server.calls import Steps
from seldon_deployer.server.component import Component, UnitError
from seldon_deployer.server.feedback import answer_feedback
from seldon_deployer.server.grpc.definitions import message_class
from seldon_deployer.server.grpc.operation import Operation, Parts, Prediction, Question
from seldon_deployer.server.grpc.seldon_wire import (
    SELDON_MESSAGE,
    data_form,
    parse,
    read_feedback,
    read_message,
    split_values,
    write_message,
)
from seldon_deployer.server.messages import (
    REASON_BAD_METADATA,
    answer_aggregate,
    answer_data,
    answer_metadata,
    answer_route,
)
from seldon_deployer.server.settings import Settings

_LIST = "seldon.protos.SeldonMessageList"
_FEEDBACK = "seldon.protos.Feedback"


def seldon_services(component: Component, settings: Settings) -> dict[str, dict[str, Operation]]:
    """The services by full name, and what answers each of their methods.

    All of them, whatever the type of the unit: what its class cannot do is an error that says so,
    as over REST. Source: Seldon Core v1.17.1, Python wrapper.
    """

    def data(method: str) -> Prediction:
        handler = partial(answer_data, component, settings, method=method)
        return Prediction(method, partial(_answer_message, component, handler, method))

    predict, feedback = (
        data("predict"),
        Prediction(
            "send_feedback",
            partial(_answer_feedback, component, partial(answer_feedback, component, settings)),
        ),
    )
    transform_input, transform_output = data("transform_input"), data("transform_output")
    handler = partial(answer_route, component, settings)
    route = Prediction("route", partial(_answer_message, component, handler, "route"))
    aggregate = Prediction(
        "aggregate",
        partial(_answer_aggregate, component, partial(answer_aggregate, component, settings)),
    )
    metadata = Question(lambda _: _write_metadata(answer_metadata(component, settings)))
    graph = Question(lambda _: _write_graph(settings, answer_metadata(component, settings)))
    services: dict[str, dict[str, Operation]] = {
        "Seldon": {
            "Predict": predict,
            "SendFeedback": feedback,
            "ModelMetadata": metadata,
            "GraphMetadata": graph,
        },
        "Model": {"Predict": predict, "SendFeedback": feedback, "Metadata": metadata},
        "Router": {"Route": route, "SendFeedback": feedback},
        "Transformer": {"TransformInput": transform_input},
        "OutputTransformer": {"TransformOutput": transform_output},
        "Combiner": {"Aggregate": aggregate},
        "Generic": {
            "TransformInput": transform_input,
            "TransformOutput": transform_output,
            "Route": route,
            "Aggregate": aggregate,
            "SendFeedback": feedback,
        },
    }
    return {f"seldon.protos.{name}": methods for name, methods in services.items()}


def _answer_message(
    component: Component,
    handler: Callable[[Message], Steps[Message]],
    method: str,
    content: Buffer,
) -> Steps[Parts]:
    values = None
    if component.can_raw(method):
        wire = parse(SELDON_MESSAGE, content)
        if (answer := _ask_raw(component, method, wire)) is not None:
            return answer
    else:
        content, values = split_values(content)
        wire = parse(SELDON_MESSAGE, content)
    message, form = read_message(wire, values), data_form(wire)
    return write_message((yield from handler(message)), like=form)


def _answer_aggregate(
    component: Component, handler: Callable[[Any], Steps[Message]], content: Buffer
) -> Steps[Parts]:
    wire = parse(_LIST, content)
    if (answer := _ask_raw(component, "aggregate", wire)) is not None:
        return answer
    given = wire.seldonMessages
    form = data_form(given[0]) if given else None
    return write_message((yield from handler([read_message(each) for each in given])), like=form)


def _answer_feedback(
    component: Component, handler: Callable[[Message], Steps[Message]], content: Buffer
) -> Steps[Parts]:
    wire = parse(_FEEDBACK, content)
    if (answer := _ask_raw(component, "send_feedback", wire)) is not None:
        return answer
    form = data_form(wire.request)
    return write_message((yield from handler(read_feedback(wire))), like=form)


def _ask_raw(component: Component, method: str, wire: Any) -> Parts | None:
    """What a class says that answers whole messages: over gRPC it is given protobuf's own."""
    answer = component.call_wire(method, wire)
    if isinstance(answer, dict):
        return write_message(answer)
    return None if answer is None else [answer]


def _write_metadata(described: Message) -> bytes:
    content: bytes = _metadata(described).SerializeToString()
    return content


def _write_graph(settings: Settings, described: Message) -> bytes:
    """The graph of a unit that has no orchestrator before it: itself alone."""
    graph = message_class("seldon.protos.SeldonGraphMetadata")()
    model = _metadata(described)
    graph.name = settings.model_name
    graph.models[settings.model_name].CopyFrom(model)
    graph.inputs.extend(model.inputs)
    graph.outputs.extend(model.outputs)
    content: bytes = graph.SerializeToString()
    return content


def _metadata(described: Message) -> Any:
    # protobuf has text there, JSON whatever the class says.
    custom = {str(name): str(value) for name, value in described["custom"].items()}
    try:
        return ParseDict(
            {**described, "custom": custom},
            message_class("seldon.protos.SeldonModelMetadata")(),
            ignore_unknown_fields=True,
        )
    except ParseError as error:
        raise UnitError(f"Invalid metadata: {error}", 500, REASON_BAD_METADATA) from error
