from __future__ import annotations

import pytest

from seldon_deployer.artifacts.detect import Detected, detect
from seldon_deployer.errors import ArtifactError, ConfigError

SKLEARN = "SKLEARN_SERVER"


@pytest.mark.parametrize(
    ("files", "protocol", "expected"),
    [
        (["model.joblib"], "seldon", Detected("sklearn", "model.joblib", SKLEARN, fits=True)),
        (
            ["metadata.yaml", "model.joblib", "model.pkl"],
            "seldon",
            Detected("sklearn", "model.joblib", SKLEARN, fits=True),
        ),
        (["model.pickle"], "v2", Detected("sklearn", "model.pickle", SKLEARN, fits=True)),
        (["model.pickle"], "seldon", Detected("pickle", "model.pickle", None, fits=False)),
        (["model.pkl"], "seldon", Detected("pickle", "model.pkl", None, fits=False)),
        (
            ["artifact.pkl", "python_version.txt"],
            "seldon",
            Detected("pickle", "artifact.pkl", None, fits=False),
        ),
        ([".hidden.pkl", "clf.joblib"], "v2", Detected("pickle", "clf.joblib", None, fits=False)),
    ],
)
def test_the_model_is_found(files: list[str], protocol: str, expected: Detected) -> None:
    assert detect(files, protocol=protocol) == expected


def test_another_servers_file_is_taken_where_that_server_is_named() -> None:
    assert detect(["model.bst"], implementation="XGBOOST_SERVER").fits
    assert detect(["1/saved_model.pb"], implementation="TENSORFLOW_SERVER").fits


@pytest.mark.parametrize(
    ("files", "implementation", "message"),
    [
        ([], None, "its folder is empty"),
        ([".DS_Store"], None, "its folder is empty"),
        (["data.npy", "shape.json"], None, "holds no model: found data.npy, shape.json"),
        (["df.parquet.gzip"], None, "holds no model: found df.parquet.gzip"),
        (["sub/model.pkl"], None, "holds no model: found sub/model.pkl"),
        ([f"{i}.txt" for i in range(20)], None, "and 12 more"),
        (["a.pkl", "b.pkl"], None, "more than one model: found a.pkl, b.pkl"),
        (["model.json"], None, "a XGBoost model cannot be deployed yet"),
        (["1/saved_model.pb"], None, "a TensorFlow model cannot be deployed yet"),
        (["MLmodel", "conda.yaml"], None, "a MLflow model cannot be deployed yet"),
        (["model.keras"], None, "a Keras model cannot be deployed yet"),
        (["entire_model.pt", "checkpoint.pt"], None, "a PyTorch model cannot be deployed yet"),
        (["model.joblib"], "XGBOOST_SERVER", "none that XGBOOST_SERVER reads: it wants model.bst"),
        (["model.json"], SKLEARN, "a XGBoost model"),
    ],
)
def test_no_model_is_an_error_that_lists_what_was_seen(
    files: list[str], implementation: str | None, message: str
) -> None:
    with pytest.raises(ArtifactError) as caught:
        detect(files, implementation=implementation)

    assert message in str(caught.value)
    assert caught.value.hint


def test_an_unknown_server_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="SKLEARN_SERVER"):
        detect(["model.joblib"], implementation="SKLEARN")
