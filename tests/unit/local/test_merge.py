from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.local.merge import (
    compare,
    field_set,
    is_same,
    item_element,
    merge,
    remove,
    with_parents,
)
from seldon_deployer.manifest import pod_schema as types

SCHEMA = types.struct(
    text=types.STRING,
    free={},
    labels=types.LABELS,
    whole=types.whole(types.mapping(types.STRING)),
    atoms=types.atomic(types.STRING),
    set=types.unique(types.STRING),
    ports=types.keyed(
        types.struct(
            port=types.INTEGER,
            protocol=types.STRING | {"default": "TCP"},
            name=types.STRING,
        ),
        "port",
        "protocol",
    ),
)

_TEXTS = st.sampled_from(["a", "b", "c"])
_MAPS = st.dictionaries(_TEXTS, _TEXTS, max_size=3)
_PORTS = st.lists(
    st.fixed_dictionaries({"port": st.integers(1, 3)}, optional={"name": _TEXTS}),
    unique_by=lambda port: port["port"],
    max_size=3,
)
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "text": _TEXTS,
        "free": st.recursive(_TEXTS | st.integers(), lambda v: st.dictionaries(_TEXTS, v)),
        "labels": _MAPS,
        "whole": _MAPS,
        "atoms": st.lists(_TEXTS, max_size=2),
        "set": st.lists(_TEXTS, unique=True, max_size=3),
        "ports": _PORTS,
    },
)


@given(VALUES)
def test_a_value_merged_with_itself_is_itself(value):
    assert merge(SCHEMA, value, value) == value


@given(VALUES, VALUES)
def test_what_is_applied_is_there_after_a_merge(live, applied):
    merged = merge(SCHEMA, live, applied)
    there = field_set(SCHEMA, merged)
    # What is applied empty may be full already.
    within = {path[:depth] for path in there for depth in range(len(path))}
    assert field_set(SCHEMA, applied) <= there | within
    assert merge(SCHEMA, merged, applied) == merged


@given(VALUES)
def test_nothing_differs_from_itself(value):
    comparison = compare(SCHEMA, value, value)
    assert not (comparison.added | comparison.modified | comparison.removed)


@given(VALUES, VALUES)
def test_comparing_the_other_way_round_swaps_added_and_removed(old, new):
    there, back = compare(SCHEMA, old, new), compare(SCHEMA, new, old)
    assert there.added == back.removed
    assert there.removed == back.added
    assert there.modified == back.modified


@given(VALUES)
def test_nothing_is_left_without_its_fields(value):
    everything = with_parents(SCHEMA, field_set(SCHEMA, value))
    assert not remove(SCHEMA, value, everything | {(f"f:{name}",) for name in value})


@given(VALUES)
def test_removing_nothing_changes_nothing(value):
    assert remove(SCHEMA, value, set()) == (value or None)


def test_items_stay_in_the_applied_order():
    live = {"set": ["a", "b", "c"]}
    assert merge(SCHEMA, live, {"set": ["c", "a"]}) == {"set": ["b", "c", "a"]}
    assert merge(SCHEMA, live, {"set": ["d", "b"]}) == {"set": ["a", "d", "b", "c"]}


def test_a_default_names_an_item_too():
    schema = SCHEMA["properties"]["ports"]
    assert item_element(schema, {"port": 1}) == 'k:{"port":1,"protocol":"TCP"}'
    assert item_element(schema, {"port": 1, "protocol": "UDP"}) == 'k:{"port":1,"protocol":"UDP"}'


@pytest.mark.parametrize("item", ["text", None, 1])
def test_an_item_without_keys_cannot_be_told_apart(item):
    with pytest.raises(ValueError, match="non-map elements"):
        item_element(SCHEMA["properties"]["ports"], item)


def test_numbers_are_equal_by_value_but_never_a_truth():
    assert is_same({"a": 1}, {"a": 1.0})
    assert not is_same({"a": 1}, {"a": True})
    assert not is_same([0], [False])
    assert not is_same({"a": None}, {})
