"""The gateway for gRPC: a call goes to the SeldonDeployment that its metadata names.

`seldon` is the name and `namespace` its namespace, as with Seldon's routes for Istio and
Ambassador. What is done for REST is done here: pods by traffic, graphs, copies for shadows,
another pod where one went away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from uuid import uuid4

from seldon_deployer.local.executor import is_v2
from seldon_deployer.local.forwarding import Copies, NoPod, forward
from seldon_deployer.local.graph_unit import GraphUnit
from seldon_deployer.local.ready_pod import Target
from seldon_deployer.local.routes import Routes
from seldon_deployer.local.rpc_caller import PodLost, RpcCaller
from seldon_deployer.local.rpc_calls import (
    RpcDialect,
    load_messages,
    read_name,
    write_graph_metadata,
)
from seldon_deployer.local.unit_calls import ConnectionDropped, Message, WalkFailed
from seldon_deployer.local.walk import Walk
from seldon_deployer.rpc.client import CallLost, NotBegun, RpcClient
from seldon_deployer.rpc.health import HEALTH_SERVICE, Health
from seldon_deployer.rpc.messages import Buffer
from seldon_deployer.rpc.server import ServerConnection
from seldon_deployer.rpc.serving import Call, Serving
from seldon_deployer.rpc.status import Headers, RpcError, StatusCode

MAX_MESSAGE_BYTES = 256 * 1024 * 1024
_SELDON, _V2 = "/seldon.protos.Seldon", "/inference.GRPCInferenceService"
_FEEDBACK = f"{_SELDON}/SendFeedback"
# Those of one connection, and what the next call tells itself.
_OWN = frozenset(
    (
        *(b"content-type", b"te", b"grpc-timeout", b"grpc-encoding", b"grpc-accept-encoding"),
        *(b"content-length", b"seldon-puid"),
    )
)
# ServerLive, ServerReady and ModelReady: yes.
_YES = b"\x08\x01"


class RpcGateway:
    """Answers calls over `routes`. `sync` waits until they are known."""

    def __init__(self, routes: Routes, sync: Callable[[], Awaitable[None]]) -> None:
        self._routes = routes
        self._sync = sync
        self._client = RpcClient()
        self._copies = Copies()
        self._health = Health(_no_services)
        self.serving = Serving(self._answer, MAX_MESSAGE_BYTES)

    def connection(self) -> ServerConnection:
        """The protocol of one client's connection."""
        return ServerConnection(self.serving, asyncio.get_running_loop())

    def forget(self, port: int) -> None:
        """End the connections to a unit that goes."""
        self._client.forget(port)

    async def stop(self, finish_seconds: float) -> None:
        """Take nothing new; what is in flight has so long to end."""
        self._health.leave()
        await self.serving.stop(finish_seconds)
        await self._copies.wait()
        self._client.close()

    async def _answer(self, call: Call) -> list[Buffer] | None:
        fields = dict(call.headers)
        name, namespace = (_text(fields.get(key)) for key in (b"seldon", b"namespace"))
        if not name and call.path.startswith(f"/{HEALTH_SERVICE}/"):
            return await self._health.answer(call)
        if not name or not namespace:
            raise RpcError(
                StatusCode.NOT_FOUND,
                "give the metadata seldon=NAME and namespace=NAMESPACE of a SeldonDeployment",
            )
        await self._sync()
        if not self._routes.is_known(namespace, name):
            raise RpcError(
                StatusCode.NOT_FOUND,
                f"there is no SeldonDeployment {name} in namespace {namespace}",
            )
        attempt = partial(self._try, _Request(call, namespace))
        self._copies.send(self._routes, namespace, name, attempt)
        try:
            return [await forward(self._routes, namespace, name, attempt)]
        except NoPod as error:
            raise RpcError(StatusCode.UNAVAILABLE, str(error)) from error

    async def _try(self, request: _Request, target: Target) -> Buffer | None:
        """Ask one pod; None where another one should be asked."""
        if target.graph is not None:
            return await self._orchestrate(request, target, target.graph)
        if target.rpc_port is None:
            raise RpcError(
                StatusCode.UNIMPLEMENTED, f"the unit of {target.predictor} has no port for gRPC"
            )
        try:
            return await self._client.ask(
                target.rpc_port,
                request.path,
                request.headers,
                [request.message],
                request.seconds_left(),
            )
        except NotBegun:
            return None
        except CallLost as error:
            if request.path != _FEEDBACK:
                return None
            raise RpcError(StatusCode.UNAVAILABLE, str(error)) from error

    async def _orchestrate(
        self, request: _Request, target: Target, graph: GraphUnit
    ) -> Buffer | None:
        """Do the orchestrator's work for the methods that it has."""
        dialect = RpcDialect(is_v2(target.protocol), is_of_one=not graph.children)
        caller = RpcCaller(self._routes, self._client, target, request, is_v2=dialect.is_v2)
        walk = Walk(caller.ask, dialect, injects_routing=target.injects_routing)
        do = (_V2_TASKS if dialect.is_v2 else _SELDON_TASKS).get(request.path)
        if do is None:
            spoken = "V2" if dialect.is_v2 else "Seldon's"
            raise RpcError(
                StatusCode.UNIMPLEMENTED,
                f"the orchestrator, by {spoken} protocol, has no such method",
            )
        if not dialect.is_v2:
            # Away from the event loop, once.
            await asyncio.to_thread(load_messages)
        try:
            return (await do(walk, graph, Message(request.message), target.predictor)).body
        except PodLost as lost:
            if request.path != _FEEDBACK or not caller.has_sent:
                return None
            raise RpcError(StatusCode.UNAVAILABLE, f"the pod of {lost} went away") from lost
        except WalkFailed as error:
            raise RpcError(StatusCode.UNKNOWN, str(error)) from error
        except ConnectionDropped as error:
            raise RpcError(
                StatusCode.UNAVAILABLE,
                f"Seldon's orchestrator ends the connection without an answer: {error}",
            ) from error


