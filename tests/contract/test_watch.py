"""Watches: from a version on, by selector, with bookmarks, as tables."""

from __future__ import annotations

import pytest
from client import SDEPS
from objects import sdep

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


@pytest.fixture
def sdeps(fresh_namespace):
    return SDEPS.format(fresh_namespace)


def _take(events, count):
    return [
        (event["type"], event["object"]) for _, event in zip(range(count), events, strict=False)
    ]


def _version(client, path):
    return client.get(path).body["metadata"]["resourceVersion"]


def test_a_watch_goes_on_from_a_version(client, sdeps):
    start = _version(client, sdeps)
    created = client.post(sdeps, sdep("a")).body
    changed = client.patch(f"{sdeps}/a", {"spec": {"replicas": 2}}).body
    client.delete(f"{sdeps}/a")
    with client.watch(sdeps, resourceVersion=start, timeoutSeconds="20") as events:
        taken = _take(events, 3)
    assert [kind for kind, _ in taken] == ["ADDED", "MODIFIED", "DELETED"]
    assert taken[0][1] == created
    assert taken[1][1] == changed
    assert taken[2][1]["spec"] == changed["spec"]
    assert int(taken[2][1]["metadata"]["resourceVersion"]) > int(
        changed["metadata"]["resourceVersion"]
    )


def test_a_watch_tells_of_what_happens_while_it_runs(client, sdeps):
    start = _version(client, sdeps)
    with client.watch(sdeps, resourceVersion=start, timeoutSeconds="20") as events:
        client.post(sdeps, sdep("a"))
        assert [kind for kind, _ in _take(events, 1)] == ["ADDED"]
        client.patch(f"{sdeps}/a", {"metadata": {"labels": {"a": "b"}}})
        assert [kind for kind, _ in _take(events, 1)] == ["MODIFIED"]
        client.delete(f"{sdeps}/a")
        assert [kind for kind, _ in _take(events, 1)] == ["DELETED"]


def test_a_watch_without_a_version_starts_with_what_is_there(client, sdeps):
    client.post(sdeps, sdep("a"))
    client.post(sdeps, sdep("b"))
    with client.watch(sdeps, timeoutSeconds="20") as events:
        taken = _take(events, 2)
        assert [(kind, obj["metadata"]["name"]) for kind, obj in taken] == [
            ("ADDED", "a"),
            ("ADDED", "b"),
        ]
        client.post(sdeps, sdep("c"))
        assert _take(events, 1)[0][1]["metadata"]["name"] == "c"


def test_what_starts_and_stops_being_selected_comes_and_goes(client, sdeps):
    client.post(sdeps, sdep("a"))
    start = _version(client, sdeps)
    query = {"resourceVersion": start, "timeoutSeconds": "20", "labelSelector": "on=1"}
    with client.watch(sdeps, **query) as events:
        client.patch(f"{sdeps}/a", {"metadata": {"labels": {"on": "1"}}})
        client.patch(f"{sdeps}/a", {"spec": {"replicas": 2}})
        client.patch(f"{sdeps}/a", {"metadata": {"labels": {"on": "0"}}})
        assert [kind for kind, _ in _take(events, 3)] == ["ADDED", "MODIFIED", "DELETED"]


def test_one_object_can_be_watched(client, sdeps):
    client.post(sdeps, sdep("a"))
    start = client.post(sdeps, sdep("b")).body["metadata"]["resourceVersion"]
    query = {
        "resourceVersion": start,
        "timeoutSeconds": "20",
        "fieldSelector": "metadata.name=b",
    }
    with client.watch(sdeps, **query) as events:
        client.patch(f"{sdeps}/a", {"spec": {"replicas": 2}})
        client.patch(f"{sdeps}/b", {"spec": {"replicas": 3}})
        ((kind, obj),) = _take(events, 1)
    assert (kind, obj["metadata"]["name"], obj["spec"]["replicas"]) == ("MODIFIED", "b", 3)


def test_a_watch_ends_when_its_time_is_up(client, sdeps):
    start = _version(client, sdeps)
    with client.watch(sdeps, resourceVersion=start, timeoutSeconds="1") as events:
        assert list(events) == []


def test_the_initial_events_end_with_a_bookmark(client, sdeps):
    client.post(sdeps, sdep("a"))
    query = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "20",
    }
    with client.watch(sdeps, **query) as events:
        taken = _take(events, 2)
    assert [kind for kind, _ in taken] == ["ADDED", "BOOKMARK"]
    mark = taken[1][1]["metadata"]
    assert mark["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert mark["resourceVersion"].isdigit()


def test_a_watch_can_come_as_tables(client, sdeps):
    client.post(sdeps, sdep("a"))
    with client.watch(sdeps, accept=TABLE, timeoutSeconds="20") as events:
        client.post(sdeps, sdep("b"))
        first, second = (obj for _, obj in _take(events, 2))
    assert first["kind"] == "Table"
    assert first["columnDefinitions"][0]["name"] == "Name"
    assert first["rows"][0]["cells"][0] == "a"
    assert second["columnDefinitions"] is None
    assert second["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


def test_a_version_that_is_no_number_is_refused(client, sdeps):
    answer = client.get(sdeps, watch="true", resourceVersion="x")
    assert answer.status == 500
    assert answer.message.startswith('resourceVersion: Invalid value: "x"')


def test_lists_come_as_tables_and_as_metadata(client, sdeps):
    client.post(sdeps, sdep("a"))
    table = client.request("GET", sdeps, accept=TABLE).body
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    names = [column["name"] for column in table["columnDefinitions"]]
    assert names[0] == "Name"
    assert names[-1] == "Age"
    assert table["rows"][0]["cells"][0] == "a"
    accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    partial = client.request("GET", sdeps, accept=accept).body
    assert partial["kind"] == "PartialObjectMetadataList"
    assert "spec" not in partial["items"][0]
