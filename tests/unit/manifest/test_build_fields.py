"""Where each field of a configuration goes in the manifest."""

from __future__ import annotations

from typing import Any

import pytest
from building import CLAIM, MODEL, MOUNT, ON_VOLUME, build, component, container, predictor

from seldon_deployer.catalogue import OUR_IMAGE
from seldon_deployer.config import Part, parse_config, parts
from seldon_deployer.errors import ConfigError
from seldon_deployer.graph import Combiner, Model, OutputTransformer, Transformer
from seldon_deployer.manifest.advice import check_advice
from seldon_deployer.manifest.build import needs_orchestrator
from seldon_deployer.manifest.revision import revisions

Object = dict[str, Any]


def test_a_server_of_ours_is_its_image_and_class_and_the_operator_fetches_the_model() -> None:
    manifest = build(implementation="LIGHTGBM_SERVER", env={"SERVICE_TYPE": "MINE", "A": "1"})

    assert predictor(manifest)["graph"] == {
        "name": "iris",
        "type": "MODEL",
        "modelUri": "s3://m/1",
    }
    assert container(manifest)["image"] == OUR_IMAGE
    assert container(manifest)["env"] == [
        {"name": "MODEL_NAME", "value": "seldon_deployer.server.lightgbm.LightGBMServer"},
        {"name": "A", "value": "1"},
        {"name": "SERVICE_TYPE", "value": "MINE"},
    ]
    assert container(manifest)["readinessProbe"]["httpGet"]["path"] == "/health/status"


def test_a_model_on_a_volume_is_told_to_seldons_server_as_its_parameter() -> None:
    manifest = build(**ON_VOLUME, parameters={"method": "predict"})

    assert predictor(manifest)["graph"] == {
        "name": "iris",
        "type": "MODEL",
        "parameters": [
            {"name": "method", "value": "predict", "type": "STRING"},
            {"name": "model_uri", "value": "/mnt/models/iris", "type": "STRING"},
        ],
    }
    assert container(manifest)["image"] == "seldonio/sklearnserver:1.17.1"
    assert container(manifest)["volumeMounts"] == [MOUNT]
    assert component(manifest)["spec"]["volumes"] == [CLAIM]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"protocol": "v2"}, {"MLSERVER_MODEL_IMPLEMENTATION": "mlserver_sklearn.SKLearnModel"}),
        ({"implementation": "ONNX_SERVER"}, {"SERVICE_TYPE": "MODEL"}),
    ],
)
def test_a_model_on_a_volume_is_told_to_other_servers_in_their_environment(
    fields: Object, told: Object
) -> None:
    manifest = build(**{**ON_VOLUME, **fields})

    env = {each["name"]: each["value"] for each in container(manifest)["env"]}
    assert env.items() >= {**told, "MLSERVER_MODEL_URI": "/mnt/models/iris"}.items()
    assert predictor(manifest)["graph"].keys() == {"name", "type"}


@pytest.mark.parametrize("server", ["TENSORFLOW_SERVER", "TRITON_SERVER", "HUGGINGFACE_SERVER"])
def test_a_server_that_cannot_be_told_of_a_volume_is_an_error(server: str) -> None:
    protocol = "seldon" if server == "TENSORFLOW_SERVER" else "v2"

    with pytest.raises(ConfigError, match=f"{server} cannot be told of a model at /mnt/models"):
        build(**{**ON_VOLUME, "implementation": server, "protocol": protocol})


def test_a_server_that_looks_nowhere_by_itself_is_told_where_its_model_lies() -> None:
    asked = {"implementation": "HUGGINGFACE_SERVER", "protocol": "v2"}

    found = predictor(build(**asked, parameters={"task": "fill-mask"}))["graph"]["parameters"]
    own = predictor(build(**asked, parameters={"pretrained_model": "bert"}))["graph"]["parameters"]

    assert {each["name"]: each["value"] for each in found} == {
        "pretrained_model": "/mnt/models",
        "task": "fill-mask",
    }
    assert [each["value"] for each in own] == ["bert"]


def test_what_a_model_tells_of_its_parameters_is_said_unless_the_user_says_otherwise() -> None:
    model = Found("s3://models/iris", "HUGGINGFACE_SERVER", "", task="fill-mask")
    asked = {"protocol": "v2", "models": {Part("default", "iris"): model}}

    told = [
        {each["name"]: each["value"] for each in predictor(manifest)["graph"]["parameters"]}
        for manifest in (build(**asked), build(**asked, parameters={"task": "text-generation"}))
    ]

    place = {"pretrained_model": "/mnt/models"}
    assert told == [{**place, "task": "fill-mask"}, {**place, "task": "text-generation"}]


