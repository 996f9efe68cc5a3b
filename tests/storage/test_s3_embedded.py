"""A model in S3, served on the embedded runtime with a Secret, as on a cluster."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from typing import Any

import joblib
import pytest
from e2e.embedded import PODS, Embedded, running
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from storage.s3_server import S3Server

from seldon_deployer.secrets import build_secret, parse_credentials

FEATURES, TARGET = load_iris(return_X_y=True)
CANARY = "canary7Qx"


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with running(tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[LogisticRegression, bytes]:
    """A trained model, and the file of it."""
    model = LogisticRegression(max_iter=500).fit(FEATURES, TARGET)
    file = tmp_path_factory.mktemp("model") / "model.joblib"
    joblib.dump(model, file)
    return model, file.read_bytes()


@pytest.fixture(scope="module")
def store(minio: S3Server) -> S3Server:
    minio.put("served", {"iris/model.joblib": b"x"})
    return minio


def add_secret(embedded: Embedded, name: str, values: dict[str, Any]) -> None:
    secret = build_secret(name, "default", parse_credentials("seldon_s3", values))
    embedded.call("POST", "/api/v1/namespaces/default/secrets", secret)


def sdep(name: str, uri: str, secret: str | None) -> dict[str, Any]:
    graph = {"name": name, "implementation": "SKLEARN_SERVER", "modelUri": uri}
    predictor = {
        "name": "default",
        "annotations": {"seldon.io/no-engine": "true"},
        "graph": graph | ({"envSecretRefName": secret} if secret else {}),
    }
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": name},
        "spec": {"replicas": 1, "predictors": [predictor]},
    }


def status_of(embedded: Embedded, name: str, kind: str) -> dict[str, Any] | None:
    for pod in embedded.pods(name):
        for status in pod.get("status", {}).get(kind, []):
            if status.get("lastState"):
                return status["lastState"]["terminated"]
    return None


def log_of(embedded: Embedded, name: str, container: str) -> str:
    pod = embedded.pods(name)[0]["metadata"]["name"]
    url = f"{embedded.runtime.api_url}{PODS}/{pod}/log?container={container}"
    return embedded.http.request("GET", url).data.decode()


def test_a_model_in_s3_answers_as_the_library_does(embedded, s3: S3Server, model) -> None:
    trained, file = model
    s3.put("answering", {"iris/model.joblib": file})
    name = f"iris-{s3.name}"
    add_secret(embedded, name, s3.keys())
    embedded.apply(sdep(name, "s3://answering/iris", name))
    embedded.wait_served(name)

    url = f"{embedded.runtime.gateway_url}/seldon/default/{name}/api/v1.0/predictions"
    rows = FEATURES[::30].tolist()
    answer = embedded.http.request("POST", url, json={"data": {"ndarray": rows}}).json()

    assert answer["data"]["ndarray"] == pytest.approx(trained.predict_proba(FEATURES[::30]))
    assert "copied 1 files" in log_of(embedded, name, f"{name}-model-initializer")
    embedded.delete(name)


def test_a_wrong_prefix_passes_the_initializer_and_fails_in_the_server(embedded, store):
    add_secret(embedded, "wrong-prefix", store.keys())
    embedded.apply(sdep("wrong", "s3://served/irsi", "wrong-prefix"))

    ended = embedded.wait_until(lambda: status_of(embedded, "wrong", "containerStatuses"), PODS)

    assert "model.joblib" in ended["message"]
    log = log_of(embedded, "wrong", "wrong-model-initializer")
    assert "There was nothing to transfer" in log
    assert "did you mean iris?" in log
    embedded.delete("wrong")


@pytest.mark.parametrize(
    ("name", "uri", "changes", "code", "says"),
    [
        ("no-bucket", "s3://nobody/iris", {}, 3, "directory not found"),
        ("denied", "s3://served/iris", {"secret_access_key": CANARY}, 1, "Signature"),
        ("no-store", "s3://served/iris", {"endpoint": "http://127.0.0.1:1"}, 1, "no connection"),
    ],
)
def test_what_the_store_refuses_fails_in_the_initializer(
    embedded, store, name, uri, changes, code, says
) -> None:
    changed = {f"rclone_config_s3_{key}": value for key, value in changes.items()}
    add_secret(embedded, name, store.keys() | changed)
    embedded.apply(sdep(name, uri, name))

    ended = embedded.wait_until(lambda: status_of(embedded, name, "initContainerStatuses"), PODS)

    assert ended["exitCode"] == code
    assert says in ended["message"]
    assert CANARY not in ended["message"]
    embedded.delete(name)


def test_a_secret_that_is_not_there_yet_is_waited_for(embedded, store) -> None:
    embedded.apply(sdep("patient", "s3://served/iris", "later"))

    def waits() -> bool:
        states = [
            status["state"].get("waiting", {})
            for pod in embedded.pods("patient")
            for status in pod.get("status", {}).get("initContainerStatuses", [])
        ]
        return any(state.get("reason") == "CreateContainerConfigError" for state in states)

    embedded.wait_until(waits, PODS)
    add_secret(embedded, "later", store.keys())
    embedded.wait_until(
        lambda: (
            "terminated"
            in embedded.pods("patient")[0]["status"]["initContainerStatuses"][0]["state"]
        ),
        PODS,
    )
    embedded.delete("patient")


def test_a_download_under_way_ends_with_its_pod(embedded, store) -> None:
    # An endpoint that takes connections and never answers.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        add_secret(embedded, "silent", store.keys() | {"rclone_config_s3_endpoint": endpoint})
        embedded.apply(sdep("silent", "s3://served/iris", "silent"))
        silent.settimeout(60)
        silent.accept()[0].close()

        embedded.delete("silent")

    # `running` asserts that no process is left that knows the home.
    assert embedded.pods("silent") == []


def test_a_claim_is_a_folder_of_the_home(embedded, model) -> None:
    trained, file = model
    claim = embedded.home / "volumes" / "my-claim" / "iris"
    claim.mkdir(parents=True)
    (claim / "model.joblib").write_bytes(file)
    embedded.apply(sdep("claimed", "pvc://my-claim/iris", None))
    embedded.wait_served("claimed")

    response = embedded.http.request(
        "POST",
        f"{embedded.runtime.gateway_url}/seldon/default/claimed/api/v1.0/predictions",
        json={"data": {"ndarray": FEATURES[:1].tolist()}},
    )

    assert response.json()["data"]["ndarray"] == pytest.approx(trained.predict_proba(FEATURES[:1]))
    embedded.delete("claimed")


def test_no_value_of_a_secret_is_in_the_pods_folder_but_in_the_store_of_objects(embedded, store):
    values = store.keys() | {"rclone_config_s3_secret_access_key": CANARY}
    add_secret(embedded, "hidden", values)
    embedded.apply(sdep("hidden", "s3://served/iris", "hidden"))
    embedded.wait_until(lambda: status_of(embedded, "hidden", "initContainerStatuses"), PODS)

    encoded = base64.b64encode(CANARY.encode())
    for file in (embedded.home / "pods").rglob("*"):
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes()
            assert encoded not in file.read_bytes()
    for name in ("control.log", "gateway.log"):
        for log in embedded.home.rglob(name):
            assert CANARY not in log.read_text()
    embedded.delete("hidden")
