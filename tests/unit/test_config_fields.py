"""What the fields of a configuration say together, and how a configuration is parted."""

from __future__ import annotations

from typing import Any

import pytest

from seldon_deployer.config import DeploymentConfig, Part, parse_config, parts, predictor_configs
from seldon_deployer.errors import ConfigError
from seldon_deployer.graph import Combiner, Model, Transformer

MODEL = {"model_name": "iris", "model_uri": "s3://m/1", "implementation": "SKLEARN_SERVER"}
CLAIM = {"name": "models", "persistentVolumeClaim": {"claimName": "models"}}
MOUNT = {"name": "models", "mountPath": "/mnt/models"}
HPA = {"maxReplicas": 3}
KEDA = {"triggers": [{"type": "cron", "metadata": {}}]}
A = Model("a", model_uri="s3://m/a")
B = Model("b", model_uri="s3://m/b", own_pod=True)
PAIR = Combiner("pair", [A, B], image="me/pair:1")


def whole(**fields: Any) -> dict[str, Any]:
    return {"model_name": "iris", "graph": PAIR, **fields}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hpa": HPA, "keda": KEDA}, "hpa and keda are two autoscalers"),
        ({"hpa": HPA, "replicas": 2}, "hpa decides how many replicas there are"),
        ({"keda": KEDA, "replicas": 1}, "keda decides how many replicas there are"),
        (
            {"gpus": 1, "resources": {"limits": {"nvidia.com/gpu": "1"}}},
            "gpus and resources both say nvidia.com/gpu",
        ),
        (
            {"env": {"A": "1"}, "env_from_secrets": {"A": "s/k"}},
            "env_from_secrets: A is in env too",
        ),
        ({"env_from_secrets": {"A B": "s/k"}}, "'A B' is no name of an environment variable"),
        ({"volume_mounts": [MOUNT]}, "there is no volume 'models'"),
        ({"volumes": [CLAIM], "volume_mounts": [MOUNT]}, "/mnt/models is where the model"),
        (
            {"volumes": [CLAIM], "volume_mounts": [{**MOUNT, "mountPath": "/etc/podinfo"}]},
            "/etc/podinfo is where Seldon's operator mounts",
        ),
        ({"volumes": [{"name": "seldon-podinfo"}]}, "'seldon-podinfo' is Seldon's operator's"),
        ({"orchestrator": "never", "logger": {}}, "logger is the orchestrator's"),
        (
            {"orchestrator": "never", "ssl": {"certSecretName": "c"}},
            "ssl is the orchestrator's, and orchestrator is never",
        ),
        ({"svc_orch_spec": {"replicas": 2}}, "svc_orch_spec.replicas are of a pod of its own"),
        ({"logger": {"url": "broker"}}, "logger.url: 'broker' is no address"),
        ({"logger": {"mode": "some"}}, "logger.mode: "),
        ({"explainer": {"type": "Lime"}}, "explainer.type: "),
        ({"image_pull_secrets": ["A"]}, "image_pull_secrets.0: 'A' is no name"),
        ({"pod_labels": {"app": "x"}}, "pod_labels: app is Seldon's operator's to write"),
        ({"pod_labels": {"seldon.io/model": "x"}}, "seldon.io/model is Seldon's operator's"),
        (
            {"annotations": {"seldon.io/engine-separate-pod": "true"}},
            'is written by orchestrator="separate"',
        ),
        ({"nodeSelector": {"a": "b c"}}, "node_selector: a: 'b c' is no label value"),
        ({"readinessProbe": {"exec": {"command": []}}}, "readiness_probe.exec.command: "),
        ({"predictors": [{"name": "default", "traffic": 1}]}, "predictors.0: name: 'default' is"),
        ({"predictors": [{"name": "b"}]}, "predictors.0: traffic: give its share"),
        (
            {"predictors": [{"name": "b", "traffic": 1}, {"name": "b", "traffic": 1}]},
            "the name 'b' is used twice",
        ),
        (
            {"predictors": [{"name": "b", "traffic": 60}, {"name": "c", "traffic": 41}]},
            "their traffic is 101 percent together",
        ),
        (
            {"predictors": [{"name": "b", "shadow": True}, {"name": "c", "shadow": True}]},
            "there is one shadow at most",
        ),
        (
            {"predictors": [{"name": "b", "shadow": True, "traffic": 0}]},
            "predictors.0: traffic: a shadow gets copies of 1 to 100 percent",
        ),
        (
            {"predictors": [{"name": "b", "traffic": 1, "env": {"A B": "1"}}]},
            "predictors.0.env: 'A B' is no name",
        ),
        (
            {"hpa": HPA, "predictors": [{"name": "b", "traffic": 1, "replicas": 2}]},
            "predictors.0: hpa decides how many",
        ),
        ({"graph": PAIR}, "model_uri is of one model, and there is a graph"),
    ],
)
def test_what_contradicts_itself_is_an_error_that_names_it(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(**{**MODEL, **fields})

    assert message in caught.value.why


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"gpus": 1}, "gpus is of one model"),
        ({"parameters": {"a": 1}}, "parameters is of one model"),
        ({"orchestrator": "never"}, "a graph of several units needs the orchestrator"),
        ({"graph": B, "hpa": HPA}, "every unit of the graph has a pod of its own"),
        (
            {
                "pdb": {"minAvailable": 1},
                "graph": Model("c", model_uri="s3://m/c", own_pod=True, pdb={"maxUnavailable": 1}),
            },
            "a budget covers all pods of the deployment",
        ),
    ],
)
def test_what_contradicts_a_graph_is_an_error(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(**whole(**fields))

    assert message in caught.value.why


def test_fields_are_read_in_kubernetes_spelling_too() -> None:
    pasted = {"nodeSelector": {"zone": "a"}, "serviceAccountName": "reader"}

    config = parse_config(**MODEL, **pasted)

    assert (config.node_selector, config.service_account_name) == ({"zone": "a"}, "reader")
    with pytest.raises(ConfigError, match="node_selector is given twice"):
        parse_config(**MODEL, **pasted, node_selector={})


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/mnt/models", True),
        ("/mnt/models/iris/1", True),
        ("/mnt/models-2/iris", False),
        ("/srv/iris", False),
        ("s3://mnt/models", False),
        ("file:///mnt/models", False),
    ],
)
def test_a_path_below_a_mount_is_on_the_volume(uri: str, expected: bool) -> None:
    mount = {**MOUNT, "mountPath": "/mnt/models"}
    config = DeploymentConfig(
        model_name="iris", image="mine:1", volumes=[CLAIM], volume_mounts=[mount]
    )

    assert config.holds_on_volume(uri) is expected


