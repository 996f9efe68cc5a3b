"""`image context`: what it asks for, and what it writes for servers of ours."""

import joblib
import pytest
from click.testing import CliRunner
from sklearn import __version__ as sklearn_version
from sklearn.linear_model import LogisticRegression

from seldon_deployer.artifacts.layout import find_training
from seldon_deployer.catalogue import known_servers
from seldon_deployer.cli.image_context import command
from seldon_deployer.errors import UsageError


def run(folder, *arguments):
    return CliRunner().invoke(command, [str(folder / "context"), *arguments])


def texts(folder):
    context = folder / "context"
    return {path.name: path.read_text() for path in context.iterdir() if path.is_file()}


@pytest.fixture
def code(tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "mine.py").write_text("class Model:\n    pass\n\n\ndef predict(m, r): ...\n")
    return folder


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "none is named"),
        (("--python-class", "a.B", "--implementation", "ONNX_SERVER"), "are given"),
        (("--python-class", "a.B", "--loader", "a.b"), "--loader is of a --predict-function"),
        (("--predict-function", "a.b", "-p", "k=1"), "--parameter is of a class"),
        (("--implementation", "TEMPO_SERVER"), "no server of ours that stands for TEMPO_SERVER"),
        (("--implementation", "NO_SUCH"), "there is no model server 'NO_SUCH'"),
        (("--python-class", "mine.Model", "--service-type", "WIZARD"), "'WIZARD' is not known"),
        (("--python-class", "mine.Model", "--python", "three"), "'three' is no version"),
        (("--python-class", "yours.Model"), "the code of yours.Model is not in"),
        (("--model-uri", "s3://bucket/model"), "is not on this machine"),
    ],
)
def test_what_makes_no_image_is_an_error_and_nothing_is_written(tmp_path, code, arguments, words):
    result = run(tmp_path, *arguments, "--code-path", str(code))
    assert isinstance(result.exception, UsageError)
    assert words in str(result.exception)
    assert not (tmp_path / "context").exists()


def test_a_class_is_served_with_what_the_options_say(tmp_path, code):
    result = run(
        tmp_path,
        *("--python-class", "mine.Model", "--code-path", str(code), "--service-type", "ROUTER"),
        *("-p", "least=0.5", "-p", "strict=true", "-e", "MODE=fast", "--python", "3.12"),
        *("-r", "pandas>=2"),
    )
    assert result.exception is None, result.output
    assert "docker build -t NAME" in result.stderr
    written = texts(tmp_path)
    assert written["requirements.txt"] == "pandas>=2\n"
    lines = written["Dockerfile"].splitlines()
    assert "FROM python:3.12-slim" in lines
    for variable in ('MODEL_NAME="mine.Model"', 'SERVICE_TYPE="ROUTER"', 'MODE="fast"'):
        assert f"ENV {variable}" in lines
    parameters = next(line for line in lines if "PREDICTIVE_UNIT_PARAMETERS" in line)
    assert r"\"name\":\"least\",\"value\":\"0.5\",\"type\":\"FLOAT\"" in parameters
    assert r"\"name\":\"strict\",\"value\":\"true\",\"type\":\"BOOL\"" in parameters


def test_a_base_image_of_ones_own_is_built_upon(tmp_path, code):
    given = ("--python-class", "mine.Model", "--code-path", str(code), "--base-image", "me/base:1")
    run(tmp_path, *given)
    assert "FROM me/base:1\n" in texts(tmp_path)["Dockerfile"]


@pytest.mark.parametrize(
    "name", [name for name, server in known_servers().items() if server.local_class]
)
def test_every_server_of_ours_has_an_image_with_its_libraries(tmp_path, name):
    result = run(tmp_path, "--implementation", name)
    assert result.exception is None, result.output
    written, server = texts(tmp_path), known_servers()[name]
    assert server.libraries
    assert set(server.libraries) <= set(written["requirements.txt"].splitlines())
    assert f'ENV MODEL_NAME="{server.local_class}"' in written["Dockerfile"]


def test_a_model_asks_for_the_versions_that_it_was_trained_with(tmp_path):
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    model = LogisticRegression().fit([[0], [1]], [0, 1])
    joblib.dump(model, artifact / "model.joblib")
    before = sorted(tmp_path.iterdir())
    assert find_training(artifact)[0] == "SKLEARN_SERVER"
    assert sorted(tmp_path.iterdir()) == before
    result = run(tmp_path, "--model-uri", str(artifact))
    assert result.exception is None, result.output
    written = texts(tmp_path)
    assert written["requirements.txt"] == "scikit-learn\n"
    assert f"scikit-learn=={sklearn_version}\n" in written["constraints.txt"]
