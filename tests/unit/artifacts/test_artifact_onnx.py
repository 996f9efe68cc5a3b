from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from frameworks import models
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.artifacts.layout import list_files, prepare
from seldon_deployer.artifacts.onnx_graph import ANY_SIZE, Tensor, read_onnx
from seldon_deployer.artifacts.wire import Message
from seldon_deployer.errors import ArtifactError

FLOAT = 1


def graph(inputs: list[tuple[str, int, list[int | str]]], weights: int = 0) -> object:
    """An ONNX model that gives back its inputs; `weights` values lie in an initializer."""
    onnx = models.library("onnx")
    values = [onnx.helper.make_tensor_value_info(*each) for each in inputs]
    outputs = [
        onnx.helper.make_tensor_value_info(f"{name}_out", kind, shape)
        for name, kind, shape in inputs
    ]
    nodes = [onnx.helper.make_node("Identity", [name], [f"{name}_out"]) for name, _, _ in inputs]
    constant = onnx.numpy_helper.from_array(np.full(weights, 0.5, np.float32), "w")
    return onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "g", values, outputs, [constant] if weights else []),
        opset_imports=[onnx.helper.make_opsetid("", 13)],
        producer_name="pytorch",
        producer_version="2.1.0",
    )


kinds = st.sampled_from([1, 2, 3, 6, 7, 9, 10, 11])
shapes = st.lists(st.integers(1, 500) | st.sampled_from(["batch", "n"]), max_size=4)


@given(
    st.dictionaries(
        st.text("abcxyz_0", min_size=1, max_size=8),
        st.tuples(kinds, shapes),
        min_size=1,
        max_size=4,
    )
)
def test_tensors_are_read_as_the_library_wrote_them(
    tmp_path_factory: pytest.TempPathFactory, inputs: dict[str, tuple[int, list[int | str]]]
) -> None:
    onnx = models.library("onnx")
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    onnx.save(graph([(name, kind, shape) for name, (kind, shape) in inputs.items()]), path)

    model = read_onnx(path)

    assert model.inputs == tuple(
        Tensor(name, kind, tuple(ANY_SIZE if isinstance(size, str) else size for size in shape))
        for name, (kind, shape) in inputs.items()
    )
    assert [tensor.name for tensor in model.outputs] == [f"{name}_out" for name in inputs]
    assert (model.opset, model.producer, model.producer_version) == (13, "pytorch", "2.1.0")


@given(st.binary(max_size=200))
def test_any_bytes_are_fields_or_a_clear_end(content: bytes) -> None:
    message = Message(content, 0, len(content))
    try:
        nested = message.messages(1)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either outcome is fine
        return
    assert all(0 <= each.start <= each.end <= len(content) for each in nested)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07", b"\xff" * 30])
def test_what_is_no_onnx_model_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.onnx").write_bytes(content)

    with pytest.raises(ArtifactError, match=r"no protocol buffer|it is empty"):
        prepare(tmp_path)


def test_weights_beside_the_model_go_along(tmp_path: Path) -> None:
    onnx = models.library("onnx")
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    onnx.save_model(
        graph([("x", FLOAT, ["n", 3])], weights=2000),
        artifact / "iris.onnx",
        save_as_external_data=True,
        location="iris.weights",
    )

    prepared = prepare(artifact)

    assert list_files(prepared.path) == ["iris.weights", "model.onnx"]
    assert onnx.load(prepared.path / "model.onnx").graph.initializer[0].raw_data
    # New weights are a new model, though the graph is the same.
    (artifact / "iris.weights").write_bytes(b"\0" * 8000)
    assert prepare(artifact).path != prepared.path


def test_weights_elsewhere_are_refused(tmp_path: Path) -> None:
    onnx = models.library("onnx")
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    model = graph([("x", FLOAT, ["n", 3])], weights=2000)
    onnx.external_data_helper.convert_model_to_external_data(model, location="w", size_threshold=0)
    for weight in model.graph.initializer:
        weight.external_data[0].value = "../secret"
    (tmp_path / "secret").write_bytes(b"\0" * 8000)
    (artifact / "iris.onnx").write_bytes(model.SerializeToString())

    with pytest.raises(ArtifactError, match="not in the model's own folder"):
        prepare(artifact)


def test_triton_gets_a_repository_that_describes_the_tensors(tmp_path: Path) -> None:
    artifact = models.train_onnx().save("onnx", tmp_path / "artifact")

    prepared = prepare(artifact, protocol="v2", implementation="TRITON_SERVER", model_name="iris")

    assert list_files(prepared.path) == ["iris/1/model.onnx", "iris/config.pbtxt"]
    config = (prepared.path / "iris" / "config.pbtxt").read_text()
    assert " ".join(config.split()) == (
        'name: "iris" platform: "onnxruntime_onnx" max_batch_size: 0 '
        'input [ { name: "x" data_type: TYPE_FP32 dims: [ -1, 4 ] } ] '
        'output [ { name: "probabilities" data_type: TYPE_FP32 dims: [ -1, 3 ] } ]'
    )