def test_another_predictor_is_as_the_default_one_where_it_says_nothing() -> None:
    config = parse_config(
        **MODEL,
        env={"A": "1"},
        gpus=1,
        predictors=[
            {"name": "newer", "traffic": 10, "model_uri": "s3://m/2", "replicas": 4},
            {"name": "own", "traffic": 10, "python_class": "m.C", "env": {"B": "2"}},
            {"name": "plain", "shadow": True, "gpus": None, "graph": PAIR},
        ],
    )

    alone = dict(predictor_configs(config))

    assert list(alone) == ["default", "newer", "own", "plain"]
    newer, own, plain = alone["newer"], alone["own"], alone["plain"]
    assert (newer.model_uri, newer.implementation, newer.env, newer.replicas) == (
        "s3://m/2", "SKLEARN_SERVER", {"A": "1"}, 4,
    )  # fmt: skip
    assert (own.model_uri, own.implementation, own.python_class) == ("s3://m/1", None, "m.C")
    assert own.env == {"B": "2"}
    assert (plain.graph, plain.model_uri, plain.gpus) == (PAIR, None, 0)
    assert all(not each.predictors for name, each in alone.items() if name != "default")


def test_every_unit_of_every_predictor_is_a_part_that_is_found_by_itself() -> None:
    graph = Transformer("scale", python_class="m.Scale", code_path="/code") >> PAIR
    config = parse_config(
        **whole(graph=graph, protocol="v2", secret_name="creds"),
        predictors=[{"name": "one", "traffic": 1, "model_uri": "s3://m/1"}],
    )

    found = parts(config)

    assert list(found) == [
        Part("default", "scale"),
        Part("default", "pair"),
        Part("default", "a"),
        Part("default", "b"),
        Part("one", "iris"),
    ]
    assert found[Part("default", "scale")].python_class == "m.Scale"
    assert found[Part("default", "a")].model_uri == "s3://m/a"
    assert found[Part("one", "iris")].model_uri == "s3://m/1"
    assert {each.protocol for each in found.values()} == {"v2"}
    assert {each.secret_name for each in found.values()} == {"creds"}


def test_a_single_model_is_its_own_only_part() -> None:
    config = parse_config(**MODEL)

    assert parts(config) == {Part("default", "iris"): config}


@pytest.mark.parametrize("kind", ["requests", "limits"])
@pytest.mark.parametrize(("size", "text"), [(2, "2"), (0.5, "0.5"), ("500m", "500m")])
def test_amounts_may_be_numbers_as_in_kubernetes(kind: str, size: Any, text: str) -> None:
    config = parse_config(**MODEL, resources={kind: {"cpu": size}})
    unit = Model("a", model_uri="s3://m/a", resources={kind: {"cpu": size}})

    assert config.resources == {kind: {"cpu": text}}
    assert unit.resources == {kind: {"cpu": text}}


def test_true_is_no_amount() -> None:
    with pytest.raises(ConfigError, match=r"resources.limits.cpu: must be text"):
        parse_config(**MODEL, resources={"limits": {"cpu": True}})
