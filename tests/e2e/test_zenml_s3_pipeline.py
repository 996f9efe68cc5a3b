"""A pipeline whose artifacts lie in S3: the credentials of the store are all that anybody is told.

ZenML writes the model with its own S3 client; the step finds it there, converts it beside itself,
and the pods read it with a Secret made of what the artifact store was registered with.
"""

import json

import numpy as np
import pytest
from storage.s3_server import REGION
from storage.servers import minio
from zenml_scripts import PIPELINE, PRELUDE
from zenml_store import ZenMLStore

__all__ = ["minio"]

BUCKET = "zenml-artifacts"

STACK = """
import os
from zenml.enums import StackComponentType

client = Client()
client.create_secret("of-the-store", values={
    "aws_access_key_id": os.environ["STORE_KEY_ID"],
    "aws_secret_access_key": os.environ["STORE_KEY"],
})
client.create_stack_component(
    name="in_s3", flavor="s3", component_type=StackComponentType.ARTIFACT_STORE,
    configuration={
        "path": os.environ["STORE_PATH"],
        "authentication_secret": "of-the-store",
        "client_kwargs": os.environ["STORE_CLIENT"],
    },
)
client.create_stack(name="remote", components={
    StackComponentType.ORCHESTRATOR: "default",
    StackComponentType.ARTIFACT_STORE: "in_s3",
    StackComponentType.MODEL_DEPLOYER: "local_seldon",
})
client.activate_stack("remote")
answer("ready")
"""

RUN = (
    PRELUDE
    + PIPELINE
    + """
import base64
from seldon_deployer.cluster import SECRETS

ROWS = load_iris(return_X_y=True)[0][[0, 60, 120]]

@step(enable_cache=False)
def train_with(strength: float) -> ClassifierMixin:
    return classifier(strength)

@pipeline(enable_cache=False)
def flowers(strength: float):
    seldon_model_deployer_step(model=train_with(strength), model_name="flowers")

def serve(strength):
    run = Client().get_pipeline_run(flowers(strength).id)
    model = run.steps["train_with"].output
    service = run.steps["seldon_model_deployer_step"].output.load()
    unit = deployer.deployer.get("flowers").manifest["spec"]["predictors"][0]["graph"]
    secret = deployer.deployer.cluster.get(SECRETS, unit["envSecretRefName"])
    return {
        "uuid": service.uuid,
        "url": service.prediction_url,
        "artifact": model.uri,
        "served": unit["modelUri"],
        "secret": unit["envSecretRefName"],
        "values": {
            key: base64.b64decode(value).decode() for key, value in secret["data"].items()
        },
        "answer": np.asarray(service.predict(ROWS)).tolist(),
        "expected": model.load().predict_proba(ROWS).tolist(),
    }
"""
)


@pytest.fixture(scope="module")
def store(minio, tmp_path_factory):
    with ZenMLStore(tmp_path_factory.mktemp("zenml-s3")) as store:
        minio.put(BUCKET, {})
        client = {"endpoint_url": minio.endpoint, "region_name": REGION}
        store.env |= {
            "STORE_KEY_ID": minio.key_id,
            "STORE_KEY": minio.secret,
            "STORE_PATH": f"s3://{BUCKET}/pipelines",
            "STORE_CLIENT": json.dumps(client),
        }
        store.set_up_local_stack()
        store.script(PRELUDE + STACK)
        yield store


@pytest.fixture(scope="module")
def runs(store):
    """Two runs, of models that differ."""
    return [store.script(RUN + f"answer(serve({strength}))") for strength in (1.0, 0.01)]


def test_the_service_answers_as_the_model_that_the_pipeline_trained(runs):
    for run in runs:
        np.testing.assert_allclose(run["answer"], run["expected"])
        assert run["artifact"].startswith(f"s3://{BUCKET}/pipelines/")
    assert runs[0]["answer"] != runs[1]["answer"]


def test_a_second_run_is_the_same_service_of_another_artifact(runs):
    first, second = runs
    assert first["url"] == second["url"]
    assert first["uuid"] == second["uuid"]
    assert first["artifact"] != second["artifact"]


def test_the_copy_lies_beside_the_artifact_that_stays_as_it_was(runs, minio):
    for run in runs:
        assert run["served"].startswith(f"{run['artifact']}.seldon-deployer/")
        path = run["artifact"].removeprefix(f"s3://{BUCKET}/")
        written = {key.removeprefix(f"{path}/") for key in minio.keys_in(BUCKET, f"{path}/")}
        assert "artifact.pkl" in written
        assert "model.joblib" not in written
        copy = run["served"].removeprefix(f"s3://{BUCKET}/")
        assert minio.keys_in(BUCKET, f"{copy}/") == [f"{copy}/model.joblib"]


def test_the_pods_read_with_the_credentials_of_the_artifact_store(runs, minio):
    first, second = runs
    assert first["secret"] == second["secret"]
    assert first["secret"].startswith("zenml-in-s3-")
    told = {
        "RCLONE_CONFIG_S3_ACCESS_KEY_ID": minio.key_id,
        "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY": minio.secret,
        "RCLONE_CONFIG_S3_ENDPOINT": minio.endpoint,
        "RCLONE_CONFIG_S3_REGION": REGION,
    }
    assert told.items() <= second["values"].items()


def test_nothing_that_was_printed_holds_the_key(store, runs, minio):
    assert "train_with" in store.printed
    assert minio.secret not in store.printed


def test_the_secret_goes_with_the_service(store, runs):
    left = store.script(
        PRELUDE
        + f"""
from uuid import UUID
from seldon_deployer.cluster import SECRETS
deployer.delete_model_server(UUID({runs[-1]["uuid"]!r}))
answer({{
    "secret": deployer.deployer.cluster.get(SECRETS, {runs[-1]["secret"]!r}),
    **left("flowers"),
}})
"""
    )
    assert left == {"secret": None, "rows": 0, "deployments": []}
