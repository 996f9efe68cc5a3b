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
