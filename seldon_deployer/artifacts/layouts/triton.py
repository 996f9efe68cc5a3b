"""Triton's model repository: `<model>/1/model.*`, and `<model>/config.pbtxt` that tells of tensors.

Source: NVIDIA Triton 21.08, model repository and model configuration.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from seldon_deployer.artifacts.layouts.source import Source
from seldon_deployer.artifacts.onnx_graph import Tensor, copy_data_files, read_onnx
from seldon_deployer.errors import ArtifactError

CONFIG_FILE = "config.pbtxt"

# onnx.proto, TensorProto.DataType -> Triton's name.
_TYPES: Mapping[int, str] = {
    1: "TYPE_FP32",
    2: "TYPE_UINT8",
    3: "TYPE_INT8",
    4: "TYPE_UINT16",
    5: "TYPE_INT16",
    6: "TYPE_INT32",
    7: "TYPE_INT64",
    8: "TYPE_STRING",
    9: "TYPE_BOOL",
    10: "TYPE_FP16",
    11: "TYPE_FP64",
    12: "TYPE_UINT32",
    13: "TYPE_UINT64",
}
# Of protobuf text: a field `name`, any other text or comment, and what opens and closes messages.
_PARTS = re.compile(
    r"""(?P<name>\bname\s*:\s*(?:"[^"\n]*"|'[^'\n]*')[,;]?)"""
    r"""|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\#[^\n]*"""
    r"""|(?P<opens>[{<\[])|(?P<closes>[}>\]])"""
)


def lay_out_onnx(source: Source, draft: Path, target: str) -> None:  # noqa: ARG001
    """Copy an ONNX model, with the files of its weights, and describe its tensors."""
    model = read_onnx(source.path)
    version = _version_folder(source, draft)
    shutil.copyfile(source.path, version / "model.onnx")
    copy_data_files(source.path, version)
    lines = [
        f"name: {json.dumps(source.model_name)}",
        'platform: "onnxruntime_onnx"',
        "max_batch_size: 0",
        *_describe("input", model.inputs, source),
        *_describe("output", model.outputs, source),
    ]
    _write_config(version.parent, "\n".join(lines))


def lay_out_saved_model(source: Source, draft: Path, target: str) -> None:  # noqa: ARG001
    """Copy a SavedModel. Triton reads its tensors itself, as Seldon starts it."""
    version = _version_folder(source, draft)
    folder = source.folder / PurePosixPath(source.file).parent
    shutil.copytree(folder, version / "model.savedmodel")
    _write_config(
        version.parent,
        f'name: {json.dumps(source.model_name)}\nplatform: "tensorflow_savedmodel"',
    )


def lay_out_torchscript(source: Source, draft: Path, target: str) -> None:  # noqa: ARG001
    """Copy a TorchScript model with the description of its tensors that lies beside it.

    TorchScript does not say which tensors a model takes: without a `config.pbtxt` it is an error.
    """
    described = source.path.with_name(CONFIG_FILE)
    if not described.is_file():
        raise ArtifactError(
            f"{source.file} cannot be laid out for Triton",
            why="TorchScript does not tell the types and shapes of a model's tensors",
            hint=f"put a {CONFIG_FILE} beside it, export the model as ONNX, "
            "or serve it with PYTORCH_SERVER",
        )
    version = _version_folder(source, draft)
    shutil.copyfile(source.path, version / "model.pt")
    text = _without_name(described.read_text(encoding="utf-8")).strip()
    _write_config(version.parent, f"name: {json.dumps(source.model_name)}\n{text}")


def _without_name(text: str) -> str:
    """A configuration without the model's own name: those of its tensors lie deeper, and stay."""
    kept, at, depth = [], 0, 0
    for part in _PARTS.finditer(text):
        depth += bool(part["opens"]) - bool(part["closes"])
        if part["name"] and depth == 0:
            kept.append(text[at : part.start()])
            at = part.end()
    return "".join(kept) + text[at:]


def _version_folder(source: Source, draft: Path) -> Path:
    if source.model_name in ("", ".", "..") or "/" in source.model_name:
        raise ArtifactError(f"{source.model_name!r} is no name for a model of Triton's")
    folder = draft / source.model_name / "1"
    folder.mkdir(parents=True)
    return folder


def _write_config(folder: Path, text: str) -> None:
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def _describe(kind: str, tensors: Sequence[Tensor], source: Source) -> list[str]:
    entries = []
    for tensor in tensors:
        if tensor.element_type not in _TYPES:
            raise ArtifactError(
                f"{source.file} cannot be laid out for Triton",
                why=f"the type of its {kind} {tensor.name} is none that Triton knows",
                hint="serve it with ONNX_SERVER",
            )
        sizes = ", ".join(map(str, tensor.shape))
        # A scalar has no size, and Triton wants one.
        shape = f"dims: [ {sizes} ]" if tensor.shape else "dims: [ 1 ] reshape { shape: [ ] }"
        name = json.dumps(tensor.name, ensure_ascii=False)
        entries.append(f"  {{ name: {name} data_type: {_TYPES[tensor.element_type]} {shape} }}")
    return [f"{kind} [", ",\n".join(entries), "]"] if entries else []
