from __future__ import annotations

from seldon_deployer.local import store as module
from seldon_deployer.local.store import Key, Store

KEY = Key("configmaps", "default", "a")


def _obj(name="a", **more):
    return {"metadata": {"name": name, "uid": f"uid-{name}", "namespace": "default"}, **more}


def test_objects_and_versions_outlive_the_process(tmp_path):
    store = Store(tmp_path / "state.db")
    written = store.put(KEY, _obj(data=1))
    store.close()
    again = Store(tmp_path / "state.db")
    assert again.get(KEY) == written
    newer = again.put(KEY, _obj(data=2))
    versions = [int(obj["metadata"]["resourceVersion"]) for obj in (written, newer)]
    assert versions[0] < versions[1]
    again.close()


def test_the_file_is_for_its_owner_alone(tmp_path):
    Store(tmp_path / "state.db").close()
    assert (tmp_path / "state.db").stat().st_mode & 0o777 == 0o600


def test_a_version_is_never_used_twice_even_when_the_log_is_cut(tmp_path):
    store = Store(tmp_path / "state.db")
    last = 0
    for _ in range(module.LOG_LENGTH + 2 * 500):
        version = int(store.put(KEY, _obj())["metadata"]["resourceVersion"])
        assert version > last
        last = version
    assert store.oldest > 1
    assert store.changes("configmaps", store.oldest)[0].version == store.oldest + 1
    store.close()
    again = Store(tmp_path / "state.db")
    assert again.version == last
    assert again.oldest == store.oldest
    again.close()


def test_the_log_tells_what_was_before(store):
    start = store.version
    first = store.put(KEY, _obj(data=1))
    second = store.put(KEY, _obj(data=2))
    store.remove(KEY, second)
    changes = store.changes("configmaps", start)
    assert [change.type for change in changes] == ["ADDED", "MODIFIED", "DELETED"]
    assert [change.previous for change in changes] == [None, first, second]
    assert store.changes("secrets", start) == []


def test_dependents_are_found_by_the_uid_of_their_owner(store):
    child = _obj("b")
    child["metadata"]["ownerReferences"] = [{"uid": "uid-a"}]
    key = Key("pods", "default", "b")
    store.put(key, child)
    assert store.dependents("uid-a") == [key]
    store.put(key, _obj("b"))
    assert store.dependents("uid-a") == []


def test_listeners_hear_of_each_write_until_they_leave(store):
    heard = []
    leave = store.subscribe(heard.append)
    store.put(KEY, _obj())
    leave()
    store.put(KEY, _obj())
    assert heard == ["configmaps"]
