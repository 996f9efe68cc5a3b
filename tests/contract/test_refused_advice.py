"""What advice calls refused, Kubernetes refuses as a Deployment, an autoscaler or a budget."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from client import Client

from seldon_deployer.manifest.advice import check_advice

pytestmark = pytest.mark.cluster

Object = dict[str, Any]

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "m"}
NEAR = {"matchExpressions": [{"key": "zone", "operator": "Near", "values": ["a"]}]}
NODES = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [NEAR]}}
MOUNT = {"name": "v", "mountPath": "/v"}
FOLDER = {"name": "v", "emptyDir": {}}


def component(*, pod: Object | None = None, **said: Any) -> Object:
    """A component of one container, with fields of the pod, the container or the component."""
    sizes = {name: said.pop(name) for name in ("hpaSpec", "pdbSpec", "replicas") if name in said}
    spec = {"containers": [{"name": "m", "image": "mine:1", **said}], **(pod or {})}
    return {"spec": spec, **sizes}


@pytest.fixture
def real(real_end):
    opened = Client(real_end)
    yield opened
    opened.close()


def is_advised_against(said: Object) -> bool:
    predictor = {"name": "p", "graph": {"name": "m"}, "componentSpecs": [said]}
    obj = {"metadata": {"name": "iris"}, "spec": {"predictors": [predictor]}}
    return any(each.rule.startswith("refused-") for each in check_advice(obj))


def is_refused(real: Client, said: Object) -> bool:
    labels = {"app": "iris"}
    template = {"metadata": {"labels": labels}, "spec": said["spec"]}
    size = {"replicas": said.get("replicas", 1)}
    made = [
        (
            "apps/v1",
            "Deployment",
            {"selector": {"matchLabels": labels}, "template": template, **size},
        )
    ]
    if "hpaSpec" in said:
        spec = {"scaleTargetRef": TARGET, **said["hpaSpec"]}
        made.append(("autoscaling/v2", "HorizontalPodAutoscaler", spec))
    if "pdbSpec" in said:
        spec = {"selector": {"matchLabels": labels}, **said["pdbSpec"]}
        made.append(("policy/v1", "PodDisruptionBudget", spec))
    answers = []
    for version, kind, spec in made:
        name = f"m-{secrets.token_hex(4)}"
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
        path = f"/apis/{version}/namespaces/default/{kind.lower()}s"
        answers.append(real.post(path, body, dryRun="All"))
    assert {each.status for each in answers} <= {201, 422}, answers
    return any(each.status == 422 for each in answers)


REFUSED: list[Object] = [
    component(volumeMounts=[MOUNT]),
    component(volumeMounts=[MOUNT], pod={"volumes": [{**FOLDER, "name": "w"}]}),
    component(pod={"volumes": [{**FOLDER, "secret": {"secretName": "s"}}]}),
    component(pod={"tolerations": [{"key": "gpu", "operator": "In"}]}),
    component(pod={"affinity": {"nodeAffinity": NODES}}),
    component(ports=[{"containerPort": 65536}]),
    component(ports=[{"containerPort": 0}]),
    component(livenessProbe={"tcpSocket": {"port": 65536}}),
    component(hpaSpec={"minReplicas": 3, "maxReplicas": 2}),
    component(hpaSpec={"maxReplicas": 0}),
    component(pdbSpec={"minAvailable": 1, "maxUnavailable": 1}),
    component(replicas=-1),
]
TAKEN: list[Object] = [
    component(volumeMounts=[MOUNT], pod={"volumes": [FOLDER]}),
    component(pod={"tolerations": [{"key": "gpu", "operator": "Exists"}]}),
    component(ports=[{"containerPort": 65535}], livenessProbe={"tcpSocket": {"port": 1}}),
    component(hpaSpec={"minReplicas": 2, "maxReplicas": 2}),
    component(pdbSpec={"maxUnavailable": 1}, replicas=0),
]


@pytest.mark.parametrize("said", [*REFUSED, *TAKEN])
def test_advice_and_kubernetes_agree_on_what_is_refused(real, said):
    assert is_advised_against(said) == is_refused(real, said) == (said in REFUSED)
