"""The image of code of one's own, without a container engine: its Dockerfile is followed in a fresh
virtual environment, and its entry point started in the environment of a Seldon unit.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cloudpickle
import dockerfile
import pytest
import urllib3
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
FLOWERS = [[51, 35, 14, 2], [60, 29, 48, 16]]
FUNCTIONS = (
    "--predict-function",
    "examples.custom_function.flowers.name_the_species",
    "--pre-process",
    "examples.custom_function.flowers.in_centimetres",
)


@pytest.fixture(scope="module")
def place():
    """A folder that any user may enter: pytest's own are for one alone."""
    folder = Path(tempfile.mkdtemp(prefix="seldon-image-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def built(place):
    """The image of the example, with the versions that trained the model."""
    context = place / "context"
    done = subprocess.run(
        [
            *(str(BIN / "seldon-deployer"), "image", "context", str(context), *FUNCTIONS),
            *("--code-path", str(ROOT), "-r", "scikit-learn", "--pin"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    root = place / "root"
    root.mkdir(mode=0o755)
    image = dockerfile.build(context, root)
    image.make_read_only()
    yield image
    image.make_writable()


@pytest.fixture(scope="module")
def model(place):
    """A model as ZenML stores it, where the initializer would have put it."""
    folder = place / "models"
    folder.mkdir(mode=0o755)
    classifier = LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))
    (folder / "artifact.pkl").write_bytes(cloudpickle.dumps(classifier))
    return folder, classifier


def unit_environment(port, folder):
    """What Seldon's operator tells a unit (1.17.1), but for what does not matter here."""
    others = {name: str(free_port()) for name in ("GRPC_SERVICE", "METRICS_SERVICE")}
    return {
        "PREDICTIVE_UNIT_SERVICE_PORT": str(port),
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(port),
        "MLSERVER_HTTP_PORT": str(port),
        **{f"PREDICTIVE_UNIT_{name}_PORT": number for name, number in others.items()},
        "MLSERVER_GRPC_PORT": others["GRPC_SERVICE"],
        "PREDICTIVE_UNIT_METRICS_ENDPOINT": "/prometheus",
        "MLSERVER_MODEL_URI": str(folder),
        "PREDICTIVE_UNIT_ID": "flowers",
        "MLSERVER_MODEL_NAME": "flowers",
        "PREDICTIVE_UNIT_IMAGE": "me/flowers:1",
        "PREDICTOR_ID": "default",
        "PREDICTOR_LABELS": "{}",
        "SELDON_DEPLOYMENT_ID": "flowers",
        "SELDON_EXECUTOR_ENABLED": "true",
    }


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextlib.contextmanager
def started(built, place, folder, **more):
    """The entry point as its user; it listens on loopback alone."""
    port = free_port()
    log = place / "log"
    command = [each.replace("0.0.0.0", "127.0.0.1") for each in built.entrypoint]
    command[0] = shutil.which(command[0], path=built.environment()["PATH"])
    with log.open("w") as sink:
        process = subprocess.Popen(
            built.as_user(command),
            env=built.environment(**unit_environment(port, folder), **more),
            cwd=built.root / built.folder.lstrip("/"),
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        while f":{port}" not in log.read_text():
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        assert process.wait(30) == 0, log.read_text()


def test_what_the_dockerfile_installs_serves_the_model(built, place, model):
    from examples.custom_function.flowers import in_centimetres, name_the_species

    folder, classifier = model
    with started(built, place, folder) as url, urllib3.PoolManager() as pool:
        message = {"data": {"ndarray": FLOWERS}}
        answer = pool.request("POST", f"{url}/api/v1.0/predictions", json=message).json()
        ready = pool.request("GET", f"{url}/v2/health/ready")
    assert answer["jsonData"] == name_the_species(classifier, in_centimetres(FLOWERS))
    assert answer["meta"]["requestPath"] == {"flowers": "me/flowers:1"}
    assert ready.status == 200


def test_the_image_cannot_be_written_to_by_its_process(built):
    """So that the tests above and below are worth something: their file system is read-only."""
    code = f"import pathlib; pathlib.Path({str(built.root / 'app' / 'new')!r}).write_text('x')"
    python = str(built.root / "venv" / "bin" / "python")
    tried = subprocess.run(built.as_user([python, "-c", code]), capture_output=True, text=True)
    assert "PermissionError" in tried.stderr


def test_the_image_listens_on_all_addresses_as_a_user_without_rights(built):
    assert built.user == 8888
    assert built.entrypoint[-2:] == ["--host", "0.0.0.0"]
    assert built.base == f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"


def test_the_image_has_the_versions_of_the_training_and_no_zenml(built):
    listed = subprocess.run(
        [built.root / "venv/bin/pip", "list", "--format=json"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    packages = {each["name"]: each["version"] for each in json.loads(listed)}
    import numpy
    import sklearn

    assert packages["scikit-learn"] == sklearn.__version__
    assert packages["numpy"] == numpy.__version__
    assert "zenml" not in packages


def test_a_manifest_names_another_class_of_the_image_by_its_environment(built, place, model):
    folder, _ = model
    more = {"MODEL_NAME": "seldon_deployer.server.sklearn.SKLearnServer"}
    (folder / "model.joblib").write_bytes((folder / "artifact.pkl").read_bytes())
    parameters = json.dumps([{"name": "method", "value": "predict", "type": "STRING"}])
    with (
        started(built, place, folder, **more, PREDICTIVE_UNIT_PARAMETERS=parameters) as url,
        urllib3.PoolManager() as pool,
    ):
        message = {"data": {"ndarray": [[5.1, 3.5, 1.4, 0.2]]}}
        answer = pool.request("POST", f"{url}/predict", json=message).json()
    assert answer["data"]["ndarray"] == [0]
