"""Cases of advice on sizes, shares, budgets and methods: as in `advice_cases`."""

from __future__ import annotations

from typing import Any

from advice_cases import GRAPH, SEPARATE, of, shares
from sdep_samples import changed, custom_unit, deployment, pod, predictor, unit

Object = dict[str, Any]

TORCH = {"name": "MODEL_NAME", "value": "seldon_deployer.server.pytorch.PyTorchServer"}
METHOD = {"name": "method", "type": "STRING", "value": "predict"}
SERVER = {"name": "MODEL_NAME", "value": "seldon_deployer.server.sklearn.SKLearnServer"}
OURS = {"spec": {"containers": [{"name": "classifier", "image": "x", "env": [SERVER]}]}}
SEPARATE_POD = {SEPARATE: "true"}
BUDGET = {"pdbSpec": {"minAvailable": 1}}


def sized(amount: Any, kind: str = "limits", **spec: Any) -> Object:
    """Seldon's server for scikit-learn with that much memory; its image is the operator's."""
    served = {"name": "classifier", "resources": {kind: {"memory": amount}}}
    return of(unit(), {"spec": {"containers": [served]}}, **spec)


def ours(amount: str, *env: Object) -> Object:
    """A container of its own with that much memory."""
    obj = of(custom_unit(), pod("classifier"))
    where = ("spec", "predictors", 0, "componentSpecs", 0, "spec", "containers", 0)
    sizes = changed(obj, *where, "resources", to={"limits": {"memory": amount}})
    return changed(sizes, *where, "env", to=list(env))


def explained(**explainer: Any) -> Object:
    return deployment(predictor(explainer={"type": "ALE", **explainer}), replicas=1)


def in_pod(**fields: Any) -> Object:
    component = pod("m")
    return of(custom_unit("m"), {"spec": {**component["spec"], **fields}})


def container(**fields: Any) -> Object:
    return in_pod(containers=[{"name": "m", "image": "x", **fields}])


def sized_component(**fields: Any) -> Object:
    return of(custom_unit("m"), {**pod("m"), **fields})


POD = "spec.predictors[0].componentSpecs[0].spec"
HERE = "spec.predictors[0].componentSpecs[0]"
TERM = {"matchExpressions": [{"key": "zone", "operator": "Near", "values": ["a"]}]}
EXPRESSION = "matchExpressions[0]"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
MOUNTS = [
    {"name": name, "mountPath": f"/{name}"}
    for name in ("seldon-podinfo", "m-provision-location", "mine")
]