class _Request:
    """One call on its way; its message may be sent several times."""

    def __init__(self, call: Call, namespace: str) -> None:
        self.namespace = namespace
        self.path = call.path
        self.message = call.message
        self._deadline = call.deadline
        puid = dict(call.headers).get(b"seldon-puid") or str(uuid4()).encode()
        kept = (item for item in call.headers if item[0] not in _OWN)
        self.headers: Headers = (*kept, (b"seldon-puid", puid))

    def seconds_left(self, most_seconds: float | None = None) -> float | None:
        """How long the client waits still, and a call to a unit at most. Raises RpcError."""
        if self._deadline is None:
            return most_seconds
        left = self._deadline - asyncio.get_running_loop().time()
        if left <= 0:
            raise RpcError(StatusCode.DEADLINE_EXCEEDED, "no answer in time")
        return left if most_seconds is None else min(left, most_seconds)


async def _predict(walk: Walk, graph: GraphUnit, message: Message, _: str) -> Message:
    return await walk.predict(graph, message)


async def _send_feedback(walk: Walk, graph: GraphUnit, message: Message, _: str) -> Message:
    answer = await walk.send_feedback(graph, message)
    # Where no unit is told, an empty message: gRPC's answer is none of feedback's.
    return Message(b"") if answer is message else answer


async def _ask_unit(walk: Walk, graph: GraphUnit, message: Message, step: str) -> Message:
    name = read_name(message.body)
    unit = graph.find(name)
    if unit is None or unit.is_built_in:
        raise RpcError(StatusCode.NOT_FOUND, f"Failed to find model {name}")
    return await walk.ask(unit, step, message)


async def _metadata(walk: Walk, graph: GraphUnit, message: Message, _: str) -> Message:
    return await _ask_unit(walk, graph, message, "metadata")


async def _status(walk: Walk, graph: GraphUnit, message: Message, _: str) -> Message:
    return await _ask_unit(walk, graph, message, "status")


async def _graph_metadata(
    walk: Walk, graph: GraphUnit, message: Message, predictor: str
) -> Message:
    units = [unit for unit in graph.walk() if not unit.is_built_in]
    models = {unit.name: await walk.ask(unit, "metadata", message) for unit in units}
    return Message(write_graph_metadata(predictor, graph, models))


async def _yes(_: Walk, __: GraphUnit, ___: Message, ____: str) -> Message:
    return Message(_YES)


_SELDON_TASKS = {
    f"{_SELDON}/Predict": _predict,
    _FEEDBACK: _send_feedback,
    f"{_SELDON}/ModelMetadata": _metadata,
    f"{_SELDON}/GraphMetadata": _graph_metadata,
}
_V2_TASKS = {
    f"{_V2}/ModelInfer": _predict,
    f"{_V2}/ModelReady": _status,
    f"{_V2}/ModelMetadata": _metadata,
    # Seldon's orchestrator falls over at these; its readiness is what they ask for.
    f"{_V2}/ServerLive": _yes,
    f"{_V2}/ServerReady": _yes,
}


async def _no_services() -> Collection[str]:
    return ()


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("latin-1")
