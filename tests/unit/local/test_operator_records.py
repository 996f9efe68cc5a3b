"""What the real operator made, to the letter: its recorded Deployments and Services."""

import base64
import json
from pathlib import Path

import pytest
import yaml

from seldon_deployer.local.operator import OperatorError, make_plan
from seldon_deployer.local.operator_deployments import LAST_APPLIED_ANNOTATION

RECORDS = Path(__file__).parents[3].parent / "shared" / "operator-records"
CASES = [
    "canary_75_25",
    "combiner_sep_pods",
    "custom_model",
    "custom_model_csname",
    "custom_model_notype",
    "custom_model_sidecar",
    "engine_separate_graph",
    "long_predictor",
    "mlflow",
    "mlflow_v2",
    "no_engine",
    "no_engine_false",
    "no_engine_triton",
    "progress_deadline",
    "replicas_predictor",
    "router_custom",
    "shadow",
    "sklearn_componentspec",
    "sklearn_componentspec_probes",
    "sklearn_cs_othercontainer",
    "sklearn_endpoint_grpc",
    "sklearn_endpoint_rest",
    "sklearn_envsecret",
    "sklearn_grpc",
    "sklearn_simple",
    "sklearn_simple_fields",
    "sklearn_storage_image",
    "sklearn_v2",
    "ssl",
    "svcorch_env",
    "tensorflow_seldon_plain",
    "transformer_one_pod",
    "transformer_prepack_child_sep",
    "transformer_sep_pods",
    "transformer_sep_pods_reversed",
    "triton_kfserving",
    "xgboost_v2",
]
# Of these the objects alone are compared; of several resources, what was there in the end.
UPDATED = [
    "dyn_add_canary_then_promote",
    "dyn_conflicting_existing_deployment",
    "dyn_conflicting_existing_service",
    "dyn_delete_then_recreate",
    "dyn_explainer_added_removed",
    "dyn_image_change_custom",
    "dyn_loop_stop",
    "dyn_never_ready",
    "dyn_protocol_change",
    "dyn_remove_predictor_replicas1",
    "dyn_update_while_creating",
    "dyn_uri_change",
    "dyn_uri_change_3replicas",
    "dyn_uri_change_never_ready",
    "dyn_uri_change_replicas1_never_ready",
    "hpa_v2",
    "sklearn_envsecret_existing",
]
REFUSED = ["dots_container", "dots_predictor", "long_container", "underscore_container"]
# The API server chooses these for a Service.
CHOSEN = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")


def read(case: str) -> tuple[dict, dict]:
    folder = RECORDS / case
    if not (folder / "objects.json").exists():
        pytest.skip(f"the operator's record {case} is not on this machine")
    applied = yaml.safe_load_all((folder / "input.yaml").read_text())
    sdep = [each for each in applied if each and each["kind"] == "SeldonDeployment"][-1]
    sdep["metadata"]["namespace"] = "m-" + case.replace("_", "-")
    return sdep, json.loads((folder / "objects.json").read_text())


@pytest.mark.parametrize("case", CASES + UPDATED)
def test_deployments_are_those_of_the_real_operator(case):
    sdep, recorded = read(case)

    planned = [normal_deployment(item) for item in make_plan(sdep).deployments]

    expected = [normal_deployment(item) for item in recorded["Deployment"]]
    assert sorted(planned, key=name) == sorted(expected, key=name)


@pytest.mark.parametrize("case", CASES + UPDATED)
def test_services_are_those_of_the_real_operator(case):
    sdep, recorded = read(case)

    planned = [normal_service(item) for item in make_plan(sdep).services]

    expected = [normal_service(item) for item in recorded["Service"]]
    assert sorted(planned, key=name) == sorted(expected, key=name)


@pytest.mark.parametrize("case", CASES)
def test_the_address_is_that_of_the_real_operator(case):
    sdep, recorded = read(case)

    assert make_plan(sdep).address == recorded["SeldonDeployment"][0]["status"]["address"]["url"]


@pytest.mark.parametrize("case", REFUSED)
def test_names_that_make_no_service_fail_in_the_api_servers_words(case):
    sdep, _ = read(case)
    last = json.loads((RECORDS / case / "status.jsonl").read_text().splitlines()[-1])

    with pytest.raises(OperatorError) as refusal:
        make_plan(sdep)

    assert str(refusal.value) == last["status"]["description"]


def normal_deployment(obj: dict) -> dict:
    obj = json.loads(json.dumps(obj))
    obj.pop("apiVersion", None)
    metadata = obj["metadata"]
    metadata.pop("generation", None)
    metadata["annotations"].pop("deployment.kubernetes.io/revision", None)
    assert metadata["annotations"].pop(LAST_APPLIED_ANNOTATION)
    for owner in metadata["ownerReferences"]:
        owner.pop("uid", None)
    obj["spec"].setdefault("replicas", 1)
    for container in obj["spec"]["template"]["spec"]["containers"]:
        for variable in container.get("env", []):
            if variable["name"] == "ENGINE_PREDICTOR":
                decoded = variable.pop("_decoded", None)
                variable["value"] = decoded or json.loads(base64.b64decode(variable["value"]))
    return obj


def normal_service(obj: dict) -> dict:
    obj = json.loads(json.dumps(obj))
    obj.pop("apiVersion", None)
    for owner in obj["metadata"]["ownerReferences"]:
        owner.pop("uid", None)
    for field in CHOSEN:
        obj["spec"].pop(field, None)
    return obj


def name(obj: dict) -> str:
    return obj["metadata"]["name"]
