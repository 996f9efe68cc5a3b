"""Triton's config.pbtxt: protobuf text, read for the few fields that say how a model is served.

Source: NVIDIA Triton 21.08, model configuration (model_config.proto). Text names its fields, so
their numbers count for nothing here; all other fields are passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from seldon_deployer.errors import ArtifactError
from seldon_deployer.server.model_file import import_library
from seldon_deployer.server.reason import shorten

# In the order of their numbers -> numpy dtype; numpy has none for the first and the last.
_DATA_TYPES = {
    "TYPE_INVALID": None,
    "TYPE_BOOL": "bool",
    "TYPE_UINT8": "uint8",
    "TYPE_UINT16": "uint16",
    "TYPE_UINT32": "uint32",
    "TYPE_UINT64": "uint64",
    "TYPE_INT8": "int8",
    "TYPE_INT16": "int16",
    "TYPE_INT32": "int32",
    "TYPE_INT64": "int64",
    "TYPE_FP16": "float16",
    "TYPE_FP32": "float32",
    "TYPE_FP64": "float64",
    "TYPE_STRING": "object",
    "TYPE_BF16": None,
}
# Message -> field -> its type; `*` is a list of that.
_MESSAGES = {
    "Reshape": {"shape": "int64*"},
    "Tensor": {"name": "string", "data_type": "DataType", "dims": "int64*", "reshape": "Reshape"},
    "Specific": {"versions": "int64*"},
    "VersionPolicy": {"specific": "Specific"},
    "ModelConfig": {
        "name": "string",
        "platform": "string",
        "backend": "string",
        "version_policy": "VersionPolicy",
        "max_batch_size": "int32",
        "input": "Tensor*",
        "output": "Tensor*",
        "default_model_filename": "string",
    },
}
# Lists of messages that count for nothing here, and what such lists lie in. protobuf passes over a
# field that it does not know, but not over `name [ { ... } ]`, which it takes for no field at all.
_PASSED_OVER = (
    *("instance_group", "rate_limiter", "resources", "secondary_devices"),
    *("sequence_batching", "control_input", "control", "state", "initial_state"),
    *("ensemble_scheduling", "step", "input_map", "output_map"),
    *("optimization", "execution_accelerators", "gpu_execution_accelerator"),
    *("cpu_execution_accelerator", "cuda", "graph_spec"),
    *("dynamic_batching", "priority_queue_policy", "batch_input", "batch_output"),
    *("model_warmup", "inputs", "model_repository_agents", "agents"),
    *("model_metrics", "metric_control", "metric_tags", "cc_model_filenames", "parameters"),
)
_MESSAGES["PassedOver"] = dict.fromkeys(_PASSED_OVER, "PassedOver*")
_MESSAGES["ModelConfig"] |= _MESSAGES["PassedOver"]
_PACKAGE = "triton"
_HINT = (
    "it is protobuf text: see Triton's documentation of the model configuration; for ONNX and "
    "SavedModels it may be left out"
)


@dataclass(frozen=True, slots=True)
class TensorConfig:
    """What is said of one input or output.

    dtype: its numpy name, None where nothing is said. dims: without the batch, -1 for a size that
    varies; empty where nothing is said. reshape: the model's own shape where that is another one.
    """

    name: str
    dtype: str | None = None
    dims: tuple[int, ...] = ()
    reshape: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What a model's configuration says; the defaults are those of a model without one.

    max_batch_size: 0 where the first size of the tensors is no batch. versions: those that may be
    served; None for any. filename: in a version's folder, "" for the backend's usual one.
    """

    name: str = ""
    platform: str = ""
    backend: str = ""
    max_batch_size: int = 0
    inputs: tuple[TensorConfig, ...] = ()
    outputs: tuple[TensorConfig, ...] = ()
    versions: frozenset[int] | None = None
    filename: str = ""

    def full_shape(self, dims: tuple[int, ...]) -> tuple[int, ...] | None:
        """A tensor's shape with the batch; None where its dims are not told."""
        if not dims:
            return None
        return (-1, *dims) if self.max_batch_size else dims


