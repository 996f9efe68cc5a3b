"""The gateway and its client against real units on loopback: small asyncio servers of the test."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from test_routes import pod, sdep

from seldon_deployer.local import gateway as module
from seldon_deployer.local.gateway import Gateway
from seldon_deployer.local.routes import Routes
from seldon_deployer.local.upstream import Upstream

PREDICT = "/seldon/default/iris/api/v1.0/predictions"
FEEDBACK = "/seldon/default/iris/api/v1.0/feedback"


class Unit:
    """A server that answers each request as `answers` says, and remembers what it was asked."""

    def __init__(self, *answers: bytes) -> None:
        self.asked: list[bytes] = []
        self._answers = list(answers)

    async def start(self, stack: AsyncExitStack) -> int:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        await stack.enter_async_context(server)
        return server.sockets[0].getsockname()[1]

    async def _serve(self, reader, writer) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                body = await reader.readexactly(int(length or 0))
                self.asked.append(head + body)
                answer = self._answers.pop(0) if self._answers else b""
                writer.write(answer)
                await writer.drain()
                if not answer or b"connection: close" in answer:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


def ok(body: bytes, headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n%s\r\n%s" % (len(body), headers, body)


async def ask(gateway: Gateway, path: str, method: str = "POST", body: bytes = b"{}", **headers):
    """One ASGI request; returns status, headers and body."""
    whole = {"type": "http.request", "body": body, "more_body": False}
    sent = await exchange(gateway, path, method, [whole], **headers)
    fields = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    return sent[0]["status"], fields, sent[1]["body"]


async def exchange(gateway: Gateway, path: str, method: str, received: list[dict], **headers):
    """What the gateway sends when it receives these ASGI messages."""
    sent = []
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(key.lower().encode(), value.encode()) for key, value in headers.items()],
    }

    async def receive():
        return received.pop(0)

    async def send(message):
        sent.append(message)

    await gateway(scope, receive, send)
    return sent


def run(scenario, *units: Unit, **notes):
    """Run a scenario with a gateway that knows a pod for each unit; `notes` go to `pod`."""

    async def main():
        async with AsyncExitStack() as stack:
            upstream = Upstream()
            stack.callback(upstream.close)
            routes = Routes(upstream.forget, chance=lambda: 0.0)
            routes.set_sdep(sdep())
            for number, unit in enumerate(units):
                routes.set_pod(pod(f"pod-{number}", port=await unit.start(stack), **notes))
            synced = asyncio.Event()
            synced.set()
            return await scenario(Gateway(routes, upstream, synced), routes)

    return asyncio.run(main())


def test_without_orchestrator_path_and_headers_go_through_as_they_are():
    unit = Unit(ok(b"<hi>", b"x-own: 1\r\n"))

    async def scenario(gateway, routes):
        return await ask(gateway, PREDICT, body=b"[1]", Authorization="secret")

    status, headers, body = run(scenario, unit)

    assert (status, headers["x-own"], body) == (200, "1", b"<hi>")
    assert unit.asked[0].startswith(b"POST /api/v1.0/predictions HTTP/1.1\r\n")
    assert b"authorization: secret\r\n" in unit.asked[0]
    assert unit.asked[0].endswith(b"\r\n\r\n[1]")


def test_with_orchestrator_the_unit_is_asked_for_predict_and_the_body_escaped():
    unit = Unit(ok(b"<hi>", b"x-own: 1\r\ncontent-type: text/html\r\n"))

    async def scenario(gateway, routes):
        return await ask(gateway, PREDICT, **{"Seldon-Puid": "p1"})

    status, headers, body = run(scenario, unit, engine="seldon")

    assert (status, body) == (200, rb"\u003chi\u003e")
    assert (headers["seldon-puid"], headers["content-type"]) == ("p1", "text/html")
    assert "x-own" not in headers
    assert unit.asked[0].startswith(b"POST /predict HTTP/1.1\r\n")


def test_a_prediction_whose_pod_dies_without_an_answer_is_asked_of_another():
    dying, living = Unit(b""), Unit(ok(b"fine"))

    async def scenario(gateway, routes):
        return await ask(gateway, PREDICT)

    status, _, body = run(scenario, dying, living)

    assert (status, body) == (200, b"fine")
    assert len(dying.asked) == 1


def test_no_unit_sees_a_request_that_its_client_broke_off():
    unit = Unit(ok(b"fine"))
    received = [
        {"type": "http.request", "body": b'{"reward": 1', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def scenario(gateway, routes):
        return await exchange(gateway, FEEDBACK, "POST", received)

    assert run(scenario, unit) == []
    assert unit.asked == []


def test_feedback_that_a_unit_may_have_seen_is_not_sent_twice():
    dying, living = Unit(b""), Unit(ok(b"fine"))

    async def scenario(gateway, routes):
        return await ask(gateway, FEEDBACK)

    status, _, body = run(scenario, dying, living)

    assert status == 500
    assert json.loads(body)["status"]["status"] == "FAILURE"
    assert living.asked == []


def test_a_pod_that_is_gone_before_the_gateway_heard_of_it_costs_no_request():
    living = Unit(ok(b"fine"))

    async def scenario(gateway, routes):
        async with AsyncExitStack() as stack:
            port = await Unit().start(stack)
        routes.set_pod(pod("gone", port=port))
        target = routes.pick("default", "iris", tried={"gone"})
        target.outstanding = 5
        return await ask(gateway, FEEDBACK)

    status, _, body = run(scenario, living)

    assert (status, body) == (200, b"fine")


def test_a_request_waits_for_news_when_its_only_pod_is_gone():
    class LateNews(Routes):
        """Hears of the new pod only when somebody waits for news."""

        async def wait_for_change(self, timeout_seconds):
            self.set_pod(self.new)

    async def scenario():
        async with AsyncExitStack() as stack:
            upstream = Upstream()
            stack.callback(upstream.close)
            routes = LateNews(upstream.forget, chance=lambda: 0.0)
            routes.new = pod("new", port=await Unit(ok(b"fine")).start(stack))
            async with AsyncExitStack() as closing:
                routes.set_pod(pod("old", port=await Unit().start(closing)))
            synced = asyncio.Event()
            synced.set()
            return await ask(Gateway(routes, upstream, synced), FEEDBACK)

    assert asyncio.run(scenario())[2] == b"fine"


def test_a_deployment_without_ready_pod_is_unavailable_at_once():
    async def scenario(gateway, routes):
        return await ask(gateway, PREDICT)

    status, headers, body = run(scenario)

    assert (status, headers["content-type"]) == (503, "application/json")
    assert "no pod of iris is ready" in json.loads(body)["status"]["info"]


@pytest.mark.parametrize("path", ["/", "/seldon/default", "/seldon/default/rose/x", "/x"])
def test_unknown_places_are_not_found_in_seldons_form(path):
    async def scenario(gateway, routes):
        return await ask(gateway, path)

    status, _, body = run(scenario)

    assert (status, json.loads(body)["status"]["code"]) == (404, 404)


def test_a_timeout_of_the_pod_is_the_orchestrators_error():
    class Slow(Unit):
        async def _serve(self, reader, writer) -> None:
            await reader.read()
            writer.close()

    async def scenario(gateway, routes):
        return await ask(gateway, PREDICT)

    status, headers, body = run(
        scenario, Slow(), engine="seldon", **{"seldon.io/rest-timeout": "20"}
    )

    assert (status, headers["content-type"]) == (500, "text/plain; charset=utf-8")
    assert "Client.Timeout exceeded while awaiting headers" in json.loads(body)["status"]["info"]


def test_a_connection_is_used_again_and_one_that_closes_is_not():
    unit = Unit(ok(b"1"), ok(b"2", b"connection: close\r\n"), ok(b"3"))

    async def scenario(gateway, routes):
        return [(await ask(gateway, PREDICT))[2] for _ in range(3)]

    assert run(scenario, unit) == [b"1", b"2", b"3"]


def test_a_long_answer_comes_whole():
    body = b"x" * 3_000_000

    async def scenario(gateway, routes):
        return await ask(gateway, PREDICT)

    assert run(scenario, Unit(ok(body)))[2] == body


def test_the_health_of_the_gateway_tells_what_it_knows():
    async def scenario(gateway, routes):
        return await ask(gateway, module.HEALTH_PATH, "GET", b"")

    status, _, body = run(scenario, Unit())

    assert status == 200
    assert json.loads(body) == {"isSynced": True, "services": 1, "readyPods": 1}
