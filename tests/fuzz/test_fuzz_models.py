"""Whatever is sent to a model of any library: its answer or its refusal, and no 500."""

from __future__ import annotations

from typing import Any

import pytest
import unit_process
from frameworks import models
from hypothesis import given
from hypothesis import strategies as st
from nearly_right import DATATYPES, inferences, messages, numbers, seldon_documents, words
from searching import searched

SERVERS = {
    "sklearn.SKLearnServer": (models.train_sklearn, "joblib"),
    "xgboost.XGBoostServer": (models.train_xgboost, "ubj"),
    "lightgbm.LightGBMServer": (models.train_lightgbm, "zenml"),
    "catboost.CatBoostServer": (models.train_catboost, "cbm"),
    "pytorch.PyTorchServer": (models.train_pytorch, "torchscript"),
    "onnx.ONNXServer": (models.train_onnx, "onnx"),
    "tensorflow.TensorFlowServer": (models.train_keras, "version folder"),
    "mlflow.MLflowServer": (models.train_mlflow, "sklearn"),
}

# Models here take rows of four numbers: what comes is that, or nearly.
four = st.lists(numbers, min_size=4, max_size=4)
rows = st.lists(four, max_size=3)
mixed = st.lists(numbers | words | st.none() | st.booleans(), min_size=4, max_size=4)
named = st.dictionaries(
    st.sampled_from(["x", "a", "instances", "inputs", "signature_name"]),
    rows | four | words | numbers,
    max_size=3,
)
nearly = st.one_of(
    *(rows, four, numbers, words, named, st.none(), st.just([[]])),
    st.lists(mixed, min_size=1, max_size=2),
    st.lists(rows, max_size=2),
    st.lists(named, max_size=3),
)
names = st.lists(words | st.sampled_from(["x", "f0", "sepal length (cm)"]), max_size=5)
tensors = st.fixed_dictionaries(
    {"shape": st.lists(st.integers(0, 5), max_size=3), "values": st.lists(numbers, max_size=8)}
)
documents = st.one_of(
    messages,
    seldon_documents,
    st.fixed_dictionaries({"jsonData": nearly}),
    *(
        st.fixed_dictionaries({"data": st.fixed_dictionaries(part, optional={"names": names})})
        for part in ({"ndarray": nearly}, {"tensor": tensors})
    ),
)


@st.composite
def requests(draw: Any) -> dict[str, Any]:
    """V2, of one tensor or two that is nearly the model's."""
    datatype = draw(st.sampled_from(sorted(DATATYPES)))
    height, width = draw(st.integers(0, 3)), draw(st.sampled_from([4, 4, 4, 0, 3]))
    shapes = [[height, width], [height * width], [height, width, 1], [1, height, width]]
    count = height * width
    given_input: dict[str, Any] = {
        "name": draw(st.sampled_from(["x", "predict", "input", "", "f0"])),
        "datatype": datatype,
        "shape": draw(st.sampled_from(shapes)),
        "data": draw(st.lists(DATATYPES[datatype], min_size=count, max_size=count)),
    }
    kinds = st.sampled_from(["np", "str", "pd", "base64", 7])
    if draw(st.booleans()):
        given_input["parameters"] = {"content_type": draw(kinds)}
    request: dict[str, Any] = {"inputs": [given_input] * draw(st.sampled_from([1, 1, 2]))}
    if draw(st.booleans()):
        request["parameters"] = {"content_type": draw(kinds)}
    if draw(st.booleans()):
        wanted = draw(st.sampled_from(["predict", "predict_proba", "output_0"]))
        request["outputs"] = [{"name": wanted, "parameters": {"binary_data": draw(st.booleans())}}]
    return request


@pytest.fixture(scope="module", params=SERVERS)
def model(request, start_unit, tmp_path_factory):
    train, form = SERVERS[request.param]
    folder = train().save(form, tmp_path_factory.mktemp("model") / "model")
    return start_unit(
        f"seldon_deployer.server.{request.param}",
        *("--metrics-port", "0"),
        PREDICTIVE_UNIT_ID="iris",
        **unit_process.parameters(model_uri=folder),
    )


@searched(60)
@given(documents)
def test_a_message_is_answered_or_refused(model, document):
    check(model.post("/predict", document))


@searched(60)
@given(requests() | inferences())
def test_a_request_of_v2_is_answered_or_refused(model, document):
    check(model.post("/v2/models/iris/infer", document))


def test_a_refusal_leaves_no_trace_in_the_log(model):
    assert "Traceback" not in model.log.read_text()


def check(answer) -> None:
    assert answer.status in (200, 400), answer.data
    assert b"Traceback" not in answer.data