def read_config(path: Path) -> ModelConfig:
    """Read a configuration. Raises ArtifactError for what is none, LoadFailed without protobuf."""
    text_format = import_library(
        "google.protobuf.text_format", package="protobuf", needed_by="TritonServer"
    )
    message = _message_class()()
    try:
        text_format.Parse(path.read_text(encoding="utf-8"), message, allow_unknown_field=True)
    except text_format.ParseError as error:
        raise _cannot_read(path, shorten(str(error))) from error
    except UnicodeDecodeError as error:
        raise _cannot_read(path, "it is no text in UTF-8") from error
    except RecursionError as error:
        raise _cannot_read(path, "its fields lie too deep in each other") from error
    except OSError as error:
        raise _cannot_read(path, error.strerror or str(error)) from error
    if message.max_batch_size < 0:
        raise _cannot_read(path, f"max_batch_size is {message.max_batch_size}, less than 0")
    policy = message.version_policy
    return ModelConfig(
        name=message.name,
        platform=message.platform,
        backend=message.backend,
        max_batch_size=message.max_batch_size,
        inputs=_read_tensors(path, "input", message.input),
        outputs=_read_tensors(path, "output", message.output),
        versions=frozenset(policy.specific.versions) if policy.HasField("specific") else None,
        filename=message.default_model_filename,
    )


def name_type(dtype: str) -> str:
    """Triton's name of a numpy dtype, or that dtype where it has none."""
    return next((name for name, each in _DATA_TYPES.items() if each == dtype), dtype)


def _read_tensors(path: Path, kind: str, given: Sequence[Any]) -> tuple[TensorConfig, ...]:
    names = [each.name for each in given]
    if "" in names:
        raise _cannot_read(path, f"it has an {kind} without a name")
    if len(set(names)) < len(names):
        raise _cannot_read(path, f"it has two of one name among {kind} {', '.join(names)}")
    return tuple(_read_tensor(path, each) for each in given)


def _read_tensor(path: Path, given: Any) -> TensorConfig:
    dims, reshape = tuple(given.dims), None
    if given.HasField("reshape"):
        reshape = tuple(given.reshape.shape)
    for sizes in (dims, reshape or ()):
        if any(size < 1 and size != -1 for size in sizes):
            raise _cannot_read(
                path,
                f"the sizes of {given.name} are {list(sizes)}: each has to be 1 or more, or -1",
            )
    if reshape is not None and dims.count(-1) != reshape.count(-1):
        raise _cannot_read(
            path, f"{given.name} has {list(dims)} and reshape {list(reshape)}: which -1 is which?"
        )
    dtypes = list(_DATA_TYPES.values())
    dtype = dtypes[given.data_type] if given.data_type < len(dtypes) else None
    return TensorConfig(given.name, dtype, dims, reshape)


def _cannot_read(path: Path, why: str) -> ArtifactError:
    return ArtifactError(f"cannot read {path.parent.name}/{path.name}", why=why, hint=_HINT)


@cache
def _message_class() -> Any:
    """The class of a configuration, in a pool of its own: Triton's client may define its own."""
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message_factory import GetMessageClass

    scalars = {
        "string": FieldDescriptorProto.TYPE_STRING,
        "int32": FieldDescriptorProto.TYPE_INT32,
        "int64": FieldDescriptorProto.TYPE_INT64,
    }
    file = FileDescriptorProto(name="config.proto", package=_PACKAGE, syntax="proto3")
    data_type = file.enum_type.add(name="DataType")
    for number, name in enumerate(_DATA_TYPES):
        data_type.value.add(name=name, number=number)
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for number, (name, kind) in enumerate(fields.items(), start=1):
            single = kind.removesuffix("*")
            field = message.field.add(name=name, number=number)
            field.label = field.LABEL_OPTIONAL if single == kind else field.LABEL_REPEATED
            if single in scalars:
                field.type = scalars[single]
            else:
                field.type = field.TYPE_ENUM if single == "DataType" else field.TYPE_MESSAGE
                field.type_name = f".{_PACKAGE}.{single}"
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.ModelConfig"))