def test_an_image_finds_its_volume_by_itself() -> None:
    manifest = build(**{**ON_VOLUME, "implementation": None, "image": "mine:1"})

    assert predictor(manifest)["graph"] == {"name": "iris", "type": "MODEL"}


def test_gpus_are_a_limit_beside_the_others() -> None:
    sizes = {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}

    limits = {"memory": "1Gi", "nvidia.com/gpu": "2"}
    assert container(build(gpus=2, resources=sizes))["resources"] == {**sizes, "limits": limits}
    assert container(build(gpus=1))["resources"] == {"limits": {"nvidia.com/gpu": "1"}}


def test_values_in_secrets_are_referred_to_and_never_written() -> None:
    manifest = build(env={"A": "1"}, env_from_secrets={"B": "db/password"})

    reference = {"secretKeyRef": {"name": "db", "key": "password"}}
    assert container(manifest)["env"] == [
        {"name": "A", "value": "1"},
        {"name": "B", "valueFrom": reference},
    ]


def test_given_probes_are_in_place_of_ours_and_the_others_stay() -> None:
    probe = {"tcpSocket": {"port": "http"}}
    served = container(build(livenessProbe=probe, readinessProbe=probe))

    assert served["livenessProbe"] == served["readinessProbe"] == probe
    assert served["startupProbe"]["httpGet"]["path"] == "/health/status"


def test_an_account_is_the_units_where_a_model_is_fetched_else_the_pods() -> None:
    fetched = build(service_account_name="reader")
    there = build(**ON_VOLUME, service_account_name="reader")

    assert "serviceAccountName" not in component(fetched)["spec"]
    assert component(there)["spec"]["serviceAccountName"] == "reader"
    assert predictor(there)["graph"]["serviceAccountName"] == "reader"


def test_replicas_are_written_beside_an_autoscaler_too() -> None:
    # Without them the operator updates for ever once the autoscaler is gone.
    manifest = build(hpa={"max_replicas": 3})

    assert manifest["spec"]["replicas"] == 1
    assert component(manifest)["hpaSpec"] == {"minReplicas": 1, "maxReplicas": 3}


def test_a_separate_orchestrator_is_said_where_the_operator_reads_it() -> None:
    manifest = build(orchestrator="separate", svc_orch_spec={"replicas": 0})

    assert manifest["spec"]["annotations"] == {"seldon.io/engine-separate-pod": "true"}
    assert predictor(manifest)["svcOrchSpec"] == {"replicas": 0}


def test_what_hears_of_no_size_but_its_own_is_given_one() -> None:
    manifest = build(orchestrator="separate", explainer={"type": "ALE"}, replicas=3)

    assert predictor(manifest)["svcOrchSpec"] == {"replicas": 1}
    assert predictor(manifest)["explainer"]["replicas"] == 1
    assert "svcOrchSpec" not in predictor(build(orchestrator="always"))
    assert not [each for each in check_advice(manifest) if each.rule == "no-replicas"]
    assert "seldon.io/no-engine" not in predictor(manifest)["annotations"]


@pytest.mark.parametrize(
    "fields",
    [
        {"logger": {}},
        {"ssl": {"cert_secret_name": "c"}},
        {"svc_orch_spec": {}},
        {"explainer": {"type": "ALE"}},
        {"orchestrator": "separate"},
        {"predictors": [{"name": "b", "traffic": 1, "image": "mine:1"}]},
        {"predictors": [{"name": "b", "traffic": 1, "logger": {}}]},
    ],
)
def test_what_is_the_orchestrators_work_brings_it_in(fields: Object) -> None:
    assert needs_orchestrator(parse_config(**MODEL, **fields))


def test_a_logger_always_says_its_mode() -> None:
    manifest = build(logger={"url": "http://broker"})

    assert predictor(manifest)["graph"]["logger"] == {"mode": "all", "url": "http://broker"}


def test_an_explainer_reads_with_the_models_credentials_unless_it_has_its_own() -> None:
    asked = {"type": "ALE", "model_uri": "s3://m/e"}
    shared = predictor(build(secret_name="creds", explainer=asked))["explainer"]
    own = predictor(build(secret_name="creds", explainer={**asked, "secret_name": "other"}))

    assert shared["envSecretRefName"] == "creds"
    assert own["explainer"]["envSecretRefName"] == "other"


