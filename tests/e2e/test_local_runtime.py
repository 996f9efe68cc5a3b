"""The embedded runtime from the outside: its API, its gateway, and the processes behind them."""

import json
import os
import signal
import threading

import psutil
import pytest
from embedded import (
    DEPLOYMENTS,
    EVENTS,
    PODS,
    SDEPS,
    class_sdep,
    load_on,
    pids_of,
    running,
    write_code,
)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    with running(tmp_path_factory.mktemp("runtime") / "home") as embedded:
        yield embedded


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    return write_code(tmp_path_factory.mktemp("code"))


def container(pod: dict) -> dict:
    return pod["status"]["containerStatuses"][0]


@pytest.mark.parametrize("with_orchestrator", [False, True])
def test_a_python_class_serves_with_and_without_the_orchestrator(embedded, code, with_orchestrator):
    embedded.apply(class_sdep("plain", code, with_orchestrator=with_orchestrator))
    embedded.wait_served("plain")

    response = embedded.predict("plain")

    assert response.status == 200
    assert response.json()["data"]["ndarray"] == [["one"]]
    assert ("Seldon-Puid" in response.headers) == with_orchestrator
    embedded.delete("plain")


@pytest.fixture(scope="module")
def iris(tmp_path_factory):
    """A folder with a scikit-learn model, the model, and data for it."""
    joblib = pytest.importorskip("joblib")
    sklearn = pytest.importorskip("sklearn.linear_model")
    from sklearn.datasets import load_iris

    features, labels = load_iris(return_X_y=True)
    model = sklearn.LogisticRegression(max_iter=500).fit(features, labels)
    folder = tmp_path_factory.mktemp("iris")
    joblib.dump(model, folder / "model.joblib")
    return folder, model, features[:20]


def sklearn_sdep(folder, *, protocol="seldon", with_orchestrator=False) -> dict:
    annotations = {} if with_orchestrator else {"seldon.io/no-engine": "true"}
    graph = {"name": "iris", "implementation": "SKLEARN_SERVER", "modelUri": folder.as_uri()}
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": "iris"},
        "spec": {
            "replicas": 1,
            "protocol": protocol,
            "predictors": [{"name": "default", "annotations": annotations, "graph": graph}],
        },
    }


def test_a_scikit_learn_model_from_a_file_uri_gives_equal_predictions(embedded, iris):
    folder, model, features = iris
    embedded.apply(sklearn_sdep(folder))
    embedded.wait_served("iris")
    url = f"{embedded.runtime.gateway_url}/seldon/default/iris/api/v1.0/predictions"

    body = {"data": {"ndarray": features.tolist()}}
    answer = embedded.http.request("POST", url, json=body).json()

    assert answer["data"]["ndarray"] == model.predict_proba(features).tolist()
    embedded.delete("iris")


@pytest.mark.parametrize("with_orchestrator", [False, True])
def test_a_scikit_learn_model_speaks_v2(embedded, iris, with_orchestrator):
    folder, model, features = iris
    embedded.apply(sklearn_sdep(folder, protocol="v2", with_orchestrator=with_orchestrator))
    embedded.wait_served("iris")
    url = f"{embedded.runtime.gateway_url}/seldon/default/iris/v2/models/iris/infer"
    tensor = {
        "name": "predict",
        "shape": list(features.shape),
        "datatype": "FP64",
        "data": features.ravel().tolist(),
    }

    response = embedded.http.request("POST", url, json={"inputs": [tensor]})

    assert response.status == 200, response.data
    assert response.json()["outputs"][0]["data"] == model.predict(features).tolist()
    embedded.delete("iris")


def test_a_rolling_update_under_load_loses_no_request(embedded, code):
    embedded.apply(class_sdep("rolling", code, text="one", replicas=2))
    embedded.wait_served("rolling")

    with load_on(embedded, "rolling").running() as load:
        load.wait_sent(50)
        for text in ("two", "three"):
            embedded.apply(class_sdep("rolling", code, text=text, replicas=2))
            embedded.wait_served("rolling", text)
            load.wait_sent(50)

    assert load.failures == []
    assert load.answers == {"one", "two", "three"}
    assert embedded.answer("rolling") == "three"
    embedded.delete("rolling")


