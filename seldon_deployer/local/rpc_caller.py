"""Reaches the units of a graph for one call of gRPC: which port, which method, what went wrong."""

from __future__ import annotations

from typing import Protocol

from seldon_deployer.local.graph_unit import GraphUnit
from seldon_deployer.local.ready_pod import Backend, Target
from seldon_deployer.local.routes import Routes
from seldon_deployer.local.rpc_calls import path_of
from seldon_deployer.local.unit_caller import PodLost, find_backend
from seldon_deployer.local.unit_calls import Message, WalkFailed
from seldon_deployer.rpc.client import CallLost, NotBegun, RpcClient
from seldon_deployer.rpc.status import Headers

__all__ = ["PodLost", "RpcCaller"]


class Request(Protocol):
    """What a call to a unit needs of the client's."""

    namespace: str
    headers: Headers

    def seconds_left(self, most_seconds: float | None = None) -> float | None:
        """How long a call to a unit may take. Raises RpcError."""


class RpcCaller:
    """Asks units of one target's graph. `has_sent`: whether any unit may have seen anything."""

    def __init__(
        self, routes: Routes, client: RpcClient, target: Target, request: Request, *, is_v2: bool
    ) -> None:
        self._routes = routes
        self._client = client
        self._target = target
        self._request = request
        self._is_v2 = is_v2
        self.has_sent = False

    async def ask(self, unit: GraphUnit, step: str, message: Message) -> Message:
        """One unit's answer to one step.

        Raises RpcError for an answer that is no OK, WalkFailed for no answer, and PodLost.
        """
        path = path_of(step, unit, is_v2=self._is_v2)
        if unit.is_built_in:
            raise WalkFailed(f"{unit.name} has no container: connect: connection refused")
        tried: set[str] = set()
        while True:
            backend = find_backend(self._routes, self._target, self._request.namespace, unit, tried)
            tried.add(backend.uid)
            answer = await self._try(backend, unit, path, step, message)
            if answer is not None:
                return answer

    async def _try(
        self, backend: Backend, unit: GraphUnit, path: str, step: str, message: Message
    ) -> Message | None:
        """Ask at one place; None where another one should be asked."""
        if backend.rpc_port is None:
            raise WalkFailed(f"{unit.name} has no port for gRPC")
        seconds = self._request.seconds_left(self._target.rpc_timeout_seconds)
        backend.outstanding += 1
        try:
            body = await self._client.ask(
                backend.rpc_port, path, self._request.headers, [message.body], seconds
            )
        except NotBegun:
            return None
        except CallLost as error:
            self.has_sent = True
            if step != "send-feedback":
                return None
            raise WalkFailed(f"{unit.name} gave no answer: {error}") from error
        finally:
            backend.outstanding -= 1
        self.has_sent = True
        return Message(body, is_answer=True)
