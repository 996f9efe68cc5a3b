from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.local.patches import json_patch, merge_patch
from seldon_deployer.manifest.strategic import PatchError

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)
_WITHOUT_NULLS = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


# RFC 7396, appendix A.
@pytest.mark.parametrize(
    ("value", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_of_the_standard(value, patch, merged):
    assert merge_patch(value, patch) == merged


@given(_JSON, _WITHOUT_NULLS)
def test_a_merge_patch_twice_is_a_merge_patch_once(value, patch):
    once = merge_patch(value, patch)
    assert merge_patch(once, patch) == once


@pytest.mark.parametrize(
    ("operations", "result"),
    [
        ([{"op": "add", "path": "/a/1", "value": 9}], {"a": [1, 9, 2], "b": {}}),
        ([{"op": "add", "path": "/a/-", "value": 9}], {"a": [1, 2, 9], "b": {}}),
        ([{"op": "replace", "path": "/a/0", "value": 9}], {"a": [9, 2], "b": {}}),
        ([{"op": "remove", "path": "/a/0"}], {"a": [2], "b": {}}),
        ([{"op": "move", "from": "/a", "path": "/b/c"}], {"b": {"c": [1, 2]}}),
        ([{"op": "copy", "from": "/a/1", "path": "/b/c"}], {"a": [1, 2], "b": {"c": 2}}),
        ([{"op": "add", "path": "/x~1y~0z", "value": 1}], {"a": [1, 2], "b": {}, "x/y~z": 1}),
        ([{"op": "test", "path": "/a/0", "value": 1.0}], {"a": [1, 2], "b": {}}),
        ([{"op": "replace", "path": "", "value": 7}], 7),
    ],
)
def test_json_patches_of_the_standard(operations, result):
    value = {"a": [1, 2], "b": {}}
    assert json_patch(value, operations) == result
    assert value == {"a": [1, 2], "b": {}}


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "remove", "path": "/none"}],
        [{"op": "replace", "path": "/none", "value": 1}],
        [{"op": "test", "path": "/a/0", "value": True}],
        [{"op": "add", "path": "/a/7", "value": 1}],
        [{"op": "nothing", "path": "/a"}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "add", "path": "/b"}],
        {"op": "add"},
        [1],
    ],
)
def test_a_json_patch_that_does_not_fit_changes_nothing(operations):
    value = {"a": [1, 2]}
    with pytest.raises(PatchError):
        json_patch(value, operations)
    assert value == {"a": [1, 2]}