def test_triton_gets_a_saved_model_and_a_name(tmp_path: Path) -> None:
    (tmp_path / "artifact" / "variables").mkdir(parents=True)
    (tmp_path / "artifact" / "saved_model.pbtxt").write_text("saved_model_schema_version: 1")
    (tmp_path / "artifact" / "variables" / "variables.index").write_bytes(
        # The mark that such a table ends with.
        bytes.fromhex("57fb808b247547db")
    )
    (tmp_path / "artifact" / "variables" / "variables.data-00000-of-00001").write_bytes(b"1")

    prepared = prepare(tmp_path / "artifact", protocol="v2", implementation="TRITON_SERVER")

    assert list_files(prepared.path) == [
        "model/1/model.savedmodel/saved_model.pbtxt",
        "model/1/model.savedmodel/variables/variables.data-00000-of-00001",
        "model/1/model.savedmodel/variables/variables.index",
        "model/config.pbtxt",
    ]


def test_triton_gets_torchscript_with_the_description_beside_it(tmp_path: Path) -> None:
    artifact = models.train_pytorch().save("torchscript", tmp_path / "artifact")
    with pytest.raises(ArtifactError, match=r"put a config\.pbtxt beside it"):
        prepare(artifact, protocol="v2", implementation="TRITON_SERVER")
    (artifact / "config.pbtxt").write_text('name: "old"\nplatform: "pytorch_libtorch"\n')

    prepared = prepare(artifact, protocol="v2", implementation="TRITON_SERVER", model_name="iris")

    assert list_files(prepared.path) == ["iris/1/model.pt", "iris/config.pbtxt"]
    config = (prepared.path / "iris" / "config.pbtxt").read_text()
    assert config == 'name: "iris"\nplatform: "pytorch_libtorch"\n'


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('name: "old"\nbackend: "pytorch"', 'backend: "pytorch"'),
        ("  name : 'old' backend: \"pytorch\"", 'backend: "pytorch"'),
        ('backend: "pytorch"\nname: "old"', 'backend: "pytorch"'),
        (
            'input [\n  {\n    name: "INPUT__0"\n    dims: [ 4 ]\n  }\n]\nname: "old"',
            'input [\n  {\n    name: "INPUT__0"\n    dims: [ 4 ]\n  }\n]',
        ),
        ('input < name: "a" > # name: "b"', 'input < name: "a" > # name: "b"'),
        ('platform_name: "a"', 'platform_name: "a"'),
        # A bracket within a text or a comment opens nothing.
        ('backend: "{" # [\nname: "old"', 'backend: "{" # ['),
    ],
)
def test_of_the_description_beside_torchscript_only_the_models_own_name_is_replaced(
    tmp_path: Path, given: str, expected: str
) -> None:
    artifact = models.train_pytorch().save("torchscript", tmp_path / "artifact")
    (artifact / "config.pbtxt").write_text(given)

    prepared = prepare(artifact, protocol="v2", implementation="TRITON_SERVER", model_name="iris")

    config = (prepared.path / "iris" / "config.pbtxt").read_text()
    assert config == f'name: "iris"\n{expected}\n'


def test_another_description_beside_torchscript_is_another_repository(tmp_path: Path) -> None:
    artifact = models.train_pytorch().save("torchscript", tmp_path / "artifact")
    paths = set()
    for size in (4, 8, 4):
        (artifact / "config.pbtxt").write_text(f"max_batch_size: {size}")
        prepared = prepare(artifact, protocol="v2", implementation="TRITON_SERVER")
        config = (prepared.path / "model" / "config.pbtxt").read_text()
        assert config == f'name: "model"\nmax_batch_size: {size}\n'
        paths.add(prepared.path)

    assert len(paths) == 2


def test_another_models_name_is_another_repository(tmp_path: Path) -> None:
    artifact = models.train_onnx().save("onnx", tmp_path / "artifact")

    paths = {
        prepare(artifact, protocol="v2", implementation="TRITON_SERVER", model_name=name).path.name
        for name in ("iris", "wine")
    }

    assert len(paths) == 2


@pytest.mark.parametrize("name", ["", "..", "a/b", "/etc"])
def test_a_models_name_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    artifact = models.train_onnx().save("onnx", tmp_path / "artifact")

    with pytest.raises(ArtifactError, match="no name for a model"):
        prepare(artifact, protocol="v2", implementation="TRITON_SERVER", model_name=name)
