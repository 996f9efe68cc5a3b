"""The step from an installed wheel, in a folder that is no checkout.

From a checkout ZenML counts our steps as the user's own code; from a wheel they are a package's.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from zenml_store import ZenMLStore

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "packages")
    return folder / "packages"


def test_a_pipeline_deploys_with_the_installed_package(wheel_folder, tmp_path):
    with ZenMLStore(tmp_path / "store") as store:
        store.env["PYTHONPATH"] = str(wheel_folder)
        store.set_up_local_stack()
        seen = store.script("""
            import numpy as np
            import seldon_deployer
            from sklearn.base import ClassifierMixin
            from sklearn.datasets import load_iris
            from sklearn.linear_model import LogisticRegression
            from zenml import pipeline, step
            from zenml.client import Client
            from seldon_deployer.steps import seldon_model_deployer_step

            @step
            def train() -> ClassifierMixin:
                return LogisticRegression(max_iter=1000).fit(*load_iris(return_X_y=True))

            @pipeline(enable_cache=False)
            def flowers():
                seldon_model_deployer_step(model=train(), model_name="flowers")

            run = Client().get_pipeline_run(flowers().id)
            step_run = run.steps["seldon_model_deployer_step"]
            service = step_run.output.load()
            answer({
                "package": seldon_deployer.__file__,
                "source": step_run.spec.source.import_path,
                "shape": np.asarray(service.predict(np.array([[6.0, 2.9, 4.8, 1.6]]))).shape,
            })
        """)
    assert seen["package"].startswith(str(wheel_folder))
    assert seen["source"].startswith("seldon_deployer.steps.")
    assert seen["shape"] == [1, 3]
