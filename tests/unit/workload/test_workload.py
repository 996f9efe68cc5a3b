"""Parts of pods: read in either spelling, kept as written, refused with a reason.

Whether Kubernetes agrees is for tests/contract/test_pod_rules.py.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from seldon_deployer.quantity import read_quantity
from seldon_deployer.workload import (
    HPA,
    PDB,
    Affinity,
    Keda,
    Probe,
    SecretKey,
    Toleration,
    Value,
    Volume,
    VolumeMount,
    check_mounts,
    env_variables,
)
from seldon_deployer.workload.affinity import LabelRequirement, NodeRequirement
from seldon_deployer.workload.environment import read_variables
from seldon_deployer.workload.rules import check_resources

TRIGGER = {"type": "cron", "metadata": {}}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
AVERAGE = {"type": "AverageValue", "averageValue": "1"}


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (Toleration, {"key": "gpu", "operator": "Exists", "effect": "NoExecute"}),
        (Toleration, {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0}),
        (Affinity, {"podAffinity": {REQUIRED: []}}),
        (Affinity, {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{}]}}}),
        (Volume, {"name": "models", "persistentVolumeClaim": {"claimName": "c"}}),
        (Volume, {"name": "info", "downwardAPI": {"items": []}}),
        (Volume, {"name": "empty"}),
        (VolumeMount, {"name": "m", "mountPath": "/m", "readOnly": True, "subPath": "a/b"}),
        (Probe, {"httpGet": {"path": "/", "port": "http", "scheme": "HTTPS"}, "periodSeconds": 1}),
        (Probe, {"exec": {"command": ["true"]}, "initialDelaySeconds": 3}),
        (Keda, {"triggers": [TRIGGER], "minReplicaCount": 2, "idleReplicaCount": 1}),
        (PDB, {"maxUnavailable": "25%"}),
        (PDB, {"minAvailable": 0}),
    ],
)
def test_kubernetes_own_words_are_kept_as_they_are(kind: type[Value], written: Any) -> None:
    assert kind.model_validate(written).to_object() == written


def test_python_spelling_says_the_same() -> None:
    python = Volume(name="m", persistent_volume_claim={"claimName": "c"})  # type: ignore[call-arg]

    assert python == Volume.model_validate(
        {"name": "m", "persistentVolumeClaim": {"claimName": "c"}}
    )
    assert python.claim == "c"
    assert VolumeMount(name="m", mount_path="/m").to_object() == {"name": "m", "mountPath": "/m"}


@pytest.mark.parametrize(
    ("kind", "written", "message"),
    [
        (Toleration, {}, "operator is Exists"),
        (Toleration, {"key": "a", "operator": "Exists", "value": "b"}, "there is no value"),
        (Toleration, {"key": "a", "tolerationSeconds": 1}, "of the effect NoExecute alone"),
        (Toleration, {"key": "a", "value": "b c"}, "value: 'b c' is no label value"),
        (Toleration, {"key": "a", "seconds": 1}, "Extra inputs are not permitted"),
        (Toleration, {"key": "a", "tolerationSeconds": 1, "toleration_seconds": 1}, "given twice"),
        (Affinity, {"nodeAffinity": {"required": {}}}, "required"),
        (Affinity, {"podAffinity": {REQUIRED: [{"topologyKey": "a b"}]}}, "'a b' is no key"),
        (Affinity, {"podAffinity": {REQUIRED: [{}]}}, "topology_key"),
        (Affinity, {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": []}}}, "at least 1 item"),
        (Affinity, {"nodeAffinity": {REQUIRED: {"nodeSelectorTerm": [{}]}}}, "nodeSelectorTerm"),
        (Affinity, {"nodeAffinity": {PREFERRED: [{"weight": 0, "preference": {}}]}}, "weight"),
        (LabelRequirement, {"key": "a", "operator": "In"}, "operator In there is one at least"),
        (NodeRequirement, {"key": "a", "operator": "Gt", "values": []}, "there is one value"),
        (Volume, {"name": "a", "emptyDir": {}, "secret": {}}, "emptyDir and secret are given"),
        (Volume, {"name": "a", "disk": {}}, "'disk' is no kind of volume"),
        (Volume, {"name": "A"}, "'A' is no name"),
        (VolumeMount, {"name": "a", "mountPath": "/a", "subPath": "../b"}, "no relative path"),
        (VolumeMount, {"name": "a", "mountPath": ""}, "at least 1 character"),
        (Probe, {}, "none is given"),
        (Probe, {"tcpSocket": {"port": 1}, "grpc": {"port": 1}}, "tcp_socket and grpc are given"),
        (Probe, {"tcpSocket": {"port": "HTTP"}}, "'HTTP' is no name of a port"),
        (Probe, {"tcpSocket": {"port": 0}}, "0 is no port"),
        (HPA, {"maxReplicas": 1, "minReplicas": 2}, "max_replicas 1 is less than min_replicas 2"),
        (HPA, {"maxReplicas": 1, "metrics": [{"type": "CPU"}]}, "0.type: 'CPU' is none of"),
        (HPA, {"maxReplicas": 1, "metrics": [{"type": "Pods"}]}, "type Pods has the field pods"),
        (HPA, {"maxReplicas": 1, "metrics": [{"type": "Pods", "pods": {}}]}, "has no target"),
        (Keda, {"triggers": []}, "at least 1 item"),
        (Keda, {"triggers": [TRIGGER], "minReplicaCount": 200}, "is less than min_replica_count"),
        (Keda, {"triggers": [TRIGGER], "idleReplicaCount": 0}, "not below min_replica_count 0"),
        (PDB, {}, "and not both"),
        (PDB, {"minAvailable": 1, "maxUnavailable": 1}, "and not both"),
        (PDB, {"minAvailable": "150%"}, "'150%' is neither a number nor a percentage"),
        (SecretKey, "creds", "'creds' is not of the form SECRET/KEY"),
        (SecretKey, {"secret": "A", "key": "k"}, "'A' is no name of a Kubernetes object"),
        (SecretKey, {"secret": "a", "key": "a/b"}, "'a/b' is no key of a Secret"),
    ],
)
def test_a_wrong_part_is_refused_with_its_reason(
    kind: type[Value], written: Any, message: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        kind.model_validate(written)

    assert message in str(caught.value)


def test_an_autoscalers_shares_become_metrics_before_the_others() -> None:
    metric = {"type": "External", "external": {"metric": {"name": "q"}, "target": AVERAGE}}
    asked = HPA(max_replicas=5, cpu_percent=70, memory_percent=80, metrics=(metric,))

    spec = asked.to_object()

    assert spec["minReplicas"] == 1
    assert [each["type"] for each in spec["metricsv2"]] == ["Resource", "Resource", "External"]
    target = {"type": "Utilization", "averageUtilization": 80}
    assert spec["metricsv2"][1]["resource"] == {"name": "memory", "target": target}
    assert HPA(max_replicas=5).to_object() == {"minReplicas": 1, "maxReplicas": 5}


def test_a_probe_may_not_say_what_is_of_another_kind() -> None:
    probe = Probe.model_validate({"tcpSocket": {"port": 1}, "successThreshold": 2})

    assert probe.check_as("readiness") is probe
    with pytest.raises(ValueError, match="success_threshold of a liveness probe is 1"):
        probe.check_as("liveness")


def test_mounts_need_their_volumes_and_paths_of_their_own() -> None:
    models, mount = Volume(name="models"), VolumeMount(name="models", mount_path="/m")

    check_mounts((models,), (mount,))
    with pytest.raises(ValueError, match="there is no volume 'models'"):
        check_mounts((), (mount,))
    with pytest.raises(ValueError, match="/m is mounted twice"):
        check_mounts((models,), (mount, mount))
    with pytest.raises(ValueError, match="the name 'models' is used twice"):
        check_mounts((models, models), ())


def test_variables_read_from_a_list_are_written_as_one() -> None:
    reference = {"secretKeyRef": {"name": "db", "key": "password", "optional": True}}
    written = [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": reference}]

    plain, references = read_variables(written)

    secrets = {name: SecretKey.model_validate(value) for name, value in references.items()}
    assert env_variables(plain, secrets) == written


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ([{"value": "1"}], "a variable has a name"),
        (["A=1"], "a variable has a name"),
        ([{"name": "A"}, {"name": "A"}], "A is given twice"),
        ([{"name": "A", "valueFrom": {"fieldRef": {}}}], "use the overlay"),
    ],
)
def test_variables_of_other_sources_are_refused(written: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_variables(written)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("500m", "0.5"), ("1Gi", 2**30), ("1e3", 1000), ("1k", 1000), ("2n", "2e-9"), ("1E", 10**18)],
)
def test_quantities_are_read_as_kubernetes_reads_them(text: str, amount: Any) -> None:
    assert read_quantity(text) == Decimal(amount)


@given(st.integers(0, 10**6), st.sampled_from(["m", "", "k", "Ki", "Mi", "G"]), st.integers(0, 9))
def test_more_is_more_in_any_unit(number: int, unit: str, more: int) -> None:
    assert read_quantity(f"{number + more}{unit}") >= read_quantity(f"{number}{unit}")


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"cpu": {}}, "'cpu' is neither requests nor limits"),
        ({"limits": {"cpu": "half"}}, "limits.cpu: 'half' is no quantity such as 500m"),
        ({"limits": {"cpu": "-1"}}, "limits.cpu: -1 is less than 0"),
        ({"limits": {"gpu": "1"}}, "'gpu' is none of cpu, memory, ephemeral-storage"),
        ({"limits": {"nvidia.com/gpu": "500m"}}, "500m is no whole number"),
        ({"requests": {"nvidia.com/gpu": "1"}}, "the request is the limit"),
        ({"requests": {"cpu": "2"}, "limits": {"cpu": "1500m"}}, "2 is more than its limit 1500m"),
    ],
)
def test_amounts_that_cannot_be_are_refused(resources: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_resources(resources)
