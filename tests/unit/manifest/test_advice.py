"""Advice: each rule by a case that it speaks of and one that it does not, then the records."""

from __future__ import annotations

import json
from typing import Any

import advice_cases
import advice_cases_sizes
import pytest
from sdep_samples import deployment, predictor, unit
from shared_data import SHARED, load_record, needs_records, needs_samples, record_names

from seldon_deployer.manifest.advice import RULES, check_advice
from seldon_deployer.manifest.documents import find_resources, read_documents
from seldon_deployer.manifest.verdict import judge

CASES = {**advice_cases.CASES, **advice_cases_sizes.CASES}


def fields(obj: dict[str, Any], rule: str) -> list[str]:
    return [each.field for each in check_advice(obj) if each.rule == rule]


def test_every_rule_has_its_cases():
    assert set(CASES) == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_speaks_of_its_cases_and_of_no_others(rule: str):
    speaks, passes = CASES[rule]
    for obj, field in speaks:
        assert fields(obj, rule) == [field]
        assert rule not in {each.rule for each in check_advice(obj, ignore=[rule])}
    for obj in passes:
        assert fields(obj, rule) == []


def test_errors_come_first_and_make_a_resource_invalid():
    obj = deployment(predictor(graph=unit("a_b")))
    assert [each.severity for each in check_advice(obj)] == ["error", "warning"]
    verdict = judge(obj)
    assert not verdict.is_valid
    assert [each.rule for each in verdict.errors] == ["name-characters"]
    assert [each.rule for each in verdict.warnings] == ["no-replicas"]
    assert judge(obj, ignore=["name-characters"]).is_valid


def test_advice_is_given_for_v1alpha2_and_for_nulls():
    obj = {**deployment(spec=None), "apiVersion": "machinelearning.seldon.io/v1alpha2"}
    obj["spec"]["annotations"] = obj["spec"]["predictors"][0]["children"] = None
    assert {each.rule for each in check_advice(obj)} == {"no-replicas", "unknown-field"}


def served(name: str) -> bool:
    """Whether a recorded case was ever Available."""
    lines = (SHARED / "operator-records" / name / "status.jsonl").read_text().splitlines()
    return any(json.loads(line)["status"].get("state") == "Available" for line in lines)


@needs_records
def test_no_error_is_told_of_what_the_real_operator_served():
    names = [name for name in record_names() if has_status(name) and served(name)]
    assert len(names) > 50
    wrong = {
        name: [str(each) for each in judge(obj).errors]
        for name in names
        for obj in load_record(name)[0]
        if judge(obj).errors
    }
    assert wrong == {}


def has_status(name: str) -> bool:
    return (SHARED / "operator-records" / name / "status.jsonl").exists()


FAILED = {
    "dots_container": "name-characters",
    "dots_predictor": "name-characters",
    "underscore_container": "name-characters",
    "uppercase_container": "name-characters",
    "long_container": "unit-name-length",
    "triton_seldon_protocol": "server-protocol",
}


@needs_records
@pytest.mark.parametrize("name", FAILED)
def test_what_the_real_operator_failed_on_has_its_error(name: str):
    assert not served(name)
    [obj] = load_record(name)[0]
    assert [each.rule for each in judge(obj).errors] == [FAILED[name]]


@needs_samples
def test_no_error_is_told_of_the_published_samples():
    wrong = []
    for path in sorted((SHARED / "samples").iterdir()):
        if path.name == "verdicts.json":
            continue
        for document in read_documents(path.read_text()):
            for obj in find_resources(document):
                verdict = judge(obj)
                wrong += [(path.name, each) for each in verdict.errors if not verdict.violations]
    assert wrong == []
