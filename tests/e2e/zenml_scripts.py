"""What the scripts of the ZenML tests begin with."""

import textwrap

# Shared by the scripts: a trained model as ZenML writes it, and a deployer to serve it.
PRELUDE = textwrap.dedent("""
    import pathlib
    import cloudpickle
    import numpy as np
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from zenml.client import Client
    from seldon_deployer.errors import SeldonDeployerError
    from seldon_deployer.zenml_plugin import SeldonDeploymentConfig

    deployer = Client().active_stack.model_deployer

    def artifact(name, model):
        folder = pathlib.Path.cwd() / "artifacts" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "artifact.pkl").write_bytes(cloudpickle.dumps(model))
        return str(folder)

    def classifier(strength=1.0):
        return LogisticRegression(C=strength, max_iter=1000).fit(*load_iris(return_X_y=True))

    def deploy(name, uri, **fields):
        options = {key: fields.pop(key) for key in ("replace", "timeout") if key in fields}
        config = SeldonDeploymentConfig(model_name=name, model_uri=uri, **fields)
        return deployer.deploy_model(config, **options)

    def refused(call, *args, **kwargs):
        try:
            call(*args, **kwargs)
        except SeldonDeployerError as error:
            return [type(error).__name__, str(error)]
        return ["no error", ""]

    def left(name):
        return {
            "rows": len(deployer.find_model_server(model_name=name)),
            "deployments": [one.name for one in deployer.deployer.find(model_name=name)],
        }
""")
# What `left` answers where nothing stayed.
NOTHING = {"rows": 0, "deployments": []}

# What scripts with pipelines go on with.
PIPELINE = """
from zenml import pipeline, step
from sklearn.base import ClassifierMixin
from seldon_deployer.steps import seldon_model_deployer_step

@step(enable_cache=False)
def train() -> ClassifierMixin:
    return classifier()

@step(enable_cache=False)
def write_a_poem() -> str:
    return "no model at all"

def outcome(run_id):
    run = Client().get_pipeline_run(run_id)
    return run.steps["seldon_model_deployer_step"]
"""

# Secrets, components and models in a store, for the scripts of the tests of credentials.
SECRETS = textwrap.dedent("""
    import base64
    import boto3
    import os
    from zenml.enums import StackComponentType
    from zenml.stack import StackComponent
    from seldon_deployer.cluster import SECRETS
    from seldon_deployer.deployer import Deployer

    client = Client()
    KEYS = {
        "rclone_config_s3_access_key_id": "AKIAcanary7Qx",
        "rclone_config_s3_secret_access_key": "secret/canary7Qx",
        "rclone_config_s3_endpoint": os.environ["STORE_ADDRESS"],
        "rclone_config_s3_provider": "Minio",
    }

    def stored(name):
        # A trained model in the store, as ZenML would have written it.
        folder = artifact(name, classifier())
        s3 = boto3.client(
            "s3", endpoint_url=os.environ["STORE_ADDRESS"], region_name="us-east-1",
            aws_access_key_id="a", aws_secret_access_key="b",
        )
        s3.upload_file(f"{folder}/artifact.pkl", "models", f"{name}/artifact.pkl")
        return f"s3://models/{name}"

    def component(name, **options):
        client.create_stack_component(
            name=name, flavor="seldon_core",
            component_type=StackComponentType.MODEL_DEPLOYER,
            configuration={"runtime": "local", **options},
        )
        return StackComponent.from_model(client.get_stack_component("model_deployer", name))

    def secret(name):
        live = deployer.deployer.cluster.get(SECRETS, name)
        return live and {
            key: base64.b64decode(value).decode() for key, value in (live.get("data") or {}).items()
        }

    def secret_of(name):
        unit = deployer.deployer.get(name).manifest["spec"]["predictors"][0]["graph"]
        return unit.get("envSecretRefName")
""")

CANARY = "canary7Qx"
