from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from seldon_deployer import naming
from seldon_deployer.errors import InvalidName

names = st.text(min_size=1, max_size=80)


@pytest.mark.parametrize(
    ("model_name", "expected"),
    [
        ("iris", "iris"),
        ("Iris Classifier", "iris-classifier"),
        ("iris__v.2", "iris-v-2"),
        ("Größe", "grosse"),
        ("-iris-", "iris"),
        ("2nd-model", "m-2nd-model"),
        ("a" * 26, "a" * 26),
    ],
)
def test_a_model_name_becomes_a_resource_name(model_name: str, expected: str) -> None:
    assert naming.resource_name(model_name) == expected


@pytest.mark.parametrize("model_name", ["", "---", "模型", "!?"])
def test_a_name_of_which_nothing_is_left_is_an_error(model_name: str) -> None:
    with pytest.raises(InvalidName, match="no ASCII letter or digit"):
        naming.resource_name(model_name)


@given(names)
def test_a_resource_name_is_stable_and_names_all_that_the_operator_makes(text: str) -> None:
    try:
        name = naming.resource_name(text)
    except InvalidName:
        assume(False)

    assert naming.is_dns_label(name)
    assert naming.resource_name(name) == name
    assert naming.resource_name(text) == name
    # Deployment, predictor's Service, unit's Service, and the label key with the unit's name.
    for made in (f"{name}-default-0-{name}", f"{name}-default", f"{name}-default-{name}"):
        assert naming.seldon_name(made) == made
        assert naming.is_dns_label(made)
    assert naming.is_label_key(f"seldon-app-svc-{name}")


@given(st.text("abc", min_size=30, max_size=60), st.text("abc", min_size=30, max_size=60))
def test_two_long_names_stay_two(one: str, other: str) -> None:
    assume(one != other)

    assert naming.resource_name(one) != naming.resource_name(other)


def test_the_longest_name_is_the_longest_that_the_operator_leaves_readable() -> None:
    longest = "a" * naming.MAX_NAME_LENGTH
    longer = longest + "a"

    assert naming.seldon_name(longest, "default", "0", longest) == f"{longest}-default-0-{longest}"
    assert naming.seldon_name(longer, "default", "0", longer).startswith("seldon-")


@given(names)
def test_any_text_becomes_a_label_value(text: str) -> None:
    value = naming.label_value(text)

    assert naming.is_label_value(value)
    assert naming.label_value(value) == value


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("name", True),
        ("example.com/name", True),
        ("a_b.c-d", True),
        ("", False),
        ("/name", False),
        ("example.com/", False),
        ("Example.com/name", False),
        ("a/b/c", False),
        ("a b", False),
        ("n" * 64, False),
        ("d" * 254 + "/n", False),
    ],
)
def test_label_keys_are_kubernetes_own(key: str, expected: bool) -> None:
    assert naming.is_label_key(key) is expected


def test_a_selector_is_written_in_a_stable_order() -> None:
    assert naming.label_selector({"b": "2", "a": "1"}) == "a=1,b=2"


def test_seldons_digest_is_of_the_whole_name() -> None:
    # Seen in the operator's own objects.
    predictor = "p-" + "x" * 60
    assert naming.seldon_name("long", predictor) == naming.seldon_name(f"long-{predictor}")
    assert len(naming.seldon_name("n" * 64)) == len("seldon-") + 32


@pytest.mark.parametrize("name", ["s3", "s3-models", "team.s3"])
def test_a_secrets_name_that_is_one_stays(name: str) -> None:
    assert naming.secret_name(name) == name


def test_names_of_secrets_that_differ_in_what_kubernetes_lacks_stay_apart() -> None:
    names = ["s3-models", "s3_models", "S3-models", "s3 models"]
    assert len({naming.secret_name(name) for name in names}) == len(names)


@given(names)
def test_any_text_names_a_secret_and_always_the_same(text: str) -> None:
    name = naming.secret_name(text)
    assert naming.is_dns_subdomain(name)
    assert naming.secret_name(text) == naming.secret_name(name) == name
