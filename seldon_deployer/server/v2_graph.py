"""What the orchestrator asks of routers and combiners where a graph speaks V2. No I/O.

Source: Seldon Core 1.17.1's executor, observed: a router's answer is read as a Seldon message, a
combiner gets the answers of its children as a list.
"""

from __future__ import annotations

from typing import Any

from seldon_deployer.errors import PayloadError
from seldon_deployer.payload import Message, Tensor, decode_v2, stack_columns
from seldon_deployer.server.calls import Call, Steps
from seldon_deployer.server.component import Component
from seldon_deployer.server.messages import build_answer, read_branch
from seldon_deployer.server.meta import Told
from seldon_deployer.server.request import no_message
from seldon_deployer.server.settings import Settings
from seldon_deployer.server.v2 import answer_parameters, name_tensors, write_answer


def answer_v2_route(component: Component, settings: Settings, request: Message) -> Steps[Message]:
    """Answer which child a V2 request goes to, in the form that the orchestrator reads.

    Raises PayloadError or UnitError.
    """
    value, names = stack_columns(_decode(request))
    branch = read_branch((yield Call("route", (value, names))), settings)
    return build_answer(component, settings, branch, like="ndarray", metas=[{}])


def answer_v2_aggregate(component: Component, settings: Settings, request: Any) -> Steps[Message]:
    """Answer several V2 answers with one, under the names and the id of the first.

    Raises PayloadError or UnitError.
    """
    if not isinstance(request, list):
        raise no_message(request)
    if not request:
        raise PayloadError("there are no messages to aggregate")
    tensors = []
    for message in request:
        if not isinstance(message, dict):
            raise no_message(message)
        tensors.append(_decode(message))
    values, names = zip(*map(stack_columns, tensors), strict=True)
    told = Told.of((yield Call("aggregate", (list(values), list(names)))))
    parameters = answer_parameters(component, request, told)
    outputs = name_tensors(told.data, like=tensors[0])
    return write_answer(settings, request[0], outputs, parameters)


def _decode(message: Message) -> list[Tensor]:
    """The tensors of a request, or of an answer, which is neither for routers nor combiners made a
    request before. A request's `outputs` only name what is wanted.
    """
    return decode_v2(message, "inputs" if "inputs" in message else "outputs")
