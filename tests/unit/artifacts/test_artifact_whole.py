"""Files that are cut or damaged, of formats that need no library to be written."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.artifacts.detect import detect
from seldon_deployer.artifacts.layout import prepare
from seldon_deployer.artifacts.ubjson import walk_ubjson
from seldon_deployer.artifacts.whole import check_head, check_whole
from seldon_deployer.errors import ArtifactError


def to_ubjson(value: Any) -> bytes:
    """As XGBoost writes it: lengths of 8 bytes, and numbers of one kind as typed arrays."""
    if isinstance(value, dict):
        pairs = (_length(key.encode()) + to_ubjson(each) for key, each in value.items())
        return b"{" + b"".join(pairs) + b"}"
    if isinstance(value, list) and value and all(isinstance(each, float) for each in value):
        return b"[$d#L" + struct.pack(">q", len(value)) + struct.pack(f">{len(value)}f", *value)
    if isinstance(value, list):
        return b"[" + b"".join(map(to_ubjson, value)) + b"]"
    if isinstance(value, str):
        return b"S" + _length(value.encode())
    if isinstance(value, bool):
        return b"T" if value else b"F"
    if isinstance(value, int):
        return b"l" + struct.pack(">i", value)
    return b"Z" if value is None else b"d" + struct.pack(">f", value)


def _length(text: bytes) -> bytes:
    return b"L" + struct.pack(">q", len(text)) + text


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31 - 1)
    | st.floats(width=32, allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
models = st.dictionaries(st.text(max_size=8), values, min_size=1, max_size=4)


@given(values)
def test_ubjson_ends_where_its_value_ends(value: Any) -> None:
    content = to_ubjson(value)

    assert walk_ubjson(content) == walk_ubjson(content + b"more") == len(content)


@given(models, st.data())
def test_ubjson_that_is_cut_is_refused(value: Any, data: st.DataObject) -> None:
    content = to_ubjson(value)

    with pytest.raises(ValueError, match="it ends too early"):
        walk_ubjson(content[: data.draw(st.integers(0, len(content) - 1))])


@given(st.binary(max_size=80))
def test_any_bytes_are_ubjson_or_refused(content: bytes) -> None:
    with suppress(ValueError):
        assert 0 < walk_ubjson(content) <= len(content)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole") / "model"


LIGHTGBM_TREE = b"Tree=0\nnum_leaves=1\nleaf_value=0.5\n\n\n"
LIGHTGBM = (
    b"tree\nversion=v4\nnum_class=1\ntree_sizes=%d %d\n\n" % ((len(LIGHTGBM_TREE),) * 2)
    + LIGHTGBM_TREE * 2
    + b"end of trees\n\nfeature_importances:\n\nparameters:\n[boosting: gbdt]\n\n"
    + b"end of parameters\n\npandas_categorical:null\n"
)
CATBOOST = b"CBM1" + (60).to_bytes(4, "little") + bytes(60)
HDF5 = b"\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0" + bytes(24) + (96).to_bytes(8, "little") + bytes(48)
_DESCRIPTION = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
SAFETENSORS = len(_DESCRIPTION).to_bytes(8, "little") + _DESCRIPTION + bytes(8)
JSON = b'{"learner": {"a": "}]\\"", "trees": [[1, 2], {"b": 3}]}}'

# kind, whole file, the first byte up to which every cut is noticed by the whole file, and by
# the first bytes and the size alone.
CUTS = [
    ("text", LIGHTGBM, LIGHTGBM.index(b"end of trees") + 12, LIGHTGBM.index(b"end of trees")),
    ("cbm", CATBOOST, len(CATBOOST), len(CATBOOST)),
    ("h5", HDF5, len(HDF5), len(HDF5)),
    ("safetensors", SAFETENSORS, len(SAFETENSORS), len(SAFETENSORS)),
    ("json", JSON, len(JSON), 1),
    ("ubj", to_ubjson(json.loads(JSON)), len(to_ubjson(json.loads(JSON))), 1),
]


@pytest.mark.parametrize(("kind", "content", "noticed", "by_head"), CUTS)
def test_a_cut_anywhere_is_told_with_its_reason(
    file: Path, kind: str, content: bytes, noticed: int, by_head: int
) -> None:
    file.write_bytes(content)
    check_whole(file, kind)
    check_head(file.name, kind, content, len(content))

    for cut in range(noticed):
        file.write_bytes(content[:cut])
        with pytest.raises(ArtifactError, match=r"model is not whole: it .* Try: copy the file"):
            check_whole(file, kind)


@pytest.mark.parametrize(("kind", "content", "noticed", "by_head"), CUTS)
def test_first_bytes_and_a_size_tell_a_cut_of_a_large_file(
    kind: str, content: bytes, noticed: int, by_head: int
) -> None:
    head = content[: content.index(b"\n\n") + 2] if kind == "text" else content
    begin = len(head) if kind == "text" else 1

    for cut in (0, *range(begin, by_head)):
        with pytest.raises(ArtifactError, match="is not whole"):
            check_head("model", kind, head[:cut], cut)


def test_settings_that_break_off_are_told(file: Path) -> None:
    begin, end = LIGHTGBM.index(b"\nparameters:") + 12, LIGHTGBM.index(b"\nend of parameters") + 18
    for cut in range(begin, end):
        file.write_bytes(LIGHTGBM[:cut])
        with pytest.raises(ArtifactError, match="it ends in its settings"):
            check_whole(file, "text")


def test_changed_ends_of_lines_are_told(file: Path) -> None:
    file.write_bytes(LIGHTGBM.replace(b"\n", b"\r\n"))

    with pytest.raises(ArtifactError, match="its trees do not end at byte"):
        check_whole(file, "text")


@given(st.binary(max_size=200), st.sampled_from([kind for kind, *_ in CUTS] + ["keras", "export"]))
def test_any_bytes_are_whole_or_refused(file: Path, content: bytes, kind: str) -> None:
    file.write_bytes(content)
    for check in (
        lambda: check_whole(file, kind),
        lambda: check_head(file.name, kind, content, 1000),
    ):
        with suppress(ArtifactError):
            check()


@given(models)
def test_json_of_any_form_is_whole(file: Path, value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1, ensure_ascii=False) + "\n"):
        file.write_text(text, encoding="utf-8")
        check_whole(file, "json")


def test_a_flipped_bit_in_an_archive_is_told(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/data/0", bytes(range(256)))
    content = bytearray(file.read_bytes())
    check_whole(file, "torchscript")
    content[content.index(bytes(range(100, 120)))] ^= 1
    file.write_bytes(content)

    with pytest.raises(ArtifactError, match="its archive is damaged in model/data/0"):
        check_whole(file, "torchscript")


def test_a_saved_model_without_its_weights_is_told(tmp_path: Path) -> None:
    variables = tmp_path / "variables"
    variables.mkdir()
    saved = tmp_path / "saved_model.pb"
    saved.write_bytes(b"\x08\x01")
    check_whole(saved, "savedmodel")
    (variables / "variables.data-00000-of-00002").write_bytes(b"1234")
    with pytest.raises(ArtifactError, match=r"no variables\.index beside it"):
        check_whole(saved, "savedmodel")
    (variables / "variables.index").write_bytes(bytes(20))
    with pytest.raises(ArtifactError, match=r"variables\.index ends too early, after 20 bytes"):
        check_whole(saved, "savedmodel")
    (variables / "variables.index").write_bytes(bytes.fromhex("57fb808b247547db"))
    with pytest.raises(ArtifactError, match=r"variables\.data-00001-of-00002 is not there"):
        check_whole(saved, "savedmodel")
    (variables / "variables.data-00001-of-00002").write_bytes(b"1234")
    check_whole(saved, "savedmodel")


@pytest.mark.parametrize("name", ["model.json", "model.txt", "model.cbm", "model.onnx", "model.pt"])
def test_an_empty_file_is_called_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()

    with pytest.raises(ArtifactError) as caught:
        prepare(tmp_path)

    assert any(word in str(caught.value) for word in ("empty", "holds no model", "copy is whole"))


@pytest.mark.parametrize(
    ("name", "content"), [("model.cbm", CATBOOST), ("model.h5", HDF5), ("model.txt", LIGHTGBM)]
)
def test_a_cut_model_in_a_store_is_told_by_its_size(name: str, content: bytes) -> None:
    def read(path: str, limit_bytes: int) -> bytes:
        return content[:limit_bytes]

    def found(size: int) -> str:
        return detect([name], read=read, sizes={name: size}).file

    assert found(len(content)) == name
    with pytest.raises(ArtifactError, match=f"{name} is not whole: it has 90 bytes|it is empty"):
        found(90 if len(content) > 90 else 0)


def detect_counting(files: dict[str, bytes], **given: Any) -> tuple[Any, list[str]]:
    asked: list[str] = []

    def read(path: str, limit_bytes: int) -> bytes:
        asked.append(path)
        return files[path][:limit_bytes]

    sizes = {path: len(content) for path, content in files.items()}
    try:
        return detect(files, read=read, sizes=sizes, **given), asked
    except ArtifactError as error:
        return error, asked


NOTES = {f"note-{number:04}.txt": b"a note" for number in range(3000)}
ROWS = {f"row-{number:04}.json": b'{"row": 1}' for number in range(3000)}


@pytest.mark.parametrize("others", [NOTES, ROWS])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.json", b'{"learner": {}}'),
        ("zzz.json", b'{"learner": {"trees": []}}' + b" " * 99),
        ("zzz.cbm", CATBOOST),
    ],
)
def test_a_model_among_thousands_of_files_is_found_by_a_few_looks(
    others: dict[str, bytes], name: str, content: bytes
) -> None:
    found, asked = detect_counting({**others, name: content})

    assert found.file == name
    assert len(asked) <= 18


@pytest.mark.parametrize("others", [NOTES, ROWS])
def test_thousands_of_files_without_a_model_are_told_by_number(others: dict[str, bytes]) -> None:
    error, asked = detect_counting(others)

    assert "3000 may be one by their names, and 2984 of them were not looked into" in error.why
    assert "model.joblib" in error.hint
    assert len(asked) <= 18


@pytest.mark.parametrize("make", [lambda n: f"{n}.pkl", lambda n: f"{n}.joblib"])
def test_who_names_the_server_and_its_file_needs_one_look(make: Callable[[int], str]) -> None:
    files = {make(number): b"\x80\x04N." for number in range(500)} | {"model.joblib": b"\x80\x04N."}
    found, asked = detect_counting(files, implementation="SKLEARN_SERVER")

    assert found.file == "model.joblib"
    assert asked == ["model.joblib"]


def test_another_librarys_bytes_under_a_sure_name_are_that_librarys() -> None:
    found, _ = detect_counting({"model.cbm": b'{"learner": {}}'})

    assert (found.framework, found.format) == ("xgboost", "json")
