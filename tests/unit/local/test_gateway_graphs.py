"""The gateway over graphs whose pods come and go, and over shadows: real units on loopback."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from test_executor_records import make_pod
from test_gateway import FEEDBACK, PREDICT, Unit, ask, ok
from test_routes import engine_container, pod, sdep

from seldon_deployer.local.gateway import Gateway
from seldon_deployer.local.routes import Routes
from seldon_deployer.local.upstream import Upstream


def endpoint(name, *, beside):
    host = "localhost" if beside else f"iris-{name}.default.svc.cluster.local"
    return {"endpoint": {"service_host": host}}


# A transformer beside the orchestrator, a model in pods of its own.
CHAIN = {
    "name": "scale",
    "type": "TRANSFORMER",
    **endpoint("scale", beside=True),
    "children": [{"name": "model", "type": "MODEL", **endpoint("model", beside=False)}],
}


def in_default(obj):
    obj["metadata"]["namespace"] = "default"
    return obj


class World:
    """A gateway, and pods that the test brings and takes away."""

    def __init__(self, stack, whole, chance) -> None:
        self._stack = stack
        upstream = Upstream()
        stack.callback(upstream.close)
        self.routes = Routes(upstream.forget, chance=lambda: chance)
        self.routes.set_sdep(whole)
        synced = asyncio.Event()
        synced.set()
        self.gateway = Gateway(self.routes, upstream, synced)

    async def bring(self, uid, engine=None, **units):
        """A ready pod with these units."""
        ports = {name: await unit.start(self._stack) for name, unit in units.items()}
        made = in_default(make_pod(uid, list(units), ports, engine))
        self.routes.set_pod(made)
        return made

    async def bring_single(self, unit, predictor):
        """A ready pod of one unit without orchestrator."""
        port = await unit.start(self._stack)
        self.routes.set_pod(pod(predictor, port=port, predictor=predictor))


def run(scenario, whole=None, chance=0.0):
    async def main():
        async with AsyncExitStack() as stack:
            return await scenario(World(stack, whole or sdep(), chance))

    return asyncio.run(main())


def test_nothing_is_ready_until_every_unit_of_the_graph_is():
    async def scenario(world):
        scale, model = Unit(ok(b"[2]"), ok(b"[2]")), Unit(ok(b"[3]"))
        await world.bring("front", engine_container(CHAIN), scale=scale)
        early = await ask(world.gateway, PREDICT)
        made = await world.bring("back", model=model)
        served = await ask(world.gateway, PREDICT, body=b"[1]")
        world.routes.drop_pod(made["metadata"]["uid"])
        return early, served, await ask(world.gateway, PREDICT), scale.asked, model.asked

    early, served, late, scaled, predicted = run(scenario)

    assert early[0] == late[0] == 503
    assert (served[0], served[2]) == (200, b"[3]")
    assert scaled[0].endswith(b"\r\n\r\n[1]")
    assert predicted[0].endswith(b"\r\n\r\n[2]")
    # A request for a graph that is not whole reaches no unit.
    assert len(scaled) == len(predicted) == 1


def test_a_unit_whose_pod_dies_is_asked_in_another_pod():
    async def scenario(world):
        await world.bring("front", engine_container(CHAIN), scale=Unit(ok(b"[2]")))
        await world.bring("dying", model=Unit(b""))
        await world.bring("living", model=Unit(ok(b"[3]")))
        return await ask(world.gateway, PREDICT)

    assert run(scenario)[0] == 200


def test_a_walk_whose_front_dies_begins_again_at_another():
    async def scenario(world):
        await world.bring("dying", engine_container(CHAIN), scale=Unit(b""))
        await world.bring("living", engine_container(CHAIN), scale=Unit(ok(b"[2]")))
        await world.bring("back", model=Unit(ok(b"[3]")))
        return await ask(world.gateway, PREDICT)

    assert run(scenario)[2] == b"[3]"


def test_feedback_reaches_no_unit_twice():
    router = {
        "name": "router",
        "type": "ROUTER",
        **endpoint("router", beside=True),
        "children": [{"name": "model", "type": "MODEL", **endpoint("model", beside=False)}],
    }

    async def scenario(world):
        dying, living, model = Unit(b""), Unit(ok(b"{}")), Unit(ok(b"{}"), ok(b"{}"))
        await world.bring("one", engine_container(router), router=dying)
        await world.bring("two", engine_container(router), router=living)
        await world.bring("back", model=model)
        status, _, body = await ask(world.gateway, FEEDBACK)
        return status, json.loads(body)["status"]["status"], living.asked, len(model.asked)

    assert run(scenario) == (500, "FAILURE", [], 1)


def test_feedback_whose_pod_was_gone_before_it_was_sent_goes_elsewhere():
    async def scenario(world):
        async with AsyncExitStack() as closing:
            gone = in_default(make_pod("gone", ["model"], {"model": await Unit().start(closing)}))
        await world.bring("front", engine_container(CHAIN), scale=Unit())
        world.routes.set_pod(gone)
        living = Unit(ok(b"{}"))
        await world.bring("living", model=living)
        status = (await ask(world.gateway, FEEDBACK))[0]
        return status, len(living.asked)

    assert run(scenario) == (200, 1)


def test_one_unit_may_be_asked_for_its_status_by_name():
    async def scenario(world):
        await world.bring("front", engine_container(CHAIN), scale=Unit())
        await world.bring("back", model=Unit(ok(b"fine")))
        known = await ask(world.gateway, "/seldon/default/iris/api/v1.0/status/model", "GET", b"")
        other = await ask(world.gateway, "/seldon/default/iris/api/v1.0/status/rose", "GET", b"")
        return known[2], other[0], json.loads(other[2])["status"]["info"]

    assert run(scenario) == (b"fine", 500, "Failed to find model rose")


def shadowed(share=None):
    whole = sdep()
    whole["spec"]["predictors"] = [
        {"name": "a"},
        {"name": "dark", "shadow": True, **({"traffic": share} if share else {})},
    ]
    return whole


@pytest.mark.parametrize(
    ("share", "chance", "copies"), [(None, 0.99, 1), (30, 0.2, 1), (30, 0.4, 0)]
)
def test_a_shadow_gets_a_share_of_copies_and_its_answer_goes_nowhere(share, chance, copies):
    shown, dark = Unit(ok(b"shown")), Unit(ok(b"dark"))

    async def scenario(world):
        await world.bring_single(shown, "a")
        await world.bring_single(dark, "dark")
        answer = await ask(world.gateway, PREDICT, body=b"[7]")
        await world.gateway.wait_for_copies()
        return answer[2]

    assert run(scenario, shadowed(share), chance) == b"shown"
    assert len(shown.asked) == 1
    assert [asked.endswith(b"[7]") for asked in dark.asked] == [True] * copies


def test_a_shadow_that_fails_costs_the_client_nothing():
    dark = Unit(b"")

    async def scenario(world):
        await world.bring_single(Unit(ok(b"shown")), "a")
        await world.bring_single(dark, "dark")
        answer = await ask(world.gateway, PREDICT)
        await world.gateway.wait_for_copies()
        return answer[0], answer[2]

    assert run(scenario, shadowed()) == (200, b"shown")
    assert len(dark.asked) == 1


def test_a_shadow_alone_serves_nobody():
    async def scenario(world):
        await world.bring_single(Unit(ok(b"dark")), "dark")
        return (await ask(world.gateway, PREDICT))[0]

    assert run(scenario, shadowed()) == 503
