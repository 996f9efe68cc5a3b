from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from seldon_deployer.artifacts.detect import Detected, detect
from seldon_deployer.artifacts.record import ArtifactRecord
from seldon_deployer.catalogue import known_servers
from seldon_deployer.errors import ArtifactError, ConfigError, SeldonDeployerError

SKLEARN = "SKLEARN_SERVER"


def found(files: list[str], protocol: str = "seldon", implementation: str | None = None):
    detected = detect(files, protocol=protocol, implementation=implementation)
    return detected.framework, detected.file, detected.implementation, detected.fits


@pytest.mark.parametrize(
    ("files", "protocol", "expected"),
    [
        (["model.joblib"], "seldon", ("sklearn", "model.joblib", SKLEARN, True)),
        (
            ["metadata.yaml", "model.joblib", "model.pkl"],
            "seldon",
            ("sklearn", "model.joblib", SKLEARN, True),
        ),
        (["model.pickle"], "v2", ("sklearn", "model.pickle", SKLEARN, True)),
        (["model.pickle"], "seldon", ("pickle", "model.pickle", None, False)),
        (["model.pkl"], "seldon", ("pickle", "model.pkl", None, False)),
        (["artifact.pkl", "python_version.txt"], "seldon", ("pickle", "artifact.pkl", None, False)),
        ([".hidden.pkl", "clf.joblib"], "v2", ("pickle", "clf.joblib", None, False)),
        (["model.bst"], "seldon", ("xgboost", "model.bst", "XGBOOST_SERVER", True)),
        (["model.json"], "seldon", ("xgboost", "model.json", "XGBOOST_SERVER", False)),
        (["model.json"], "v2", ("xgboost", "model.json", "XGBOOST_SERVER", True)),
        (["model.bst", "model.json"], "v2", ("xgboost", "model.bst", "XGBOOST_SERVER", True)),
        (["model.txt"], "v2", ("lightgbm", "model.txt", "LIGHTGBM_SERVER", True)),
        (["model.cbm"], "seldon", ("catboost", "model.cbm", "CATBOOST_SERVER", True)),
        (["iris.cbm"], "seldon", ("catboost", "iris.cbm", "CATBOOST_SERVER", False)),
        (["model.onnx"], "seldon", ("onnx", "model.onnx", "ONNX_SERVER", True)),
        (["model.keras"], "seldon", ("keras", "model.keras", "KERAS_SERVER", True)),
        (["model.pt"], "v2", ("pytorch", "model.pt", "PYTORCH_SERVER", True)),
        (
            ["saved_model.pb", "variables/variables.index"],
            "seldon",
            ("tensorflow", "saved_model.pb", "KERAS_SERVER", True),
        ),
        (
            ["3/saved_model.pb", "3/variables/variables.index"],
            "v2",
            ("tensorflow", "3/saved_model.pb", "KERAS_SERVER", False),
        ),
        (
            # What is in an MLflow folder is the flavor's own.
            ["MLmodel", "conda.yaml", "model.pkl", "model.json"],
            "v2",
            ("mlflow", "MLmodel", "MLFLOW_SERVER", True),
        ),
        (
            ["iris/1/model.onnx", "iris/config.pbtxt"],
            "v2",
            ("triton", "iris/1/model.onnx", "TRITON_SERVER", True),
        ),
        (
            ["config.json", "model.safetensors", "tokenizer.json"],
            "v2",
            ("huggingface", "config.json", "HUGGINGFACE_SERVER", True),
        ),
        (
            ["config.json", "model.safetensors"],
            "seldon",
            ("huggingface", "config.json", "OUR_HUGGINGFACE_SERVER", True),
        ),
        (
            ["hf_pt_model/config.json", "hf_pt_model/pytorch_model-00001-of-00002.bin"],
            "v2",
            ("huggingface", "hf_pt_model/config.json", "HUGGINGFACE_SERVER", False),
        ),
    ],
)
def test_the_model_is_found_by_its_names(
    files: list[str], protocol: str, expected: tuple[str, str, str | None, bool]
) -> None:
    assert found(files, protocol) == expected


def test_a_servers_own_file_is_taken_where_that_server_is_named() -> None:
    for implementation, files in {
        "XGBOOST_SERVER": ["model.bst", "model.joblib"],
        "TENSORFLOW_SERVER": ["1/saved_model.pb"],
        "OUR_SKLEARN_SERVER": ["model.joblib", "model.bst"],
    }.items():
        assert found(files, implementation=implementation)[2:] == (implementation, True)


def test_a_server_of_which_nothing_is_known_takes_what_it_is_given() -> None:
    assert found(["settings.json", "code/model.py"], "v2", "TEMPO_SERVER")[2:] == (
        "TEMPO_SERVER",
        True,
    )