def test_a_rolling_update_with_the_orchestrator_loses_no_request(embedded, code):
    embedded.apply(class_sdep("orchestrated", code, text="one", with_orchestrator=True))
    embedded.wait_served("orchestrated")

    with load_on(embedded, "orchestrated").running() as load:
        load.wait_sent(50)
        embedded.apply(class_sdep("orchestrated", code, text="two", with_orchestrator=True))
        embedded.wait_served("orchestrated", "two")
        load.wait_sent(50)

    assert load.failures == []
    embedded.delete("orchestrated")


def test_requests_in_flight_end_well_when_their_pod_is_replaced(embedded, code):
    embedded.apply(class_sdep("slow", code, text="one", seconds=1.0))
    embedded.wait_served("slow")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(embedded.answer("slow")))

    thread.start()
    embedded.apply(class_sdep("slow", code, text="two", seconds=0.0))
    embedded.wait_served("slow", "two")
    thread.join()

    assert answers in (["one"], ["two"])
    embedded.delete("slow")


def test_scaling_up_and_down_under_load_loses_no_request(embedded, code):
    embedded.apply(class_sdep("scaled", code))
    embedded.wait_served("scaled")

    with load_on(embedded, "scaled").running() as load:
        load.wait_sent(30)
        for replicas in (3, 1):
            scale = {"spec": {"replicas": replicas}}
            embedded.call("PATCH", f"{SDEPS}/scaled/scale", scale, "merge-patch+json")
            embedded.wait_served("scaled")
            load.wait_sent(30)
            embedded.wait_until(lambda n=replicas: len(embedded.pods("scaled")) == n, PODS)

    assert load.failures == []
    embedded.delete("scaled")


def test_a_crash_of_one_of_two_loses_no_request_and_is_restarted(embedded, code):
    embedded.apply(class_sdep("crashing", code, replicas=2))
    embedded.wait_served("crashing")
    victim = embedded.pods("crashing")[0]

    with load_on(embedded, "crashing").running() as load:
        load.wait_sent(30)
        os.kill(pids_of(victim)[0], signal.SIGKILL)

        def is_back() -> bool:
            pods = {pod["metadata"]["name"]: pod for pod in embedded.pods("crashing")}
            status = container(pods[victim["metadata"]["name"]])
            return status["restartCount"] == 1 and status["ready"]

        embedded.wait_until(is_back, PODS)
        load.wait_sent(30)

    assert load.failures == []
    pods = {pod["metadata"]["name"]: pod for pod in embedded.pods("crashing")}
    ended = container(pods[victim["metadata"]["name"]])["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "Error")
    embedded.delete("crashing")


def test_a_model_that_does_not_load_crash_loops_and_is_never_available(embedded, code):
    embedded.apply(class_sdep("broken", code, class_name="Broken"))

    def loops() -> dict | None:
        for pod in embedded.pods("broken"):
            status = (pod.get("status", {}).get("containerStatuses") or [{}])[0]
            waiting = status.get("state", {}).get("waiting", {})
            if waiting.get("reason") == "CrashLoopBackOff" and status["restartCount"] >= 2:
                return status
        return None

    status = embedded.wait_until(loops, PODS)

    ended = status["lastState"]["terminated"]
    assert ended["exitCode"] == 1
    assert "the model file is no model" in ended["message"]
    assert embedded.sdep("broken")["status"]["state"] == "Creating"
    reasons = {item["reason"] for item in embedded.call("GET", EVENTS)["items"]}
    assert {"BackOff", "Started", "Scheduled"} <= reasons
    name = embedded.pods("broken")[0]["metadata"]["name"]
    log = f"{embedded.runtime.api_url}{PODS}/{name}/log?container=broken&previous=true"
    assert "the model file is no model" in embedded.http.request("GET", log).data.decode()
    assert embedded.predict("broken").status == 503
    embedded.delete("broken")


def test_a_failing_update_leaves_the_old_revision_serving(embedded, code):
    embedded.apply(class_sdep("careful", code, text="one"))
    embedded.wait_served("careful")

    embedded.apply(class_sdep("careful", code, class_name="Broken"))

    def has_restarted() -> bool:
        statuses = [container(pod) for pod in embedded.pods("careful") if pod.get("status")]
        return any(status["restartCount"] >= 1 for status in statuses)

    embedded.wait_until(has_restarted, PODS)
    assert embedded.sdep("careful")["status"]["state"] == "Creating"
    assert embedded.answer("careful") == "one"
    embedded.delete("careful")


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("/nowhere/at/all", "directory not found"),
        ("s3://models/iris", "the store of s3://models/iris does not answer"),
    ],
)
def test_a_model_that_cannot_be_fetched_fails_in_the_initializer(embedded, code, uri, says):
    sdep = class_sdep("absent", code)
    sdep["spec"]["predictors"][0]["graph"]["modelUri"] = uri
    embedded.apply(sdep)

    def failed() -> dict | None:
        for pod in embedded.pods("absent"):
            status = (pod.get("status", {}).get("initContainerStatuses") or [{}])[0]
            if status.get("restartCount", 0) >= 1 and status.get("lastState"):
                return status["lastState"]["terminated"]
        return None

    ended = embedded.wait_until(failed, PODS)

    assert ended["exitCode"] in (1, 3)
    assert says in ended["message"]
    embedded.delete("absent")


