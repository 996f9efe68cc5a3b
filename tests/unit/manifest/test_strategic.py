from __future__ import annotations

import pytest

from seldon_deployer.manifest.pod_schema import POD_TEMPLATE as POD
from seldon_deployer.manifest.strategic import PatchError, strategic_merge


def _containers(*items, **more):
    return {"spec": {"containers": list(items)} | more}


def test_strategic_merge_follows_the_wanted_order():
    live = _containers({"name": "a"}, {"name": "b"})
    order = {"$setElementOrder/containers": [{"name": "b"}, {"name": "c"}, {"name": "a"}]}
    patch = _containers({"name": "c", "image": "i"}, **order)
    names = [c["name"] for c in strategic_merge(POD, live, patch)["spec"]["containers"]]
    assert names == ["b", "c", "a"]


def test_strategic_merge_replaces_where_it_is_told():
    live = _containers({"name": "a", "image": "i"})
    patch = _containers({"name": "b"}, {"$patch": "replace"})
    assert strategic_merge(POD, live, patch) == _containers({"name": "b"})
    patch = {"spec": {"$patch": "replace", "nodeName": "n"}}
    assert strategic_merge(POD, live, patch) == {"spec": {"nodeName": "n"}}
    patch = {"spec": {"$patch": "delete"}}
    assert strategic_merge(POD, live, patch) == {}


def test_strategic_merge_takes_items_out_of_a_plain_list():
    live = {"metadata": {"finalizers": ["a", "b"]}}
    schema = {
        "properties": {
            "metadata": {
                "properties": {
                    "finalizers": {"type": "array", "x-kubernetes-patch-strategy": "merge"}
                }
            }
        }
    }
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}}
    assert strategic_merge(schema, live, patch)["metadata"]["finalizers"] == ["b", "c"]


def test_strategic_merge_keeps_the_fields_that_it_names():
    live = _containers(nodeName="n", hostname="h")
    patch = {"spec": {"$retainKeys": ["nodeName"], "nodeName": "m"}}
    assert strategic_merge(POD, live, patch) == {"spec": {"nodeName": "m"}}


def test_strategic_merge_wants_the_key():
    with pytest.raises(PatchError, match="merge key: name"):
        strategic_merge(POD, _containers({"name": "a"}), _containers({"image": "i"}))


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"$patch": "mend"}, "Unknown patch type found: mend"),
        ({"$retainKeys": "a"}, "is no list"),
        ({"$deleteFromPrimitiveList/args": 1}, "is no list"),
        (_containers(**{"$setElementOrder/containers": [[]]}), "names no items"),
        (_containers("a"), "merge key: name"),
    ],
)
def test_a_malformed_strategic_patch_says_so(patch, message):
    with pytest.raises(PatchError, match=message):
        strategic_merge(POD, _containers({"name": "a"}), patch)