@pytest.mark.parametrize(
    ("files", "implementation", "message"),
    [
        ([], None, "its folder is empty"),
        ([".DS_Store"], None, "its folder is empty"),
        (["data.npy", "shape.json"], None, "is a numpy array, no model: found data.npy"),
        (["df.parquet.gzip"], None, "is a pandas frame, no model: found df.parquet.gzip"),
        (["dataframe.parquet"], None, "is a polars frame, no model"),
        (["data.json"], None, "is a plain value, no model"),
        (["hf_tokenizer/vocab.txt"], None, "is a Hugging Face tokenizer without its model"),
        (["report.csv"], None, "is a table, no model"),
        (["sub/model.pkl"], None, "holds no model: found sub/model.pkl"),
        (["a/b/model.pkl", "ml/MLmodel", "x/y.csv"], None, "the folder of one: a/b, ml"),
        ([f"{i}.txt" for i in range(20)], None, "and 12 more"),
        (["a.pkl", "b.pkl"], None, "more than one model: found a.pkl, b.pkl"),
        (["model.bst", "model.cbm"], None, "more than one model: found model.bst, model.cbm"),
        (["iris/1/model.onnx"], None, "with the protocol seldon"),
        (["iris/1/model.onnx"], None, "set protocol to v2"),
        (["final_checkpoint.ckpt"], None, "weights without the code"),
        (["model.safetensors"], None, "weights without the code"),
        (["iris.weights.h5"], None, "weights without the code"),
        (["model.joblib"], "XGBOOST_SERVER", "none that XGBOOST_SERVER reads: it wants model.bst"),
        (["model.json"], SKLEARN, "none that SKLEARN_SERVER reads: it wants model.joblib"),
        (["MLmodel"], "ONNX_SERVER", "none that ONNX_SERVER reads: it wants model.onnx"),
        (["a.onnx", "b.onnx"], "ONNX_SERVER", "more than one model: found a.onnx, b.onnx"),
    ],
)
def test_no_model_is_an_error_that_says_what_is_there(
    files: list[str], implementation: str | None, message: str
) -> None:
    with pytest.raises(ArtifactError) as caught:
        detect(files, implementation=implementation)

    assert message in str(caught.value)
    assert caught.value.hint


def test_an_unknown_server_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="SKLEARN_SERVER"):
        detect(["model.joblib"], implementation="SKLEARN")


def test_what_a_pipeline_noted_tells_a_pickle_apart() -> None:
    record = ArtifactRecord(data_type="sklearn.linear_model._logistic.LogisticRegression")

    assert detect(["artifact.pkl"], record=record) == Detected(
        "sklearn", "artifact.pkl", SKLEARN, False, format="pickle", target="model.joblib"
    )


def test_what_a_pipeline_noted_chooses_between_models() -> None:
    record = ArtifactRecord(data_type="catboost.core.CatBoostClassifier")

    assert detect(["model.bst", "model.cbm"], record=record).file == "model.cbm"


def test_data_that_a_pipeline_noted_is_called_by_its_name() -> None:
    with pytest.raises(ArtifactError, match="is a PyTorch data loader, no model"):
        detect(
            ["stored"], record=ArtifactRecord(data_type="torch.utils.data.dataloader.DataLoader")
        )


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b'{"learner":{"attributes":{}', ("xgboost", "json")),
        (b'\n {\n  "features_info":\n', ("catboost", "json")),
    ],
)
def test_content_tells_apart_what_shares_a_name(head: bytes, expected: tuple[str, str]) -> None:
    detected = detect(["model.json"], read=lambda path, limit_bytes: head[:limit_bytes])

    assert (detected.framework, detected.format) == expected


@pytest.mark.parametrize("head", [b"", b'{"rows": []}', b"[1]", b"\x89PNG", b"PK\x05\x06"])
@pytest.mark.parametrize("name", ["model.json", "model.txt", "model.bin", "settings.json"])
def test_a_models_name_on_anything_else_is_no_model(name: str, head: bytes) -> None:
    with pytest.raises(ArtifactError, match="holds no model"):
        detect([name], read=lambda path, limit_bytes: head)


@pytest.mark.parametrize("name", ["finalized_model.sav", "iris", "model.bin", "iris.model"])
@pytest.mark.parametrize("protocol", [2, 5])
def test_a_pickled_model_may_have_any_of_the_usual_names(name: str, protocol: int) -> None:
    content = pickle.dumps(LogisticRegression(), protocol=protocol)

    detected = detect([name, "README.md"], read=lambda path, limit_bytes: content[:limit_bytes])

    assert (detected.implementation, detected.target) == (SKLEARN, "model.joblib")


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
@pytest.mark.parametrize(
    ("server", "wanted", "target"),
    [
        (None, "keras", "model.keras"),
        ("KERAS_SERVER", "keras", "model.keras"),
        ("TENSORFLOW_SERVER", "savedmodel", "1/saved_model.pb"),
    ],
)
def test_a_pickled_keras_model_is_turned_into_what_its_server_reads(
    protocol: str, server: str | None, wanted: str, target: str
) -> None:
    # As cloudpickle writes it: before the class the function that builds the model again.
    content = (
        b"\x80\x02ccloudpickle.cloudpickle\n_make_function\nq\x000"
        b"ckeras.src.models.functional\nFunctional\nq\x01)\x81q\x02."
    )

    detected = detect(
        ["artifact.pkl", "python_version.txt"],
        protocol=protocol,
        implementation=server,
        read=lambda path, limit_bytes: content[:limit_bytes] if path == "artifact.pkl" else b"3.11",
    )

    assert (detected.framework, detected.implementation) == ("keras", server or "KERAS_SERVER")
    assert (detected.fits, detected.converted_to, detected.target) == (False, wanted, target)