CASES: dict[str, tuple[list[tuple[Object, str]], list[Object]]] = {
    "refused-pod": (
        [
            (container(volumeMounts=MOUNTS), f"{POD}.containers[0].volumeMounts[2].name"),
            (in_pod(volumes=[{"name": "a", "emptyDir": {}, "secret": {}}]), f"{POD}.volumes[0]"),
            (
                in_pod(tolerations=[{"key": "a", "operator": "In"}]),
                f"{POD}.tolerations[0].operator",
            ),
            (
                in_pod(affinity={"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [TERM]}}}),
                f"{POD}.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].{EXPRESSION}.operator",
            ),
            (
                container(ports=[{"containerPort": 65536}]),
                f"{POD}.containers[0].ports[0].containerPort",
            ),
            (
                container(livenessProbe={"tcpSocket": {"port": 0}}),
                f"{POD}.containers[0].livenessProbe.tcpSocket.port",
            ),
        ],
        [
            container(volumeMounts=MOUNTS[:2]),
            in_pod(volumes=[{"name": "a", "emptyDir": {}, "secret": None}]),
            in_pod(tolerations=[{"key": "a", "operator": "Equal", "value": "b"}]),
            container(ports=[{"containerPort": 65535}]),
            container(livenessProbe={"tcpSocket": {"port": "http"}}),
        ],
    ),
    "refused-size": (
        [
            (sized_component(hpaSpec={"minReplicas": 3, "maxReplicas": 2}), f"{HERE}.hpaSpec"),
            (sized_component(hpaSpec={"maxReplicas": 0}), f"{HERE}.hpaSpec"),
            (
                sized_component(pdbSpec={"minAvailable": 1, "maxUnavailable": 1}),
                f"{HERE}.pdbSpec",
            ),
            (sized_component(replicas=-1), f"{HERE}.replicas"),
            (deployment(predictor(replicas=-1)), "spec.predictors[0].replicas"),
        ],
        [
            sized_component(hpaSpec={"minReplicas": 2, "maxReplicas": 2}, replicas=0),
            sized_component(pdbSpec={"maxUnavailable": 1}),
        ],
    ),
    "no-replicas": (
        [
            (deployment(), "spec.predictors[0].replicas"),
            (
                deployment(predictor(componentSpecs=[{**pod("a"), "replicas": 1}, pod("b")])),
                "spec.predictors[0].replicas",
            ),
            (
                of(unit(), annotations=SEPARATE_POD),
                "spec.predictors[0].svcOrchSpec.replicas",
            ),
            (explained(), "spec.predictors[0].explainer.replicas"),
        ],
        [
            deployment(replicas=0),
            explained(replicas=0),
            deployment(
                predictor(svcOrchSpec={"replicas": 1}),
                replicas=1,
                annotations=SEPARATE_POD,
            ),
            deployment(predictor(replicas=1)),
            deployment(predictor(componentSpecs=[{**pod("a"), "replicas": 1}])),
            deployment(predictor(componentSpecs=[{**pod("a"), "hpaSpec": {"maxReplicas": 2}}])),
        ],
    ),
    "traffic-of-shadow": (
        [(shares(100, 0, shadow=True), "spec.predictors[1].traffic")],
        [shares(100, 10, shadow=True), shares(100, None, shadow=True), shares(100, 0)],
    ),
    "server-memory": (
        [
            (sized("100Mi"), f"{GRAPH}.name"),
            (sized(1000), f"{GRAPH}.name"),
            (sized("100Mi", "requests"), f"{GRAPH}.name"),
            (sized("100M", protocol="v2"), f"{GRAPH}.name"),
            (ours("200Mi", TORCH), f"{GRAPH}.name"),
        ],
        [
            sized("1Gi"),
            sized("150Mi", protocol="v2"),
            sized("1e9"),
            ours("1Gi", TORCH),
            # What an image of unknown make takes, nobody measured.
            ours("10Mi"),
            ours("10Mi", {"name": "MODEL_NAME", "value": "mine.Model"}),
            of(unit()),
        ],
    ),
    "method-under-v2": (
        [
            (
                of(unit(parameters=[METHOD]), protocol="v2"),
                f"{GRAPH}.parameters[0]",
            ),
            (
                of(custom_unit(parameters=[METHOD]), OURS, protocol="v2"),
                f"{GRAPH}.parameters[0]",
            ),
        ],
        [
            of(unit(parameters=[METHOD])),
            of(unit(parameters=[{**METHOD, "name": "other"}]), protocol="v2"),
            of(custom_unit(parameters=[METHOD]), OURS),
            # Code of one's own reads what it likes.
            of(custom_unit(parameters=[METHOD]), protocol="v2"),
        ],
    ),
    "several-budgets": (
        [
            (
                of(
                    custom_unit("a", children=[custom_unit("b")]),
                    {**pod("a"), **BUDGET},
                    {**pod("b"), **BUDGET},
                ),
                "spec.predictors[0].componentSpecs[1].pdbSpec",
            ),
            (
                deployment(
                    predictor("a", custom_unit(), componentSpecs=[{**pod("classifier"), **BUDGET}]),
                    predictor("b", custom_unit(), componentSpecs=[{**pod("classifier"), **BUDGET}]),
                    replicas=1,
                ),
                "spec.predictors[1].componentSpecs[0].pdbSpec",
            ),
        ],
        [
            of(
                custom_unit("a", children=[custom_unit("b")]),
                pod("a"),
                {**pod("b"), **BUDGET},
            )
        ],
    ),
}
