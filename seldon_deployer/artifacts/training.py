"""Which libraries a model was trained with, as far as its files tell. Nothing is loaded."""

from __future__ import annotations

import json
import mmap
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from seldon_deployer.artifacts.onnx_graph import read_onnx
from seldon_deployer.artifacts.pickles import PickledObject, sklearn_version, unreadable
from seldon_deployer.artifacts.wire import open_message
from seldon_deployer.errors import ArtifactError

Versions = dict[str, str]

_EDGE_BYTES = 64 * 1024
_XGBOOST_JSON = re.compile(rb'"version":\s*\[(\d+),\s*(\d+),\s*(\d+)\]')
_LIGHTGBM_TEXT = re.compile(rb"^version=v(\d+)$", re.MULTILINE)
_CATBOOST_TAG = re.compile(rb"Branch: tags/v(\d[0-9.]*)")
_CATBOOST_JSON_TAG = re.compile(rb"tags\\?/v(\d[0-9.]*)")
_TORCH = re.compile(rb'"torch_version": ?"([0-9][^"]*)"')
_PIN = re.compile(r"^\s*(?:-\s*)?([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.+!]+)\s*$")


def read_training(folder: Path, file: str, framework: str, kind: str) -> Versions:
    """Library -> version, of the model of a format at `file` below `folder`.

    `onnx opset` and `onnx ir` stand beside libraries: they decide what can read such a file.
    Empty where the format does not tell. Raises ArtifactError for a file that cannot be read.
    """
    path = folder / file
    try:
        reader = _READERS.get((framework, kind))
        return reader(path) if reader else {}
    except OSError as error:
        raise unreadable(path, error) from error


def of_pickle(path: Path, held: PickledObject) -> Versions:
    """What a pickle tells: scikit-learn's version, and whether its arrays are of numpy 2."""
    version = sklearn_version(path)
    found = {"scikit-learn": version} if version else {}
    return found | ({"numpy": "2"} if held.is_numpy_2 else {})


def _xgboost(path: Path) -> Versions:
    tail = _edges(path)[1]
    if (found := _XGBOOST_JSON.search(tail)) is not None:
        return {"xgboost": b".".join(found.groups()).decode()}
    return _xgboost_ubj(tail)


def _xgboost_ubj(tail: bytes) -> Versions:
    at = tail.rfind(b"version[")
    if at < 0:
        return {}
    rest = tail[at + len(b"version[") :]
    # Each number is a type's letter and its bytes; the count, where it is given, is one too.
    sizes = {b"i": 1, b"U": 1, b"I": 2, b"l": 4, b"L": 8}
    numbers: list[int] = []
    index, is_count = 0, False
    while index < len(rest) and len(numbers) < 3:
        letter = rest[index : index + 1]
        index += 1
        if letter == b"#":
            is_count = True
        elif letter in sizes:
            value = int.from_bytes(rest[index : index + sizes[letter]], "big")
            index += sizes[letter]
            if not is_count:
                numbers.append(value)
            is_count = False
        else:
            return {}
    return {"xgboost": ".".join(map(str, numbers))} if len(numbers) == 3 else {}


def _lightgbm(path: Path) -> Versions:
    # The text's own version counts LightGBM's: v3 is of 2 and 3, v4 of 4.
    found = _LIGHTGBM_TEXT.search(_edges(path)[0])
    return {"lightgbm": found[1].decode()} if found else {}


def _catboost(path: Path) -> Versions:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        found = _CATBOOST_TAG.search(content) or _CATBOOST_JSON_TAG.search(content)
        return {"catboost": found[1].decode()} if found else {}


def _keras(path: Path) -> Versions:
    try:
        with zipfile.ZipFile(path) as archive:
            told = json.loads(archive.read("metadata.json"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ArtifactError(
            f"{path.name} is no Keras model",
            why=f"it has no metadata.json: {error}",
            hint="save it with model.save('model.keras')",
        ) from error
    version = told.get("keras_version") if isinstance(told, dict) else None
    return {"keras": str(version)} if version else {}


def _saved_model(path: Path) -> Versions:
    if path.suffix != ".pb":
        return {}
    with open_message(path) as model:
        # Of each graph in it, what is said about the graph: field 5 is TensorFlow's version.
        versions = [
            text
            for graph in model.messages(2)
            for about in graph.messages(1)
            for text in about.texts(5)
        ]
    return {"tensorflow": versions[0]} if versions and versions[0] else {}


def _onnx(path: Path) -> Versions:
    model = read_onnx(path)
    told = {"onnx opset": str(model.opset), "onnx ir": str(model.ir_version)}
    if model.producer == "pytorch" and model.producer_version:
        told["torch"] = model.producer_version
    return told


def _torch_export(path: Path) -> Versions:
    try:
        with zipfile.ZipFile(path) as archive:
            inner = [
                name
                for name in archive.namelist()
                if name.endswith(("models/model.json", "serialized_exported_program.json"))
            ]
            found = _TORCH.search(archive.read(inner[0])) if inner else None
    except zipfile.BadZipFile as error:
        raise ArtifactError(
            f"{path.name} is no PyTorch model", why=str(error), hint="save it again"
        ) from error
    return {"torch": found[1].decode()} if found else {}


def _mlflow(path: Path) -> Versions:
    """The pins of an MLflow folder's requirements, or of its conda environment."""
    for name in ("requirements.txt", "conda.yaml"):
        beside = path.parent / name
        if beside.is_file():
            lines = beside.read_text(encoding="utf-8", errors="replace").splitlines()
            pins = filter(None, map(_PIN.match, lines))
            return {pin[1].lower().replace("_", "-"): pin[2] for pin in pins}
    return {}


def _edges(path: Path) -> tuple[bytes, bytes]:
    """The first and the last bytes of a file."""
    with path.open("rb") as file:
        head = file.read(_EDGE_BYTES)
        file.seek(max(0, path.stat().st_size - _EDGE_BYTES))
        return head, file.read()


_READERS: Mapping[tuple[str, str], Callable[[Path], Versions]] = {
    ("xgboost", "json"): _xgboost,
    ("xgboost", "ubj"): _xgboost,
    ("lightgbm", "text"): _lightgbm,
    ("catboost", "cbm"): _catboost,
    ("catboost", "json"): _catboost,
    ("keras", "keras"): _keras,
    ("tensorflow", "savedmodel"): _saved_model,
    ("onnx", "onnx"): _onnx,
    ("pytorch", "export"): _torch_export,
    ("mlflow", "mlflow"): _mlflow,
}
