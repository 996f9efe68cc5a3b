import copy
import json

import pytest

from seldon_deployer.catalogue import OUR_IMAGE
from seldon_deployer.local.images import NotRunnable
from seldon_deployer.local.operator import OperatorError, make_plan
from seldon_deployer.local.operator_names import has_orchestrator
from seldon_deployer.local.sdeps import check_runnable
from seldon_deployer.local.tensorflow_serving import mounts_of
from seldon_deployer.naming import MODELS_MOUNT, PODINFO

SDEP = {
    "metadata": {"name": "iris", "namespace": "models", "uid": "u1"},
    "spec": {
        "replicas": 2,
        "predictors": [
            {
                "name": "default",
                "annotations": {"seldon.io/no-engine": "true", "seldon-deployer/revision": "r1"},
                "graph": {
                    "name": "iris",
                    "implementation": "SKLEARN_SERVER",
                    "modelUri": "file:///models/iris",
                },
            }
        ],
    },
}


def changed(**predictor) -> dict:
    sdep = copy.deepcopy(SDEP)
    sdep["spec"]["predictors"][0] |= predictor
    return sdep


def graph(**fields) -> dict:
    return SDEP["spec"]["predictors"][0]["graph"] | fields


def test_the_same_resource_always_gives_the_same_plan():
    assert make_plan(copy.deepcopy(SDEP)) == make_plan(copy.deepcopy(SDEP))


def test_planning_leaves_the_resource_as_it_is():
    sdep = copy.deepcopy(SDEP)

    make_plan(sdep)

    assert sdep == SDEP


def test_replicas_come_from_the_spec_and_are_left_out_where_nobody_says():
    silent = copy.deepcopy(SDEP)
    del silent["spec"]["replicas"]

    assert make_plan(SDEP).deployments[0]["spec"]["replicas"] == 2
    assert "replicas" not in make_plan(silent).deployments[0]["spec"]


def test_the_revision_reaches_the_pods():
    template = make_plan(SDEP).deployments[0]["spec"]["template"]

    assert template["metadata"]["annotations"]["seldon-deployer/revision"] == "r1"


def test_traffic_alone_changes_no_pod():
    before = make_plan(SDEP).deployments[0]["spec"]["template"]

    assert make_plan(changed(traffic=100)).deployments[0]["spec"]["template"] == before


def test_another_model_changes_the_pod_and_no_name():
    before, after = make_plan(SDEP), make_plan(changed(graph=graph(modelUri="/other")))

    assert names(before) == names(after)
    assert before.deployments[0]["spec"]["template"] != after.deployments[0]["spec"]["template"]


@pytest.mark.parametrize(("value", "expected"), [("true", False), ("false", True), (None, True)])
def test_only_the_word_true_leaves_the_orchestrator_out(value, expected):
    annotations = {} if value is None else {"seldon.io/no-engine": value}

    assert has_orchestrator({"annotations": annotations}) is expected


@pytest.mark.parametrize(
    ("predictor", "says"),
    [
        ({"graph": {"name": "x", "implementation": "SIMPLE_MODEL"}}, "engine not separate"),
        ({"explainer": {"type": "AnchorTabular"}}, "no explainers"),
    ],
)
def test_what_is_not_there_yet_is_refused_by_name(predictor, says):
    with pytest.raises(OperatorError, match=says):
        make_plan(changed(**predictor))


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"volumeMounts": [{"name": "v", "mountPath": "/v"}]}, 'the pod has no volume "v"'),
        ({"ports": [{"containerPort": 0}]}, "0 is no port"),
    ],
)
def test_a_pod_that_no_api_server_takes_is_refused_with_its_field(said, says):
    container = {"name": "iris", "image": "mine:1", **said}
    component = {"spec": {"containers": [container]}}
    with pytest.raises(OperatorError) as refusal:
        make_plan(changed(graph={"name": "iris"}, componentSpecs=[component]))
    assert str(refusal.value).startswith("the API server would refuse its Deployment: spec.pred")
    assert says in str(refusal.value)


def test_a_server_that_runs_here_is_let_pass():
    check_runnable(make_plan(changed(graph=graph(implementation="SKLEARN_SERVER"))))


@pytest.mark.parametrize(
    ("implementation", "protocol", "image"),
    [
        ("TEMPO_SERVER", "v2", "mlserver:1.3.5-slim"),
        ("TENSORFLOW_SERVER", "tensorflow", "tensorflow/serving"),
    ],
)
def test_a_server_without_a_program_here_is_refused_before_anything_is_made(
    implementation, protocol, image
):
    sdep = changed(graph=graph(implementation=implementation))
    sdep["spec"]["protocol"] = protocol

    with pytest.raises(NotRunnable, match=image):
        check_runnable(make_plan(sdep))


def test_the_proxy_of_tensorflow_serving_has_its_container_beside_it():
    sdep = changed(graph=graph(implementation="TENSORFLOW_SERVER"))

    plan = make_plan(sdep)

    check_runnable(plan)
    [deployment] = plan.deployments
    pod = deployment["spec"]["template"]["spec"]
    unit, serving = pod["containers"]
    model = [{"name": "tfserving-provision-location", "readOnly": True, "mountPath": MODELS_MOUNT}]
    assert serving["name"] == "tfserving"
    assert serving["volumeMounts"] == model
    assert [each["mountPath"] for each in unit["volumeMounts"]] == [PODINFO]
    told = json.loads({e["name"]: e["value"] for e in unit["env"]}["PREDICTIVE_UNIT_PARAMETERS"])
    assert [each["name"] for each in told] == ["rest_endpoint", "grpc_endpoint", "model_name"]
    # Where one process does the work of both, it has what both have.
    assert mounts_of(unit, pod) == [*unit["volumeMounts"], *model]
    assert mounts_of(serving, pod) == model


@pytest.mark.parametrize("separate", ["false", "true"])
def test_a_certificate_is_mounted_into_every_container(separate):
    sdep = changed(annotations={}, ssl={"certSecretName": "cert"})
    sdep["spec"]["annotations"] = {"seldon.io/engine-separate-pod": separate}

    pods = [each["spec"]["template"]["spec"] for each in make_plan(sdep).deployments]

    assert len(pods) == 1 + (separate == "true")
    for pod in pods:
        source = {"secretName": "cert", "defaultMode": 420}
        assert {"name": "seldon-cert-volume", "secret": source} in pod["volumes"]
        for container in pod["containers"]:
            assert container["volumeMounts"][-1]["mountPath"] == "/cert/"
            assert {"name": "SELDON_CERT_MOUNT_PATH", "value": "/cert/"} in container["env"]


def test_a_python_class_in_our_image_runs():
    container = {"name": "iris", "image": OUR_IMAGE}
    unit = {"name": "iris", "type": "MODEL"}
    sdep = changed(graph=unit, componentSpecs=[{"spec": {"containers": [container]}}])

    check_runnable(make_plan(sdep))


def names(plan) -> list[str]:
    return [item["metadata"]["name"] for item in (*plan.deployments, *plan.services)]
