"""Which fields are whose, read from managedFields as the API server writes them."""

from __future__ import annotations

from seldon_deployer.manifest.ownership import (
    describe_held,
    held_fields,
    other_owners,
    owned_fields,
    shared_fields,
)

OURS = {
    "manager": "seldon-deployer",
    "operation": "Apply",
    "fieldsV1": {
        "f:metadata": {"f:labels": {"f:app": {}}, "f:annotations": {"f:a/b": {}}},
        "f:spec": {"f:predictors": {}, "f:protocol": {}},
    },
}
KUBECTL = {
    "manager": "kubectl",
    "operation": "Update",
    "subresource": "scale",
    "fieldsV1": {"f:spec": {"f:replicas": {}}},
}
OPERATOR = {
    "manager": "manager",
    "operation": "Update",
    "subresource": "status",
    "fieldsV1": {"f:status": {".": {}, "f:state": {}}},
}
LIVE = {
    "apiVersion": "v1",
    "kind": "X",
    "metadata": {
        "name": "iris",
        "namespace": "d",
        "uid": "u",
        "resourceVersion": "7",
        "labels": {"app": "iris", "theirs": "x"},
        "annotations": {"a/b": "c", "other": "d"},
        "managedFields": [OURS, KUBECTL, OPERATOR],
    },
    "spec": {"predictors": [{"name": "default"}], "protocol": "seldon", "replicas": 3},
    "status": {"state": "Available"},
}


def test_takes_what_we_applied_and_nothing_else():
    assert owned_fields(LIVE, "seldon-deployer") == {
        "apiVersion": "v1",
        "kind": "X",
        "metadata": {
            "name": "iris",
            "namespace": "d",
            "labels": {"app": "iris"},
            "annotations": {"a/b": "c"},
        },
        "spec": {"predictors": [{"name": "default"}], "protocol": "seldon"},
    }


def test_takes_nothing_where_we_applied_nothing():
    assert owned_fields(LIVE, "somebody") == {
        "apiVersion": "v1",
        "kind": "X",
        "metadata": {"name": "iris", "namespace": "d"},
    }


def test_leaves_out_what_is_gone_since():
    live = LIVE | {"spec": {"replicas": 3}}
    assert owned_fields(live, "seldon-deployer")["spec"] == {}


def test_names_the_other_owners_of_a_field():
    assert other_owners(LIVE, ("spec", "replicas"), "seldon-deployer") == [
        "kubectl (through scale)"
    ]
    assert other_owners(LIVE, ("spec", "replicas"), "kubectl") == []
    assert other_owners(LIVE, ("spec", "protocol"), "seldon-deployer") == []
    assert other_owners({"metadata": {}}, ("spec",), "x") == []


ARGO = {
    "manager": "argocd-controller",
    "operation": "Apply",
    "fieldsV1": {
        "f:metadata": {
            "f:annotations": {".": {}, "f:a/b": {}},
            "f:ownerReferences": {".": {}, 'k:{"uid":"u"}': {}},
        },
        "f:spec": {"f:predictors": {}},
    },
}


def test_others_hold_what_they_asked_for_and_no_status():
    head = {"managedFields": [OURS, KUBECTL, OPERATOR, ARGO]}
    assert held_fields({"metadata": head}, "seldon-deployer") == {
        (".spec.replicas", "kubectl (through scale)"),
        (".metadata.annotations.a/b", "argocd-controller"),
        (".metadata.ownerReferences", "argocd-controller"),
        (".spec.predictors", "argocd-controller"),
    }
    assert shared_fields({"metadata": head}, "seldon-deployer") == {
        (".metadata.annotations.a/b", "argocd-controller"),
        (".spec.predictors", "argocd-controller"),
    }
    assert held_fields({"metadata": {}}, "seldon-deployer") == set()


def test_fields_are_told_by_manager():
    held = held_fields({"metadata": {"managedFields": [KUBECTL, ARGO]}}, "seldon-deployer")
    assert describe_held(held) == (
        ".metadata.annotations.a/b, .metadata.ownerReferences, .spec.predictors of "
        "argocd-controller; .spec.replicas of kubectl (through scale)"
    )
