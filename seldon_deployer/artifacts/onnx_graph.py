"""What an ONNX file says of itself: its versions, and the tensors that go in and out.

Source: onnx.proto, fields of ModelProto, GraphProto, ValueInfoProto and TypeProto.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from seldon_deployer.artifacts.wire import Message, open_message
from seldon_deployer.errors import ArtifactError

# A size that each request chooses.
ANY_SIZE = -1


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output: element type by onnx.proto's number, sizes with ANY_SIZE where free."""

    name: str
    element_type: int
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """opset: of the standard operators; 0 where the model uses none.

    data_files: files beside the model that hold its weights.
    """

    ir_version: int
    opset: int
    producer: str
    producer_version: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    data_files: frozenset[str]


def read_onnx(path: Path) -> OnnxModel:
    """Read an ONNX file without loading it; raises ArtifactError for any other file."""
    with open_message(path) as model:
        graphs = model.messages(7)
        ir_version = _first(model.numbers(1))
        if len(graphs) != 1 or not ir_version:
            raise ValueError("it holds no graph")
        weights = {name for each in graphs[0].messages(5) for name in each.texts(8)}
        # Old exporters list the weights among the inputs.
        inputs = [_tensor(each) for each in graphs[0].messages(11)]
        opsets = {(each.texts(1) or [""])[0]: _first(each.numbers(2)) for each in model.messages(8)}
        return OnnxModel(
            ir_version=ir_version,
            opset=opsets.get("", opsets.get("ai.onnx", 0)),
            producer=(model.texts(2) or [""])[0],
            producer_version=(model.texts(3) or [""])[0],
            inputs=tuple(each for each in inputs if each.name not in weights),
            outputs=tuple(_tensor(each) for each in graphs[0].messages(12)),
            data_files=frozenset(
                entry.texts(2)[0]
                for weight in graphs[0].messages(5)
                for entry in weight.messages(13)
                if entry.texts(1) == ["location"]
            ),
        )


def find_data_files(path: Path) -> list[Path]:
    """The files that hold an ONNX model's weights, if any, as they lie beside it.

    Raises ArtifactError for one that lies elsewhere or is missing.
    """
    found = []
    for name in sorted(read_onnx(path).data_files):
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ArtifactError(
                f"{path.name} keeps weights in {name}",
                why="that is not in the model's own folder",
                hint="save the model and its weights in one folder",
            )
        if not (path.parent / name).is_file():
            raise ArtifactError(
                f"{path.name} lacks its weights",
                why=f"it says that they are in {name}, which is not there",
                hint="store that file beside the model",
            )
        found.append(path.parent / name)
    return found


def copy_data_files(path: Path, folder: Path) -> None:
    """Copy the files that hold an ONNX model's weights. Raises ArtifactError as finding them."""
    for source in find_data_files(path):
        target = folder / source.relative_to(path.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _tensor(value: Message) -> Tensor:
    name = (value.texts(1) or [""])[0]
    # ValueInfoProto.type.tensor_type; a sequence or a map has none.
    kinds = [tensor for kind in value.messages(2) for tensor in kind.messages(1)]
    if not kinds:
        raise ArtifactError(
            f"the ONNX model's {name!r} is no tensor",
            why="it is a sequence, a map or optional",
            hint="export the model with tensors only (skl2onnx: zipmap=False)",
        )
    shapes = kinds[0].messages(2)
    sizes = [_first(size.numbers(1)) for shape in shapes for size in shape.messages(1)]
    return Tensor(
        name, _first(kinds[0].numbers(1)), tuple(size if size > 0 else ANY_SIZE for size in sizes)
    )


def _first(numbers: list[int]) -> int:
    return numbers[0] if numbers else 0