def test_data_beside_a_model_is_no_second_one() -> None:
    pickled = {"data.pkl": np.zeros(3), "model.pkl": LogisticRegression()}

    detected = detect(
        list(pickled), read=lambda path, limit_bytes: pickle.dumps(pickled[path])[:limit_bytes]
    )

    assert detected.file == "model.pkl"


def test_only_first_bytes_of_undecided_files_are_asked_for() -> None:
    asked: list[tuple[str, int]] = []

    def read(path: str, limit_bytes: int) -> bytes:
        asked.append((path, limit_bytes))
        return b'{"learner":{}}'

    detect(["model.json", "variables/weights.json", "picture.png"], read=read)

    assert [path for path, _ in asked] == ["model.json"]
    assert asked[0][1] <= 64 * 1024


names = st.sampled_from(
    [
        *("MLmodel", "saved_model.pb", "1/saved_model.pb", "config.json", "model.safetensors"),
        *("model.joblib", "artifact.pkl", "model.bst", "model.json", "model.txt", "model.cbm"),
        *("model.onnx", "model.keras", "model.h5", "model.pt", "entire_model.pt", "checkpoint.pt"),
        *("iris/1/model.onnx", "data.npy", "df.csv", "README.md", ".hidden", "x/y/z.bin"),
    ]
)


@given(
    st.lists(names | st.text(max_size=12), unique=True, max_size=6),
    st.sampled_from(["seldon", "v2"]),
    st.none() | st.sampled_from(sorted(known_servers())),
    st.none() | st.binary(max_size=200),
)
def test_any_listing_is_a_model_or_a_clear_error(
    files: list[str], protocol: str, implementation: str | None, head: bytes | None
) -> None:
    read = None if head is None else (lambda path, limit_bytes: head[:limit_bytes])
    try:
        detected = detect(files, protocol=protocol, implementation=implementation, read=read)
    except SeldonDeployerError as error:
        told = error
    else:
        told = None
    if told is not None:
        assert told.what
        assert told.why
        return
    assert detected.file in files
    assert implementation in (None, detected.implementation)
    if detected.fits:
        assert detected.target == detected.file


@given(
    st.lists(names, unique=True, max_size=6),
    st.sampled_from(["seldon", "v2"]),
    st.randoms(use_true_random=False),
)
def test_the_order_of_a_listing_does_not_matter(files: list[str], protocol: str, random) -> None:
    def outcome(listing: list[str]) -> object:
        try:
            return detect(listing, protocol=protocol)
        except ArtifactError as error:
            return str(error)

    assert outcome(files) == outcome(random.sample(files, len(files)))


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (b'{"architectures": ["BertForMaskedLM"]}', {"task": "fill-mask"}),
        (b'{"architectures": ["GPT2LMHeadModel"]}', {"task": "text-generation"}),
        # Two of one task, and two of two.
        (
            b'{"architectures": ["XForCausalLM", "YLMHeadModel"]}',
            {"task": "text-generation"},
        ),
        (b'{"architectures": ["BertForMaskedLM", "BertForTokenClassification"]}', {}),
        (b'{"architectures": ["Wav2Vec2ForSequenceClassification"]}', {}),
        (b'{"architectures": ["T5ForConditionalGeneration"]}', {}),
        (b'{"architectures": [1]}', {}),
        (b'{"architectures": "BertForMaskedLM"}', {}),
        (b'{"architectures": null}', {}),
        (b"[]", {}),
        (b"{", {}),
        (b"\xff", {}),
    ],
)
def test_a_configuration_tells_the_task_that_its_architecture_is_for(config, told):
    files = ["config.json", "model.safetensors", "tokenizer.json"]

    found = detect(files, protocol="v2", read=lambda name, limit: config, is_local=False)

    assert found.implementation == "HUGGINGFACE_SERVER"
    assert found.parameters == told


def test_a_server_that_finds_the_task_itself_is_told_none():
    config = b'{"architectures": ["BertForMaskedLM"]}'

    found = detect(["config.json", "model.safetensors"], read=lambda name, limit: config)

    assert (found.implementation, found.parameters) == ("OUR_HUGGINGFACE_SERVER", {})
