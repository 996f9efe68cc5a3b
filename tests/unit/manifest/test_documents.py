"""Texts to documents: every form a manifest comes in, and where a broken one breaks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdep_samples import deployment

from seldon_deployer.manifest.crd import build_crd
from seldon_deployer.manifest.documents import Unparsed, find_resources, read_documents
from seldon_deployer.manifest.kind import API_VERSION, GROUP, find_misnamed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\n", [{"a": 1}]),
        ("a: 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("---\na: 1\n--- # the next\nb: 2\n...\n", [{"a": 1}, {"b": 2}]),
        ("--- {a: 1}\n---\n", [{"a": 1}]),
        ("%YAML 1.2\n---\na: 1\n", [{"a": 1}]),
        ("# nothing\n\n---\n", []),
        ("", []),
        ("\ufeffa: 1\n", [{"a": 1}]),
        ("a: 1\r\n---\r\nb: 2\r\n", [{"a": 1}, {"b": 2}]),
        ('{"a": 1}', [{"a": 1}]),
        ('{\n\t"a":\t1\n}\n', [{"a": 1}]),
        ('{"a": 1}\n{"b": 2}\n', [{"a": 1}, {"b": 2}]),
        ('---\n{\t"a": 1}\n---\nb: 2\n', [{"a": 1}, {"b": 2}]),
        ("{a: 1, b: [x]}", [{"a": 1, "b": ["x"]}]),
        ("text: |\n  one\n  ---\n  two\n", [{"text": "one\n---\ntwo\n"}]),
        ("a: &b {x: 1}\nc: {<<: *b, y: 2}\n", [{"a": {"x": 1}, "c": {"x": 1, "y": 2}}]),
    ],
)  # fmt: skip
def test_each_form_of_text_gives_its_documents(text, expected):
    assert read_documents(text) == expected


@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        ("2024-01-01", "2024-01-01"),
        ("1:30", "1:30"),
        ("1e-3", 0.001),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.17.1", "1.17.1"),
        ("0x1f", 31),
        ("010", 8),
        ("-3", -3),
        ("100m", "100m"),
        ("yes", True),
        ("~", None),
    ],
)
def test_scalars_are_read_as_the_kubernetes_tools_read_them(scalar, expected):
    [document] = read_documents(f"value: {scalar}\n")
    assert document == {"value": expected}
    assert type(document["value"]) is type(expected)


def test_keys_are_text_as_in_json():
    assert read_documents("1: a\ntrue: b\nnull: c\n") == [{"1": "a", "true": "b", "null": "c"}]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [1\nc: 2\n", 3),
        ("a: 1\n---\nb: 1\nc: }\n", 4),
        ('{\n  "a": 1,\n  "b" 2\n}\n', 3),
        ('---\n{"a": 1,\n"b" 2}\n', 3),
        ("a:\n\tb: 1\n", 2),
        ("{{ .Values.name }}: 1\n", 1),
        ("? [a]\n: b\n", 1),
        ("a: *missing\n", 1),
        ("a: !!python/object:os.system x\n", 1),
        ("a: 1\n---\na: !!timestamp soon\n", 2),
        ("a: !!bool maybe\n", 1),
    ],
)
def test_a_broken_document_says_its_line(text, line):
    [broken] = [each for each in read_documents(text) if isinstance(each, Unparsed)]
    assert broken.line == line
    assert broken.message
    assert "\n" not in broken.message


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "- " * 1000,
        "a: &a [*a]\n",
        "a: !!set {x}\n",
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
            for old, new in zip("abcdef", "bcdefg", strict=True)
        ),
    ],
    ids=["deep JSON", "deep YAML", "a knot", "a set", "a bomb"],
)
def test_what_no_manifest_holds_is_a_broken_document(text):
    [broken] = read_documents(text)
    assert isinstance(broken, Unparsed)


def test_a_broken_document_does_not_hide_the_others():
    first, broken, last = read_documents("a: 1\n---\nb: }\n---\nc: 3\n")
    assert (first, last) == ({"a": 1}, {"c": 3})
    assert isinstance(broken, Unparsed)


def test_resources_are_found_in_lists_and_in_other_kinds():
    one, two, three = (deployment(name=name) for name in ("one", "two", "three"))
    listed = {"apiVersion": "v1", "kind": "List", "items": [one, {"kind": "Service"}, two]}
    template = {"kind": "Template", "objects": [{"inner": three}]}
    found = [each for value in (listed, template, [one]) for each in find_resources(value)]
    assert found == [one, two, three, one]


def test_other_kinds_and_groups_are_passed_over():
    others = [
        {**deployment(), "apiVersion": version, "kind": kind}
        for version in ("apps/v1", "machinelearning.example.com/v1", "seldon.io/v1", "v1", None, 3)
        for kind in ("Deployment", "ModelDeployment", "SeldonDeploymentList", "Seldon", None, 3)
    ]
    assert list(find_resources([*others, {"kind": "Service"}, "text", None, 3])) == []


def test_what_refers_to_one_is_none():
    reference = {"apiVersion": API_VERSION, "kind": "SeldonDeployment", "name": "iris"}
    scaler = {"kind": "HorizontalPodAutoscaler", "spec": {"scaleTargetRef": reference}}
    owned = {"kind": "Service", "metadata": {"ownerReferences": [{**reference, "uid": "1"}]}}
    assert list(find_resources([scaler, owned, {**owned, "kind": "SeldonDeploymentList"}])) == []
    ignored = {"group": GROUP, "kind": "SeldonDeployment", "jsonPointers": ["/spec/replicas"]}
    of_argo = {"kind": "Application", "spec": {"ignoreDifferences": [ignored]}}
    assert list(find_resources([of_argo, build_crd()])) == []


@given(
    name=st.sampled_from([("apiVersion", GROUP), ("kind", "SeldonDeployment")]),
    at=st.integers(1, 15),
    letter=st.sampled_from(["", "x", "o"]),
    case=st.sampled_from([str, str.lower, str.title]),
)
def test_a_letter_that_is_wrong_or_missing_makes_no_other_kind_of_it(name, at, letter, case):
    field, right = name
    wrong = case(right[:at] + letter + right[at + 1 :])
    odd = {**deployment(), field: f"{wrong}/v1" if field == "apiVersion" else wrong}
    for obj in (odd, odd | {"apiVersion": "example.com/v1"} if field == "kind" else odd):
        assert list(find_resources([obj])) == [obj]
        if wrong != right:
            told = find_misnamed(obj)
            assert told.field == field
            assert API_VERSION in told.message or "did you mean SeldonDeployment" in told.message


def test_another_group_of_the_right_kind_is_told():
    odd = {**deployment(), "apiVersion": "example.com/v1"}
    assert list(find_resources(odd)) == [odd]
    assert find_misnamed(odd) == (
        "apiVersion",
        f"Invalid value: 'example.com/v1': a SeldonDeployment is of {API_VERSION}",
    )


@pytest.mark.parametrize("kind", ["SeldonDeploymnt", "seldondeployment", "Model", "", None, 3])
@pytest.mark.parametrize("group", [GROUP, "mlops.seldon.io"])
def test_another_kind_of_seldons_is_found_for_the_verdict_to_tell(group, kind):
    odd = {**deployment(), "apiVersion": f"{group}/v1", "kind": kind}
    assert list(find_resources({"kind": "List", "items": [odd]})) == [odd]


def test_what_is_broken_says_whether_it_looks_like_a_template():
    text = "a: {\n---\nname: {{ .Values.name }}\n---\na: '{{ fine }}'\n"
    plain, template, fine = read_documents(text)
    assert (plain.is_template, template.is_template) == (False, True)
    assert fine == {"a": "{{ fine }}"}


def test_json_and_yaml_of_one_resource_are_the_same():
    obj = deployment()
    assert read_documents(json.dumps(obj, indent="\t")) == [obj]