def test_what_cannot_run_here_fails_and_says_what_to_do(embedded, code):
    sdep = class_sdep("foreign", code)
    containers = sdep["spec"]["predictors"][0]["componentSpecs"][0]["spec"]["containers"]
    containers[0]["image"] = "registry.example/someone/model:1.0"
    embedded.apply(sdep)

    status = embedded.wait_until(lambda: embedded.sdep("foreign").get("status"), SDEPS)

    assert status["state"] == "Failed"
    assert 'cannot run the image "registry.example/someone/model:1.0"' in status["description"]
    names = [item["metadata"]["name"] for item in embedded.call("GET", DEPLOYMENTS)["items"]]
    assert not any(name.startswith("foreign") for name in names)
    embedded.delete("foreign")


def test_traffic_is_shared_between_two_predictors(embedded, code):
    sdep = class_sdep("canary", code, text="main")
    predictor = sdep["spec"]["predictors"][0]
    other = json.loads(json.dumps(predictor).replace('"main"', '"new"'))
    predictor |= {"name": "main", "traffic": 50}
    sdep["spec"]["predictors"].append(other | {"name": "new", "traffic": 50})
    embedded.apply(sdep)
    embedded.wait_served("canary")

    assert {embedded.answer("canary") for _ in range(60)} == {"main", "new"}
    embedded.delete("canary")


def test_deleting_leaves_no_process_and_no_folder(embedded, code):
    embedded.apply(class_sdep("gone", code))
    embedded.wait_served("gone")
    pod = embedded.pods("gone")[0]

    embedded.delete("gone")

    assert not any(psutil.pid_exists(pid) for pid in pids_of(pod))
    assert not (embedded.home / "pods" / pod["metadata"]["uid"]).exists()
    assert embedded.predict("gone").status == 404


def test_an_unknown_deployment_is_not_found_in_seldons_form(embedded):
    response = embedded.predict("nobody")

    assert response.status == 404
    assert response.json()["status"]["status"] == "FAILURE"


def test_a_variable_from_a_secret_reaches_the_unit(embedded, code):
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "words"},
        "stringData": {"class": "answer.Answer"},
    }
    sdep = class_sdep("secretive", code)
    spec = sdep["spec"]["predictors"][0]["componentSpecs"][0]["spec"]
    reference = {"secretKeyRef": {"name": "words", "key": "class"}}
    spec["containers"][0]["env"] = [{"name": "MODEL_NAME", "valueFrom": reference}]
    embedded.apply(sdep)

    def waits() -> bool:
        states = [container(pod)["state"] for pod in embedded.pods("secretive") if "status" in pod]
        reasons = [state.get("waiting", {}).get("reason") for state in states]
        return "CreateContainerConfigError" in reasons

    embedded.wait_until(waits, PODS)
    embedded.call("POST", "/api/v1/namespaces/default/secrets", secret)
    embedded.wait_served("secretive")

    assert embedded.answer("secretive") == "one"
    embedded.delete("secretive")


def test_files_of_the_runtime_are_its_owners_alone(embedded):
    for name in ("runtime.json", "kubeconfig", "cluster.db"):
        assert (embedded.home / name).stat().st_mode & 0o077 == 0
    config = json.loads((embedded.home / "kubeconfig").read_text())
    assert config["users"][0]["user"]["token"] == embedded.token
