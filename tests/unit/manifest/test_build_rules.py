"""What changes a revision, field by field, and what holds of any fields together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from building import CLAIM, MOUNT, build
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.config import DeploymentConfig
from seldon_deployer.manifest.admission import check_admission
from seldon_deployer.manifest.advice import check_advice
from seldon_deployer.manifest.crd import shared_schema
from seldon_deployer.manifest.revision import revisions
from seldon_deployer.manifest.schema import check_schema, prune, unknown_fields

Object = dict[str, Any]

CANARY = {"predictors": [{"name": "canary", "traffic": 10}]}
SCALED = {"hpa": {"max_replicas": 3}}
BESIDE_PODS: list[tuple[Object, Object]] = [
    ({}, {"replicas": 5}),
    ({}, {"labels": {"team": "blue"}}),
    ({}, {"annotations": {"team": "blue"}}),
    ({}, {"pdb": {"min_available": 1}}),
    ({}, {"progress_deadline_seconds": 5}),
    ({}, SCALED),
    (SCALED, {"hpa": {"min_replicas": 2, "max_replicas": 9, "cpu_percent": 50}}),
    (SCALED, {"hpa": None, "keda": {"triggers": [{"type": "cron", "metadata": {}}]}}),
    ({"explainer": {"type": "ALE"}}, {"explainer": {"type": "ALE", "replicas": 2}}),
    (CANARY, {"predictors": [{"name": "canary", "traffic": 60, "replicas": 3}]}),
]


@pytest.mark.parametrize(("before", "change"), BESIDE_PODS)
def test_what_is_beside_the_pods_leaves_their_revision(before: Object, change: Object) -> None:
    one, two = build(**before), build(**{**before, **change})

    assert one != two
    assert revisions(one) == revisions(two)


REACHES_PODS: list[Object] = [
    {"model_uri": "s3://m/2"},
    {"implementation": "XGBOOST_SERVER"},
    {"image": "mine:2"},
    {"protocol": "v2"},
    {"parameters": {"method": "predict"}},
    {"resources": {"limits": {"cpu": "1"}}},
    {"gpus": 1},
    {"env": {"A": "1"}},
    {"env_from_secrets": {"S": "s/k"}},
    {"liveness_probe": {"tcp_socket": {"port": 1}}},
    {"volumes": [CLAIM]},
    {"volumes": [CLAIM], "volume_mounts": [{**MOUNT, "mountPath": "/data"}]},
    {"node_selector": {"zone": "a"}},
    {"tolerations": [{"operator": "Exists"}]},
    {"affinity": {"pod_affinity": {}}},
    {"image_pull_secrets": ["registry"]},
    {"service_account_name": "reader"},
    {"termination_grace_period_seconds": 1},
    {"pod_labels": {"team": "blue"}},
    {"pod_annotations": {"team": "blue"}},
    {"secret_name": "creds"},
    {"storage_initializer_image": "mine/rclone:1"},
    {"orchestrator": "always"},
    {"logger": {}},
    {"ssl": {"cert_secret_name": "c"}},
    {"annotations": {"seldon.io/rest-timeout": "1"}},
]


@pytest.mark.parametrize("change", REACHES_PODS, ids=lambda change: "-".join(change))
def test_what_reaches_the_pods_is_a_new_revision(change: Object) -> None:
    assert revisions(build()) != revisions(build(**change))


def test_every_field_is_known_to_reach_the_pods_or_not() -> None:
    reach = {name for change in REACHES_PODS for name in change}
    beside = {name for _, change in BESIDE_PODS for name in change}
    others = {
        "model_name",  # another deployment
        "python_class", "code_path", "graph",  # other ways to serve, tested by themselves
        "readiness_probe", "startup_probe",  # as the third probe
        "svc_orch_spec", "explainer",  # bring the orchestrator in, or change what it has
        "overlay",  # as what it changes
    }  # fmt: skip

    assert reach | beside | others == set(DeploymentConfig.model_fields)


# Each by itself or with any of the others.
FRAGMENTS: list[Object] = [
    *REACHES_PODS,
    *(change for before, change in BESIDE_PODS if not before and change is not SCALED),
    {"gpus": 2, "resources": {"requests": {"memory": "1Gi"}}},
    {"explainer": {"type": "ALE", "model_uri": "s3://m/e"}},
    {"predictors": [{"name": "shadow", "shadow": True, "gpus": None, "env": {"C": "1"}}]},
    {"svc_orch_spec": {"resources": {"limits": {"cpu": "1"}}, "env": {"A": "1"}}},
    {"overlay": {"spec": {"predictors": [{"name": "default", "labels": {"a": "b"}}]}}},
]


@given(st.sets(st.sampled_from(range(len(FRAGMENTS))), max_size=8))
def test_any_fields_together_make_a_manifest_that_is_whole_valid_and_repeatable(
    chosen: set[int],
) -> None:
    fields: Object = {"volumes": [CLAIM]}
    for index in sorted(chosen):
        fields |= FRAGMENTS[index]

    manifest = build(**fields)

    assert check_schema(shared_schema(), manifest) == []
    assert unknown_fields(shared_schema(), manifest) == []
    assert prune(shared_schema(), manifest) == manifest
    assert check_admission(manifest) == []
    assert not [each for each in check_advice(manifest) if each.severity == "error"]
    assert json.dumps(build(**fields)) == json.dumps(manifest)
