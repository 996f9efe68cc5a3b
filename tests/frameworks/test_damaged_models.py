"""Models that are cut, damaged, empty, of another framework or no file: one clear sentence each.

Each attempt is a forked child of a process that has imported the framework's library: what ends
the child by a signal would end a unit, with nothing said.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import models
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from unit_process import parameters, server_environment

SERVER = "seldon_deployer.server."
# In a process of its own, a line of JSON in and out: {"content": hex} -> {"error"} or {"answer"}.
ATTEMPTS = """
import importlib, json, os, signal, sys, warnings
from pathlib import Path

warnings.simplefilter("ignore")
path, library, file, folder = sys.argv[1:]
importlib.import_module(library)
module, _, name = path.rpartition(".")
server = getattr(importlib.import_module(module), name)
from seldon_deployer.errors import SeldonDeployerError
import numpy as np

target = Path(folder) / file
for line in sys.stdin:
    target.write_bytes(bytes.fromhex(json.loads(line)["content"]))
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        try:
            unit = server(folder)
            unit.load()
            answer = unit.predict(np.full((2, 4), 1.5, dtype=np.float32), [])
            told = {"answer": np.asarray(answer, dtype=float).tolist()}
        except SeldonDeployerError as error:
            told = {"what": error.what, "why": error.why, "hint": error.hint}
        except Exception as error:
            told = {"refused": f"{type(error).__name__}: {error}"}
        os.write(writing, json.dumps(told).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    status = os.waitpid(child, 0)[1]
    ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    print(json.dumps({"signal": ended, **json.loads(said or "{}")}), flush=True)
"""


class Attempts:
    """A process that tries to load one content after the other."""

    def __init__(self, server: str, library: str, file: Path, folder: Path) -> None:
        self.content = file.read_bytes()
        self._process = subprocess.Popen(
            [sys.executable, "-c", ATTEMPTS, SERVER + server, library, file.name, str(folder)],
            env=server_environment(OMP_NUM_THREADS="1"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.whole = self.load(self.content)

    def load(self, content: bytes) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"content": content.hex()}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()


# Server, library, how it is trained and saved, its file, and from which part of the file on a cut
# is harmless: after LightGBM's trees come numbers that nobody predicts with.
KINDS = {
    "sklearn": ("sklearn.SKLearnServer", "sklearn.linear_model", "sklearn", "joblib", 1.0),
    "pickled lightgbm": ("sklearn.SKLearnServer", "lightgbm", "lightgbm", "pickle", 1.0),
    "xgboost json": ("xgboost.XGBoostServer", "xgboost", "xgboost", "zenml", 1.0),
    "xgboost ubj": ("xgboost.XGBoostServer", "xgboost", "xgboost", "ubj", 1.0),
    "lightgbm": ("lightgbm.LightGBMServer", "lightgbm", "lightgbm", "zenml", 0.7),
    "catboost": ("catboost.CatBoostServer", "catboost", "catboost", "cbm", 1.0),
    "onnx": ("onnx.ONNXServer", "onnxruntime", "onnx", "onnx", 1.0),
    "pytorch": ("pytorch.PyTorchServer", "torch", "pytorch", "torchscript", 1.0),
}


@pytest.fixture(scope="module", params=KINDS)
def attempts(request, tmp_path_factory):
    server, library, train, form, harmless_from = KINDS[request.param]
    models.library(library.partition(".")[0])
    saved = getattr(models, f"train_{train}")().save(form, tmp_path_factory.mktemp("a") / "model")
    [file] = [each for each in saved.iterdir() if each.suffix != ".txt" or train == "lightgbm"][:1]
    if form == "pickle":
        file = (saved / "artifact.pkl").rename(saved / "model.joblib")
    trying = Attempts(server, library, file, tmp_path_factory.mktemp("tried"))
    trying.harmless_from = int(harmless_from * len(trying.content))
    yield trying
    trying.stop()


def assert_clear(told: dict[str, Any]) -> None:
    assert told["signal"] is None
    assert told["what"].startswith("cannot read the model model.")
    assert told["hint"]
    assert told["why"]
    for noise in ("\n", "Stack trace", ".cpp:", ".cc:", "/__w/", "miniz error"):
        assert noise not in told["why"]
    assert told["why"] not in ("EOFError", "KeyError", "std::bad_alloc")


slowly = settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def test_the_whole_file_answers(attempts):
    assert len(attempts.whole["answer"]) == 2


@slowly
@given(data=st.data())
def test_a_model_that_is_cut_is_one_clear_sentence(attempts, data):
    cut = data.draw(st.integers(0, len(attempts.content) - 1))

    told = attempts.load(attempts.content[:cut])

    if cut < attempts.harmless_from or "answer" not in told:
        assert_clear(told)
    else:
        assert told == attempts.whole


@slowly
@given(data=st.data())
def test_a_damaged_model_ends_no_process(attempts, data):
    at = data.draw(st.integers(0, len(attempts.content) - 1))
    change = data.draw(st.integers(1, 255))
    content = bytearray(attempts.content)
    content[at] ^= change

    told = attempts.load(bytes(content))

    # Some bytes are nobody's; others change a number, which no structure tells.
    assert told["signal"] is None
    if "what" in told:
        assert_clear(told)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 100, b"no model at all\n" * 9, b'{"rows": []}', b"PK\x03\x04junk"]
)
def test_what_is_no_model_is_one_clear_sentence(attempts, content):
    assert_clear(attempts.load(content))


OTHERS = {
    "sklearn.SKLearnServer": ("model.joblib", "xgboost", "zenml", "XGBoost"),
    "xgboost.XGBoostServer": ("model.bst", "lightgbm", "zenml", "LightGBM"),
    "lightgbm.LightGBMServer": ("model.txt", "catboost", "cbm", "CatBoost"),
    "catboost.CatBoostServer": ("model.cbm", "sklearn", "pickle", "scikit-learn"),
    "onnx.ONNXServer": ("model.onnx", "lightgbm", "zenml", "LightGBM"),
    "pytorch.PyTorchServer": ("model.pt", "xgboost", "ubj", "XGBoost"),
    "keras.KerasServer": ("model.keras", "catboost", "json", "CatBoost"),
}


@pytest.mark.parametrize("server", OTHERS)
def test_another_frameworks_model_is_called_by_its_name(run_server, tmp_path, server):
    name, train, form, title = OTHERS[server]
    saved = getattr(models, f"train_{train}")().save(form, tmp_path / "other")
    folder = tmp_path / "model"
    folder.mkdir()
    [content] = [each for each in saved.iterdir() if each.name != "python_version.txt"]
    (folder / name).write_bytes(content.read_bytes())

    ended = run_server(SERVER + server, "--http-port", "0", **parameters(model_uri=folder))

    assert ended.returncode == 1, ended.stderr
    assert f"cannot read the model {name}: it holds a model of {title}" in last_line(ended)
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("server", OTHERS)
def test_a_folder_where_the_file_belongs_is_called_a_folder(run_server, tmp_path, server):
    name = OTHERS[server][0]
    (tmp_path / name).mkdir()

    ended = run_server(SERVER + server, "--http-port", "0", **parameters(model_uri=tmp_path))

    assert ended.returncode == 1, ended.stderr
    assert f"{name} is a folder, and a file is wanted" in last_line(ended)


@pytest.mark.parametrize("form", ["zenml", "h5"])
@pytest.mark.parametrize("part", [0.0, 0.9])
def test_a_keras_model_that_is_cut_is_one_clear_sentence(run_server, tmp_path, form, part):
    folder = models.train_keras().save(form, tmp_path / "model")
    [file] = folder.iterdir()
    content = file.read_bytes()
    file.write_bytes(content[: int(part * len(content))])

    ended = run_server(
        f"{SERVER}keras.KerasServer", "--http-port", "0", **parameters(model_uri=folder)
    )

    assert ended.returncode == 1, ended.stderr
    assert last_line(ended).startswith(f"error: cannot read the model {file.name}: it")


def test_an_mlflow_folder_with_a_damaged_model_is_one_clear_sentence(run_server, tmp_path):
    folder = models.train_mlflow().save("lightgbm", tmp_path / "model")
    file = folder / "model.lgb"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])

    ended = run_server(
        f"{SERVER}mlflow.MLflowServer", "--http-port", "0", **parameters(model_uri=folder)
    )

    assert ended.returncode == 1, ended.stderr
    assert "LightGBM ends the process over it (SIG" in last_line(ended)


def last_line(ended: subprocess.CompletedProcess[str]) -> str:
    return ended.stderr.strip().splitlines()[-1]
