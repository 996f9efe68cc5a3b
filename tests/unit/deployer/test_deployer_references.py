"""Which Secrets and models a SeldonDeployment names: found wherever they stand, and only there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.deployer.references import (
    ModelReference,
    SecretReference,
    model_references,
    secret_references,
    storage_secrets,
)

# Each way that Kubernetes and Seldon name the Secret `s`, as a part of a pod or a predictor.
POD = {
    "env": {"containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}]},
    "envFrom": {"initContainers": [{"envFrom": [{"secretRef": {"name": "s"}}]}]},
    "volume": {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
    "projected": {"volumes": [{"projected": {"sources": [{"secret": {"name": "s"}}]}}]},
    "csi": {"volumes": [{"csi": {"nodePublishSecretRef": {"name": "s"}}}]},
    "pull": {"imagePullSecrets": [{"name": "s"}]},
}


def sdep(predictor=None, pod=None, **unit):
    graph = {"name": "u", **unit}
    component = {"spec": pod or {}}
    return {
        "spec": {
            "predictors": [
                {"name": "p", "graph": graph, "componentSpecs": [component], **(predictor or {})}
            ]
        }
    }


@given(kinds=st.sets(st.sampled_from(sorted(POD))))
def test_every_place_in_a_pod_is_found(kinds):
    for kind in kinds:
        [found] = secret_references(sdep(pod=POD[kind]))
        assert found.name == "s"
        assert not found.is_storage
        assert found.field.startswith("spec.predictors[0].componentSpecs[0].spec.")
    joined = sdep(pod={key: value for kind in kinds for key, value in POD[kind].items()})
    assert {each.name for each in secret_references(joined)} == ({"s"} if kinds else set())


def test_the_initializers_secrets_are_the_storage_secrets():
    child = {"name": "c", "envSecretRefName": "of-child"}
    explainer = {"type": "ALE", "envSecretRefName": "of-explainer"}
    whole = sdep(
        {"explainer": explainer, "ssl": {"certSecretName": "tls"}},
        POD["env"],
        envSecretRefName="of-root",
        children=[child],
    )
    assert storage_secrets(whole) == {"of-root", "of-child", "of-explainer"}
    assert {each.name for each in secret_references(whole)} == {
        "of-root", "of-child", "of-explainer", "tls", "s",
    }  # fmt: skip


def test_a_key_and_what_pods_start_without_are_told():
    optional = {"secretRef": {"name": "s", "optional": True}}
    found = secret_references(sdep(pod={"containers": [{"envFrom": [optional]}]}))
    assert [each.is_optional for each in found] == [True]
    [key] = secret_references(sdep(pod=POD["env"]))
    assert key == SecretReference(
        "spec.predictors[0].componentSpecs[0].spec.containers[0].env[0].valueFrom.secretKeyRef.name",
        "s",
        "k",
    )


def test_nothing_is_found_where_nothing_is_named():
    odd = sdep(pod={"containers": [{"env": [{"name": "secretName", "value": "x"}]}]})
    assert secret_references(odd) == []
    assert secret_references({}) == []
    assert storage_secrets(sdep(envSecretRefName="")) == set()


def test_models_are_told_with_what_fetches_them():
    whole = sdep(
        {"explainer": {"modelUri": "s3://b/e", "envSecretRefName": "es"}},
        modelUri="s3://b/m",
        implementation="SKLEARN_SERVER",
        serviceAccountName="sa",
        children=[{"name": "c", "modelUri": "gs://b/c"}, {"name": "d"}],
    )
    assert model_references(whole) == [
        ModelReference(
            "spec.predictors[0].graph.modelUri", "s3://b/m", None, "sa", "SKLEARN_SERVER"
        ),
        ModelReference("spec.predictors[0].graph.children[0].modelUri", "gs://b/c"),
        ModelReference("spec.predictors[0].explainer.modelUri", "s3://b/e", "es"),
    ]
