"""PYTORCH_SERVER: serves TorchScript and exported programs with PyTorch, on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seldon_deployer.errors import ArtifactError, UsageError
from seldon_deployer.server.model_file import (
    find_model_file,
    import_library,
    reading,
)
from seldon_deployer.server.reason import shorten
from seldon_deployer.server.tensors import TensorServer, TensorSpec

if TYPE_CHECKING:
    from seldon_deployer.server.tensors import Array

_SCRIPT, _EXPORTED = "model.pt", "model.pt2"


class PyTorchServer(TensorServer):
    """`model.pt` (TorchScript) or `model.pt2` (torch.export).

    An exported program knows the dtypes of its inputs. TorchScript does not: floats take the dtype
    of its parameters, and so do whole numbers of a Seldon message, unless the parameter `dtype`
    says otherwise, for all inputs (`int64`) or for each (`int64,float32`).
    Outputs are named output_0, output_1, ..., or by the keys of the dict that the model returns.
    """

    def __init__(self, model_uri: str, output: str | None = None, dtype: str | None = None) -> None:
        super().__init__(model_uri, output)
        self.dtype = dtype
        self._torch: Any = None
        self._call: Callable[[list[Any]], Any]

    def load(self) -> None:
        """Read the model. Raises ArtifactError, or LoadFailed when PyTorch is not installed."""
        hint = "save it with torch.jit.save as model.pt, or torch.export.save as model.pt2"
        path = find_model_file(self.model_uri, (_SCRIPT, _EXPORTED), hint=hint)
        self._torch = import_library("torch", package="torch", needed_by="PyTorchServer")
        # Wrong shapes and dtypes are RuntimeErrors; the guards of an exported program assert.
        self.refusals = (*self.refusals, RuntimeError, AssertionError, IndexError)
        with reading(
            path,
            holds="pytorch",
            hint=f"{hint}; a state dict or a pickled module is no model by itself",
        ):
            if path.suffix == ".pt2":
                self._load_exported(path)
            else:
                self._load_script(path)
        self.check_output()

    def run(self, feed: Mapping[str, Array]) -> Mapping[str, Array]:
        """Run the module without gradients."""
        torch = self._torch
        with torch.inference_mode():
            # A copy: arrays that came from JSON may be read-only, which tensors cannot be.
            answer = self._call([torch.tensor(feed[spec.name]) for spec in self.inputs])
        return {name: _to_array(torch, each) for name, each in _name_outputs(torch, answer)}

    def explain(self, error: Exception) -> str:
        """Leave out TorchScript's traceback: its last words are the reason."""
        return shorten(str(error).rpartition("RuntimeError: ")[2])

    def _load_script(self, path: Path) -> None:
        module = self._torch.jit.load(str(path), map_location="cpu").eval()
        arguments = module.forward.schema.arguments[1:]
        dtypes = _dtype_of_each(self.dtype, [argument.name for argument in arguments])
        self.inputs = [
            TensorSpec(argument.name, dtype)
            for argument, dtype in zip(arguments, dtypes, strict=True)
        ]
        floats = [each.dtype for each in module.parameters() if each.is_floating_point()]
        if self._torch.float64 in floats:
            self.number_dtype = "float64"
        self._call = lambda tensors: module(*tensors)

    def _load_exported(self, path: Path) -> None:
        program = self._torch.export.load(str(path))
        nodes = {node.name: node for node in program.graph.nodes}
        signature = program.graph_signature
        self.inputs = [_read_spec(nodes[name], name) for name in signature.user_inputs]
        shape = program.call_spec.out_spec
        names = shape.context if shape.type is dict else range(len(signature.user_outputs))
        self.outputs = [
            _read_spec(nodes[node], key if isinstance(key, str) else f"output_{key}")
            for key, node in zip(names, signature.user_outputs, strict=True)
        ]
        module, spec = program.module(), program.call_spec.in_spec
        unflatten = self._torch.utils._pytree.tree_unflatten  # noqa: SLF001 - PyTorch's own inverse

        def call(tensors: list[Any]) -> Any:
            positional, named = unflatten(tensors, spec)
            return module(*positional, **named)

        self._call = call


def _dtype_of_each(given: str | None, names: list[str]) -> list[str | None]:
    if given is None:
        return [None] * len(names)
    dtypes: list[str | None] = [part.strip() for part in given.split(",")]
    if len(dtypes) == 1:
        return dtypes * len(names)
    if len(dtypes) != len(names):
        raise UsageError(
            f"the parameter dtype names {len(dtypes)} types",
            why=f"the model has the inputs {', '.join(names)}",
            hint="give one for all, or one for each",
        )
    return dtypes


def _read_spec(node: Any, name: str) -> TensorSpec:
    value = node.meta.get("val")
    if not hasattr(value, "dtype"):
        raise ArtifactError(
            f"the exported program's {name} is no tensor",
            why="inputs and outputs are tensors here",
            hint="export a module whose forward takes and returns tensors",
        )
    shape = tuple(size if isinstance(size, int) else -1 for size in value.shape)
    return TensorSpec(name, _numpy_name(str(value.dtype)), shape)


def _numpy_name(dtype: str) -> str:
    """`torch.float32` -> `float32`; numpy has no bfloat16, which float32 holds."""
    name = dtype.removeprefix("torch.")
    return "float32" if name == "bfloat16" else name


def _name_outputs(torch: Any, answer: Any) -> list[tuple[str, Any]]:
    """Flatten what a module returned: a tensor, a dict, a list or a tuple, named or not."""
    if isinstance(answer, torch.Tensor):
        return [("output_0", answer)]
    if isinstance(answer, dict):
        return [(str(name), each) for name, each in answer.items()]
    names = getattr(answer, "_fields", None) or [f"output_{i}" for i in range(len(answer))]
    return list(zip(names, answer, strict=True))


def _to_array(torch: Any, tensor: Any) -> Array:
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    array: Array = tensor.numpy(force=True)
    return array
