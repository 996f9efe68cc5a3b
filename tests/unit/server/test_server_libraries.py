"""A unit whose framework is not there, or does not work: its end tells which, before readiness."""

import pytest
from unit_process import parameters

SERVER = "seldon_deployer.server."
# Stands for an environment without these packages, for whatever imports them.
MISSING = """
import os, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in os.environ["MISSING"].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

sys.meta_path.insert(0, Missing())
"""
LOADERS = [
    ("sklearn.SKLearnServer", "model.joblib", "joblib", "joblib"),
    ("xgboost.XGBoostServer", "model.json", "xgboost", "xgboost"),
    ("lightgbm.LightGBMServer", "model.txt", "lightgbm", "lightgbm"),
    ("catboost.CatBoostServer", "model.cbm", "catboost", "catboost"),
    ("pytorch.PyTorchServer", "model.pt", "torch", "torch"),
    ("onnx.ONNXServer", "model.onnx", "onnxruntime", "onnxruntime"),
    ("keras.KerasServer", "model.keras", "tensorflow", "tensorflow"),
    ("keras.KerasServer", "saved_model.pb", "tensorflow", "tensorflow"),
    ("mlflow.MLflowServer", "MLmodel", "mlflow", "mlflow-skinny"),
    ("huggingface.HuggingFaceServer", "config.json", "transformers", "transformers"),
]


@pytest.fixture
def bare(tmp_path):
    """A folder for the path of a process that then lacks what MISSING names."""
    code = tmp_path / "bare"
    code.mkdir()
    (code / "sitecustomize.py").write_text(MISSING)
    return code


@pytest.mark.parametrize(("server", "file", "module", "package"), LOADERS)
def test_a_missing_framework_ends_the_start_with_the_package_to_install(
    run_server, bare, tmp_path, server, file, module, package
):
    (tmp_path / file).write_bytes(b"")
    result = run_server(
        f"{SERVER}{server}",
        "--http-port",
        "0",
        code=bare,
        MISSING=module,
        **parameters(model_uri=tmp_path),
    )
    assert result.returncode == 1, result.stderr
    *_, hint, reason = result.stderr.strip().splitlines()
    assert reason.startswith(f"error: the package {package} is not installed: ")
    assert hint.startswith(f"try: pip install {package}")
    assert "Traceback" not in result.stderr
    assert "listening" not in result.stderr


def test_what_a_framework_itself_lacks_is_named_too(run_server, bare, tmp_path):
    (bare / "xgboost.py").write_text("import a_part_of_it")
    (tmp_path / "model.json").write_bytes(b"")
    result = run_server(
        f"{SERVER}xgboost.XGBoostServer",
        "--http-port",
        "0",
        code=bare,
        MISSING="a_part_of_it",
        **parameters(model_uri=tmp_path),
    )
    assert "the package a_part_of_it is not installed" in result.stderr


def test_a_framework_that_does_not_work_here_is_told_with_its_reason(run_server, bare, tmp_path):
    (bare / "lightgbm.py").write_text("raise OSError('libgomp.so.1: cannot open shared object')")
    (tmp_path / "model.txt").write_bytes(b"")
    result = run_server(
        f"{SERVER}lightgbm.LightGBMServer",
        "--http-port",
        "0",
        code=bare,
        MISSING="",
        **parameters(model_uri=tmp_path),
    )
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert "the package lightgbm cannot be imported: OSError: libgomp.so.1" in last