def test_traffic_is_shared_out_and_the_default_predictor_comes_first() -> None:
    manifest = build(
        replicas=3,
        annotations={"seldon.io/svc-name": "front"},
        predictors=[
            {"name": "canary", "traffic": 25, "model_uri": "s3://m/2", "replicas": 1},
            {"name": "shadow", "shadow": True, "traffic": 50},
        ],
    )

    shares = [(each["name"], each.get("traffic"), each.get("shadow")) for each in
              manifest["spec"]["predictors"]]  # fmt: skip
    assert shares == [("default", 75, None), ("canary", 25, None), ("shadow", 50, True)]
    assert predictor(manifest, 1)["replicas"] == 1
    assert manifest["spec"]["replicas"] == 3
    names = [
        each["annotations"].get("seldon.io/svc-name") for each in manifest["spec"]["predictors"]
    ]
    assert names == ["front", None, None]


def test_a_single_predictor_says_nothing_of_traffic() -> None:
    assert "traffic" not in predictor(build())


class Found:
    """A model as it was found somewhere."""

    def __init__(
        self, uri: str, implementation: str | None, fingerprint: str, **parameters: str
    ) -> None:
        self.uri, self.implementation, self.fingerprint = uri, implementation, fingerprint
        self.image: str | None = None
        self.parameters = parameters


GRAPH = {
    "model_uri": None,
    "implementation": None,
    "graph": Transformer("scale", python_class="m.Scale", code_path="/one")
    >> Combiner(
        "vote",
        [
            Model("a", model_uri="s3://m/a", implementation="SKLEARN_SERVER", env={"A": "own"}),
            Model("b", model_uri="/b", own_pod=True, replicas=2, gpus=1),
        ],
        python_class="m.Vote",
        code_path="/two",
    )
    >> OutputTransformer("labels", python_class="m.Labels", code_path="/one"),
}


def build_graph(fingerprint: str = "f", **fields: Any) -> Object:
    config = parse_config(**{**MODEL, **GRAPH, **fields})
    models = {
        part: Found("file:///b.converted", "ONNX_SERVER", fingerprint)
        for part, alone in parts(config).items()
        if alone.model_uri == "/b"
    }
    return build(models, **GRAPH, **fields)


def test_a_graphs_models_are_served_from_where_they_were_found() -> None:
    manifest = build_graph()

    [vote] = predictor(manifest)["graph"]["children"][0]["children"]
    assert [each["modelUri"] for each in vote["children"]] == ["s3://m/a", "file:///b.converted"]
    assert container(manifest, "b")["image"] == OUR_IMAGE
    assert "image" not in container(manifest, "a")


def test_units_share_a_pod_unless_they_have_their_own() -> None:
    manifest = build_graph(tolerations=[{"operator": "Exists"}], pdb={"minAvailable": 1})

    pods = predictor(manifest)["componentSpecs"]
    names = [[each["name"] for each in pod["spec"]["containers"]] for pod in pods]
    assert names == [["scale", "vote", "a", "labels"], ["b"]]
    assert [pod.get("replicas") for pod in pods] == [None, 2]
    assert all(pod["spec"]["tolerations"] == [{"operator": "Exists"}] for pod in pods)
    # One budget: it covers the pods of all of them.
    assert [pod.get("pdbSpec") for pod in pods] == [{"minAvailable": 1}, None]


def test_units_of_a_graph_take_from_the_configuration_what_they_do_not_say() -> None:
    sizes = {"limits": {"cpu": "1"}}
    manifest = build_graph(env={"A": "all", "B": "all"}, resources=sizes, secret_name="creds")

    env = {each["name"]: each["value"] for each in container(manifest, "a")["env"]}
    assert env == {"A": "own", "B": "all"}
    limits = {"cpu": "1", "nvidia.com/gpu": "1"}
    assert container(manifest, "b")["resources"] == {"limits": limits}
    assert container(manifest, "a")["resources"] == sizes
    assert predictor(manifest)["graph"]["envSecretRefName"] == "creds"


def test_classes_say_what_they_serve_as_and_the_pod_where_their_code_is() -> None:
    manifest = build_graph()

    kinds = {
        name: {each["name"]: each["value"] for each in container(manifest, name)["env"]}
        for name in ("scale", "vote", "labels")
    }
    assert {name: env["SERVICE_TYPE"] for name, env in kinds.items()} == {
        "scale": "TRANSFORMER",
        "vote": "COMBINER",
        "labels": "TRANSFORMER",
    }
    annotations = component(manifest)["metadata"]["annotations"]
    assert annotations == {"seldon-deployer/code-path": "/one:/two"}
    assert "metadata" not in component(manifest, 1)


def test_new_bytes_of_any_model_are_a_new_revision_of_its_predictor_alone() -> None:
    more = {"predictors": [{"name": "plain", "traffic": 1, "model_uri": "s3://m/1",
                            "implementation": "SKLEARN_SERVER"}]}  # fmt: skip
    before, after = (revisions(build_graph(bytes_, **more)) for bytes_ in ("old", "new"))

    assert before["default"] != after["default"]
    assert before["plain"] == after["plain"]
