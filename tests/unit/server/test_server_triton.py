"""Triton's repositories and configurations as they are read, without any framework."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seldon_deployer.errors import ArtifactError
from seldon_deployer.server.component import UnitError
from seldon_deployer.server.tensors import TensorSpec
from seldon_deployer.server.triton_config import ModelConfig, TensorConfig, read_config
from seldon_deployer.server.triton_repository import ONNX, TENSORFLOW, TORCH, find_model
from seldon_deployer.server.triton_tensors import link_by_name, link_by_position

FILES = {ONNX: "model.onnx", TORCH: "model.pt", TENSORFLOW: "model.savedmodel"}
TYPES = {
    "TYPE_BOOL": "bool",
    "TYPE_INT64": "int64",
    "TYPE_FP16": "float16",
    "TYPE_STRING": "object",
}

names = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=8)
sizes = st.lists(st.integers(1, 9) | st.just(-1), min_size=1, max_size=3).map(tuple)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("iris")


def read(folder: Path, content: str | bytes) -> ModelConfig:
    file = folder / "config.pbtxt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_config(file)


def quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(name=names, dims=sizes, dtype=st.sampled_from(sorted(TYPES)), batch=st.integers(0, 99))
def test_a_configuration_says_what_was_written(
    folder: Path, name: str, dims: tuple[int, ...], dtype: str, batch: int
) -> None:
    tensor = f"name: {quote(name)} data_type: {dtype} dims: {list(dims)}"
    config = read(folder, f"max_batch_size: {batch} input [ {{ {tensor} }} ] output {{ {tensor} }}")

    expected = (TensorConfig(name, TYPES[dtype], dims),)
    assert config == ModelConfig(max_batch_size=batch, inputs=expected, outputs=expected)
    assert config.full_shape(dims) == ((-1, *dims) if batch else dims)


def test_everything_that_triton_knows_besides_is_passed_over(folder: Path) -> None:
    config = read(
        folder,
        """
        # As people write it, lists with and without a colon.
        name: 'iris', platform: "onnxruntime_onnx";
        instance_group [ { count: 1 kind: KIND_GPU gpus: [ 0, 1 ]
          rate_limiter { resources [ { name: "R1" count: 4 }, { name: "R2" } ] priority: 2 } } ]
        instance_group: [ { name: "b" secondary_devices [ { kind: KIND_NVDLA } ] } ]
        dynamic_batching { preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 100
          priority_queue_policy [ { key: 1 value { timeout_action: DELAY } } ] }
        optimization { execution_accelerators {
          gpu_execution_accelerator : [ { name : "tensorrt" parameters { key: "a" value: "b" } } ]
          cpu_execution_accelerator [ { name: "openvino" } ] }
          cuda { graphs: true graph_spec [ { batch_size: 1 } ] } }
        sequence_batching { control_input [ { name: "START" control [
          { kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1 ] } ] } ]
          state [ { input_name: "s" initial_state [ { dims: [ 1 ] zero_data: true } ] } ] }
        ensemble_scheduling { step [ { model_name: "a" input_map [ { key: "x" value: "y" } ] } ] }
        model_warmup [ { name: "w"
          inputs [ { key: "x" value: { dims: [ 4 ] random_data: true } } ] } ]
        model_repository_agents {
          agents [ { name: "checksum" parameters [ { key: "MD5:1/m" } ] } ] }
        parameters { key: "EXECUTION_ENV_PATH" value: { string_value: "a { [ # b" } }
        parameters [ { key: "k" value: { string_value: "v" } } ]
        response_cache { enable: true }
        a_field_of_tomorrow { of: 1 it { has: "one" } }
        another_of_tomorrow: [ 1.5, 2 ]
        """,
    )

    assert config == ModelConfig(name="iris", platform="onnxruntime_onnx")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('name: "iris', r"1:7"),
        ("input [", r"1:\d"),
        ("max_batch_size: many", r"1:17"),
        ("input { data_type: TYPE_FP128 }", "TYPE_FP128"),
        ("input { dims: [ 4 ] }", "an input without a name"),
        ('output { name: "a" } output { name: "a" }', "two of one name among output a, a"),
        ('input { name: "a" dims: [ 4, 0 ] }', r"the sizes of a are \[4, 0\]"),
        ('input { name: "a" dims: [ -2 ] }', r"the sizes of a are \[-2\]"),
        ('input { name: "a" dims: [ 4 ] reshape { shape: [ -1 ] } }', "which -1 is which"),
        ("max_batch_size: -1", "max_batch_size is -1"),
        (b"\xff\xfe", "no text in UTF-8"),
        ("a {" * 100_000, "too deep"),
    ],
)
def test_a_configuration_that_is_none_is_one_sentence(
    folder: Path, content: str | bytes, why: str
) -> None:
    with pytest.raises(ArtifactError) as caught:
        read(folder, content)

    assert caught.value.what == f"cannot read {folder.name}/config.pbtxt"
    assert re.search(why, caught.value.why)
    assert "\n" not in caught.value.why
    assert caught.value.hint


WHOLE = (
    b'name: "iris" max_batch_size: 8 version_policy { specific { versions: [ 1, 3 ] } }\n'
    b'input [ { name: "x" data_type: TYPE_FP32 dims: [ 4 ] reshape { shape: [ 2, 2 ] } } ]\n'
    b'output [ { name: "y" data_type: TYPE_FP32 dims: [ -1 ] } ] instance_group [ { count: 1 } ]'
)


@settings(max_examples=300)
@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode), st.data())
@example(b"input<", None)
def test_a_damaged_configuration_is_read_or_refused_and_nothing_else(
    folder: Path, noise: bytes, data: st.DataObject | None
) -> None:
    content = noise
    if data is not None:
        at, until = sorted(data.draw(st.tuples(*[st.integers(0, len(WHOLE))] * 2)))
        content = WHOLE[:at] + noise + WHOLE[until:]

    found: ModelConfig | ArtifactError
    try:
        found = read(folder, content)
    except ArtifactError as error:
        found = error

    if isinstance(found, ArtifactError):
        assert found.why
        assert found.hint
        assert "\n" not in found.why


def make(repository: Path, *files: str) -> Path:
    for file in files:
        path = repository / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return repository


@settings(max_examples=40)
@given(
    there=st.sets(st.integers(1, 120), min_size=1, max_size=5),
    wanted=st.none() | st.sets(st.integers(1, 120), max_size=5),
    backend=st.sampled_from([ONNX, TORCH, TENSORFLOW]),
)
def test_served_is_the_highest_version_that_is_there_and_wanted(
    tmp_path_factory: pytest.TempPathFactory, there, wanted, backend
) -> None:
    repository = tmp_path_factory.mktemp("models")
    make(repository, *(f"iris/{version}/{FILES[backend]}" for version in there))
    make(repository, f"iris/0999/{FILES[backend]}", f"iris/v7/{FILES[backend]}", "iris/130")
    if wanted is not None:
        text = f"version_policy {{ specific {{ versions: {sorted(wanted)} }} }}"
        (repository / "iris" / "config.pbtxt").write_text(text)
    able = there if wanted is None else there & wanted

    if not able:
        with pytest.raises(ArtifactError, match="no version of iris may be served"):
            find_model(repository, None)
        return
    found = find_model(repository, None)

    assert (found.name, found.version, found.backend) == ("iris", max(able), backend)
    assert found.path == repository / "iris" / str(max(able)) / FILES[backend]


@pytest.mark.parametrize(
    ("files", "name", "words"),
    [
        ([], "a", "there is no model in the repository .*: there is nothing"),
        (["readme.md"], "a", "there is no model in the repository .*: there is readme.md"),
        (["a/1/model.onnx", "b/1/model.pt"], "c", "the repository has no model c: it has a, b"),
        (["a/1/model.onnx", "b/1/model.pt"], None, "has several models: it has a, b"),
        (["a/config.pbtxt"], "a", "the model a has no version: there is config.pbtxt"),
        (["1/model.onnx"], "a", "is a model of a repository: there is 1"),
        (["config.pbtxt", "1/model.onnx"], "a", "is a model of a repository"),
        (
            ["a/1/model.plan"],
            "a",
            "nothing here reads the model a: in its version 1 there is model.p",
        ),
        (["a/1/model.py"], "a", "nothing here reads the model a"),
        (["a/1/model.graphdef"], "a", "nothing here reads the model a"),
        (["a/1/x"], "a", "here there are onnxruntime .model.onnx., pytorch .model.pt., tensorflow"),
    ],
)
def test_a_repository_that_cannot_be_served_says_what_is_there(
    tmp_path: Path, files: list[str], name: str | None, words: str
) -> None:
    make(tmp_path, *files)

    with pytest.raises(ArtifactError, match=words) as caught:
        find_model(tmp_path, name)

    assert caught.value.hint


def test_a_place_that_is_no_folder_is_no_repository(tmp_path: Path) -> None:
    for place in (tmp_path / "nowhere", make(tmp_path, "file") / "file"):
        with pytest.raises(ArtifactError, match=r"no model repository at .*: it is no folder"):
            find_model(place, None)


def test_a_long_list_of_models_is_cut(tmp_path: Path) -> None:
    make(tmp_path, *(f"m{number:02}/1/model.onnx" for number in range(14)))

    with pytest.raises(ArtifactError, match=r"it has m00, .*, m09 and 4 more"):
        find_model(tmp_path, "other")


@pytest.mark.parametrize(
    ("said", "files", "found"),
    [
        ("", ["model.onnx"], "model.onnx"),
        ('backend: "onnxruntime"', ["model.onnx", "model.pt"], "model.onnx"),
        ('platform: "pytorch_libtorch"', ["model.onnx", "model.pt"], "model.pt"),
        ('backend: "pytorch" platform: "pytorch_libtorch"', ["model.pt"], "model.pt"),
        ('backend: "onnxruntime" default_model_filename: "net"', ["net"], "net"),
        ('default_model_filename: "net.pt"', ["net.pt", "model.onnx"], "net.pt"),
        ('default_model_filename: "net.onnx"', ["model.onnx"], None),
        ('default_model_filename: "net.plan"', ["net.plan"], None),
        ('backend: "onnxruntime" platform: "pytorch_libtorch"', ["model.onnx", "model.pt"], None),
        ('platform: "onnxruntime_onnx"', ["model.pt"], None),
    ],
)
def test_the_file_is_the_one_that_is_named_else_the_backends_own(
    tmp_path: Path, said: str, files: list[str], found: str | None
) -> None:
    make(tmp_path, *(f"a/1/{name}" for name in files))
    (tmp_path / "a" / "config.pbtxt").write_text(said)

    if found is None:
        with pytest.raises(ArtifactError):
            find_model(tmp_path, None)
    else:
        assert find_model(tmp_path, None).path.name == found


@given(st.permutations(["a", "b", "c"]), st.sampled_from(["{0}", "IN_{1}__{1}"]), st.booleans())
def test_tensors_of_pytorch_are_found_by_position_or_name_whatever_their_order(
    order: list[str], form: str, is_input: bool
) -> None:
    own = ["a", "b", "c"]
    described = [TensorConfig(form.format(name, own.index(name))) for name in order]

    links = link_by_position("input" if is_input else "output", described, own, ModelConfig())

    assert [link.own_name for link in links] == order
    assert [link.spec.name for link in links] == [each.name for each in described]


@pytest.mark.parametrize("names", [["x__0"], ["x__0", "y__2"], ["x__1", "y__1"], ["a", "b", "c"]])
def test_inputs_that_do_not_cover_those_of_the_model_are_refused(names: list[str]) -> None:
    described = [TensorConfig(name) for name in names]

    with pytest.raises(ArtifactError, match="the model has 2: a, b"):
        link_by_position("input", described, ["a", "b"], ModelConfig())
    with pytest.raises(ArtifactError):
        link_by_name("input", described, [TensorSpec("a"), TensorSpec("b")], ModelConfig())


def test_a_batch_is_counted_where_no_shape_is_said() -> None:
    own = [TensorSpec("x", "int64", (-1, 2))]
    [link] = link_by_name("input", [], own, ModelConfig(max_batch_size=2))

    assert link.to_model(np.ones((2, 2))).shape == (2, 2)
    with pytest.raises(UnitError, match=r"a batch of 3; config\.pbtxt allows 2"):
        link.to_model(np.ones((3, 2)))


@given(
    sizes=st.lists(st.integers(1, 4), min_size=2, max_size=3),
    varies=st.integers(0, 2),
    batch=st.integers(0, 3),
)
def test_what_is_reshaped_for_the_model_comes_back_as_it_went(
    sizes: list[int], varies: int, batch: int
) -> None:
    dims = tuple(-1 if at < varies else size for at, size in enumerate(sizes))
    said = TensorConfig("x", "int64", dims, reshape=(*dims, 1))
    config = ModelConfig(max_batch_size=batch)
    [link] = link_by_name("input", [said], [TensorSpec("x", "int64")], config)
    shape = (*([batch] if batch else []), *sizes)
    array = np.arange(np.prod(shape)).reshape(shape)

    inner = link.to_model(array)

    assert inner.shape == (*shape, 1)
    np.testing.assert_array_equal(link.to_client(inner), array)
    for wrong in (array[..., None], array.reshape(-1)):
        with pytest.raises(UnitError, match="is wanted"):
            link.to_model(wrong)
    with pytest.raises(UnitError, match="says TYPE_INT64"):
        link.to_client(inner.astype("float32"))
    if batch:
        with pytest.raises(UnitError, match=f"a batch of {batch + 1}"):
            link.to_model(np.concatenate([array, array[:1]]))
