from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from seldon_deployer.local.api import Api, ApiError
from seldon_deployer.local.objects import CONFIG_MAPS, PODS
from seldon_deployer.local.store import LOG_LENGTH, Store


class Clock:
    """A time that the test moves."""

    def __init__(self):
        self.now = datetime(2024, 1, 1, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def api(store, clock):
    return Api(store, clock=clock)


def _map(name="a", **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_the_default_namespace_is_always_there(tmp_path):
    for _ in range(2):
        store = Store(tmp_path / "state.db")
        assert Api(store).create(CONFIG_MAPS, "default", _map(), manager="me", dry_run=True)
        store.close()


def test_times_are_those_of_the_clock(api, clock):
    created = api.create(CONFIG_MAPS, "default", _map(x="1"), manager="one")
    clock.now += timedelta(hours=1)
    changed = created | {"data": {"x": "2"}}
    updated = api.update(CONFIG_MAPS, "default", "a", changed, manager="two")
    assert updated["metadata"]["creationTimestamp"] == "2024-01-01T00:00:00Z"
    times = {e["manager"]: e["time"] for e in updated["metadata"]["managedFields"]}
    assert times == {"one": "2024-01-01T00:00:00Z", "two": "2024-01-01T01:00:00Z"}


def test_an_apply_that_changes_nothing_leaves_time_and_version(api, clock):
    first, was_created = api.patch(
        CONFIG_MAPS, "default", "a", _map(x="1"), patch_type="apply", manager="one"
    )
    assert was_created
    clock.now += timedelta(hours=1)
    again, was_created = api.patch(
        CONFIG_MAPS, "default", "a", _map(x="1"), patch_type="apply", manager="one"
    )
    assert not was_created
    assert again == first


def test_too_many_updaters_are_folded_into_one(api):
    obj = api.create(CONFIG_MAPS, "default", _map(start="1"), manager="m0")
    for number in range(1, 15):
        obj["data"] = obj["data"] | {f"k{number:02}": "1"}
        obj = api.update(CONFIG_MAPS, "default", "a", obj, manager=f"m{number}")
    names = [entry["manager"] for entry in obj["metadata"]["managedFields"]]
    assert len(names) == 10
    assert "ancient-changes" in names


def test_a_watch_from_a_forgotten_version_is_expired(api):
    created = api.create(CONFIG_MAPS, "default", _map(), manager="me")
    for number in range(LOG_LENGTH + 1000):
        created["data"] = {"x": str(number)}
        created = api.update(CONFIG_MAPS, "default", "a", created, manager="me")

    async def watch():
        async for _ in api.watch(CONFIG_MAPS, resource_version="2"):
            pass

    with pytest.raises(ApiError, match="too old resource version: 2") as caught:
        asyncio.run(watch())
    assert (caught.value.status, caught.value.reason) == (410, "Expired")


def test_a_watch_sees_writes_made_before_and_after_it_waits(api):
    async def watch():
        seen = []
        events = api.watch(CONFIG_MAPS, "default", resource_version=api.resource_version)
        api.create(CONFIG_MAPS, "default", _map("a"), manager="me")
        seen.append(await anext(events))
        following = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        api.delete(CONFIG_MAPS, "default", "a")
        seen.append(await following)
        await events.aclose()
        return [(kind, obj["metadata"]["name"]) for kind, obj in seen]

    assert asyncio.run(watch()) == [("ADDED", "a"), ("DELETED", "a")]


def test_a_shorter_grace_brings_the_end_forward(api):
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    body["spec"] = {"containers": [{"name": "c", "image": "i"}]}
    api.create(PODS, "default", body, manager="me")
    first = api.delete(PODS, "default", "p")["metadata"]
    assert first["deletionTimestamp"] == "2024-01-01T00:00:30Z"
    longer = api.delete(PODS, "default", "p", grace_period_seconds=60)["metadata"]
    assert longer["deletionTimestamp"] == first["deletionTimestamp"]
    shorter = api.delete(PODS, "default", "p", grace_period_seconds=5)["metadata"]
    assert shorter["deletionTimestamp"] == "2024-01-01T00:00:05Z"
