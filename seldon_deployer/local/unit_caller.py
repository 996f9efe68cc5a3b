"""Reaches the units of a graph for one request: which port, which headers, what went wrong."""

from __future__ import annotations

import asyncio

from seldon_deployer.local.executor import UnitRefused, transport_info
from seldon_deployer.local.graph_unit import GraphUnit
from seldon_deployer.local.ready_pod import Backend, Target
from seldon_deployer.local.routes import Routes
from seldon_deployer.local.unit_calls import JSON_LENGTH, Dialect, Message, WalkFailed, read_length
from seldon_deployer.local.upstream import ConnectionLost, Header, NotSent, Response, Upstream

_READS = frozenset(("status", "metadata"))
# Told anew for each unit: the kind of what it gets.
_OF_MESSAGES = frozenset((b"content-type", b"content-encoding", JSON_LENGTH))
_TIMED_OUT = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"


class PodLost(Exception):
    """A pod that the walk needs went away; another one may do it all again."""


class UnitCaller:
    """Asks units of one target's graph. `has_sent`: whether any unit may have seen anything."""

    def __init__(
        self,
        routes: Routes,
        upstream: Upstream,
        target: Target,
        namespace: str,
        headers: list[Header],
        dialect: Dialect,
    ) -> None:
        self._routes = routes
        self._upstream = upstream
        self._target = target
        self._namespace = namespace
        self._headers = [item for item in headers if item[0] not in _OF_MESSAGES]
        self._dialect = dialect
        self.has_sent = False

    async def ask(self, unit: GraphUnit, step: str, message: Message) -> Message:
        """One unit's answer to one step.

        Raises UnitRefused for any status but 200, WalkFailed for no answer, and PodLost.
        """
        if unit.is_built_in:
            path = self._dialect.path(step, unit.name)
            raise WalkFailed(transport_info("POST", 0, path, "connect: connection refused"))
        response = await self._send(unit, step, message)
        if response.status != 200:
            raise UnitRefused(response.status, response.body)
        return Message(
            response.body,
            response.header(b"content-type"),
            response.header(b"content-encoding"),
            read_length(response.header(JSON_LENGTH)),
        )

    async def _send(self, unit: GraphUnit, step: str, message: Message) -> Response:
        tried: set[str] = set()
        while True:
            backend = find_backend(self._routes, self._target, self._namespace, unit, tried)
            tried.add(backend.uid)
            response = await self._try(backend, unit, step, message)
            if response is not None:
                return response

    async def _try(
        self, backend: Backend, unit: GraphUnit, step: str, message: Message
    ) -> Response | None:
        """Ask at one place; None where another one should be asked."""
        method = "GET" if step in _READS else "POST"
        path = self._dialect.path(step, unit.name)
        headers = [*self._headers, (b"content-type", message.content_type or b"")]
        if message.encoding is not None:
            headers.append((b"content-encoding", message.encoding))
        if message.json_length is not None:
            headers.append((JSON_LENGTH, b"%d" % message.json_length))
        backend.outstanding += 1
        try:
            sending = self._upstream.send(
                backend.port, method.encode(), path.encode("latin-1"), headers, bytes(message.body)
            )
            timeout = self._target.timeout_seconds
            response = await (asyncio.wait_for(sending, timeout) if timeout else sending)
        except NotSent:
            return None
        except ConnectionLost as error:
            self.has_sent = True
            if step != "send-feedback":
                return None
            raise WalkFailed(transport_info(method, backend.port, path, str(error))) from error
        except TimeoutError as error:
            self.has_sent = True
            raise WalkFailed(transport_info(method, backend.port, path, _TIMED_OUT)) from error
        finally:
            backend.outstanding -= 1
        self.has_sent = True
        return response


def find_backend(
    routes: Routes, target: Target, namespace: str, unit: GraphUnit, tried: set[str]
) -> Backend:
    """A pod with the unit: the target's own, or any behind the unit's Service. Raises PodLost."""
    found: Backend | None = None
    if unit.service is not None:
        found = routes.pick_backend(namespace, unit.service, tried)
    elif unit.name in target.ports and target.uid not in tried:
        port, rpc_port = target.ports[unit.name], target.rpc_ports.get(unit.name)
        found = Backend(target.uid, port, rpc_port=rpc_port)
    if found is None:
        raise PodLost(unit.name)
    return found
