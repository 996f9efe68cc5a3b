"""Tensors as Triton's clients know them <-> those of the model: names, batches, shapes.

Source: NVIDIA Triton 21.08, model configuration: inputs and outputs, reshape, and the names of
PyTorch's tensors, which a model does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seldon_deployer.artifacts.layouts.triton import CONFIG_FILE
from seldon_deployer.errors import ArtifactError
from seldon_deployer.server.component import REASON_INTERNAL, UnitError
from seldon_deployer.server.tensors import TensorSpec
from seldon_deployer.server.triton_config import ModelConfig, TensorConfig, name_type

if TYPE_CHECKING:
    from seldon_deployer.server.tensors import Array

_NUMBERED = re.compile(r".*__([0-9]+)")
_VARIES = -1


@dataclass(frozen=True, slots=True)
class Link:
    """One tensor from both sides.

    spec: as clients know it. own_name: as the model calls it. config: what is said of it.
    max_batch_size: of the configuration, 0 without batches.
    """

    spec: TensorSpec
    own_name: str
    config: TensorConfig
    max_batch_size: int = 0

    def to_model(self, array: Array) -> Array:
        """An input in the model's own shape.

        Raises UnitError 400 for another shape than is configured, and for too large a batch.
        """
        wanted = self.spec.shape or ()
        if self.config.dims and not _is_like(array.shape, wanted):
            raise UnitError(
                f"the input {self.spec.name} has the shape {list(array.shape)}; "
                f"{list(wanted)} is wanted"
            )
        rows = len(array) if self.max_batch_size and array.ndim else 0
        if rows > self.max_batch_size:
            raise UnitError(
                f"the input {self.spec.name} is a batch of {rows}; "
                f"{CONFIG_FILE} allows {self.max_batch_size}"
            )
        if self.config.reshape is None:
            return array
        return self._reshape(array, self.config.dims, self.config.reshape)

    def to_client(self, array: Array) -> Array:
        """An output in the shape that clients are told of.

        Raises UnitError 500 for a dtype that is not the configured one, as Triton does.
        """
        said = self.config.dtype
        if said is not None and array.dtype.kind in "biuf" and array.dtype.name != said:
            raise UnitError(
                f"the model answers {self.spec.name} as {name_type(array.dtype.name)}, and "
                f"{CONFIG_FILE} says {name_type(said)}",
                *(500, REASON_INTERNAL),
            )
        if self.config.reshape is None:
            return array
        return self._reshape(array, self.config.reshape, self.config.dims)

    def _reshape(self, array: Array, known: tuple[int, ...], wanted: tuple[int, ...]) -> Array:
        batch = array.shape[:1] if self.max_batch_size else ()
        given = array.shape[len(batch) :]
        # A size that varies is the same one on both sides, in order.
        varying = iter([size for size, told in zip(given, known, strict=False) if told == _VARIES])
        sizes = [next(varying, _VARIES) if size == _VARIES else size for size in wanted]
        return array.reshape(batch + tuple(sizes))


def link_by_name(
    kind: str, given: Sequence[TensorConfig], own: Sequence[TensorSpec], config: ModelConfig
) -> list[Link]:
    """The tensors of a model that names them; raises ArtifactError where the two do not agree.

    kind: `input`, of which all have to be described where one is, or `output`.
    """
    known = {spec.name: spec for spec in own}
    described = {each.name: each for each in given}
    for name in described:
        if name not in known:
            raise _disagree(f"has an {kind} {name}", f"the model has {', '.join(known)}")
    left = [name for name in known if name not in described]
    if kind == "input" and described and left:
        raise _disagree("does not describe every input", f"{', '.join(left)} of the model is left")
    links = [
        _link(described.get(name, TensorConfig(name)), known[name], config)
        for name in described or known
    ]
    for link in links:
        _check(link, known[link.own_name])
    return links


def link_by_position(
    kind: str, given: Sequence[TensorConfig], own_names: Sequence[str], config: ModelConfig
) -> list[Link]:
    """The tensors of a model of PyTorch's, whose names are `<any>__<position>`, or its own.

    Names that are neither are taken in order. Raises ArtifactError where the two do not agree.
    """
    if not given:
        default = [TensorConfig(f"{kind.upper()}__{i}") for i in range(len(own_names))]
        return [
            _link(*each, config) for each in zip(default, map(TensorSpec, own_names), strict=True)
        ]
    names = [each.name for each in given]
    places = _places(names, own_names)
    there = set(range(len(own_names)))
    if not there.issuperset(places) or (kind == "input" and sorted(places) != sorted(there)):
        raise _disagree(
            f"has the {kind}s {', '.join(names)}",
            f"the model has {len(own_names)}: {', '.join(own_names) or 'none'}",
        )
    return [
        _link(each, TensorSpec(own_names[place]), config)
        for each, place in zip(given, places, strict=True)
    ]


def _places(names: Sequence[str], own_names: Sequence[str]) -> list[int]:
    if set(names) <= set(own_names):
        return [own_names.index(name) for name in names]
    found = [_NUMBERED.fullmatch(name) for name in names]
    numbers = [int(each[1]) for each in found if each is not None]
    return numbers if len(numbers) == len(names) else list(range(len(names)))


def _link(each: TensorConfig, own: TensorSpec, config: ModelConfig) -> Link:
    shape = config.full_shape(each.dims) or own.shape
    spec = TensorSpec(each.name, each.dtype or own.dtype, shape)
    return Link(spec, own.name, each, config.max_batch_size)


def _check(link: Link, own: TensorSpec) -> None:
    """Raise ArtifactError where what is said of a tensor is not what the model says."""
    said = link.config
    if said.dtype and own.dtype and said.dtype != own.dtype:
        raise _disagree(
            f"says {name_type(said.dtype)} of {said.name}", f"the model has {name_type(own.dtype)}"
        )
    if not said.dims or own.shape is None:
        return
    inner = said.dims if said.reshape is None else said.reshape
    shape = (_VARIES, *inner) if link.max_batch_size else inner
    if len(shape) != len(own.shape) or any(
        _VARIES not in (one, other) and one != other
        for one, other in zip(shape, own.shape, strict=True)
    ):
        batch = ", with the batch before its dims," if link.max_batch_size else ""
        raise _disagree(
            f"says{batch} the shape {list(shape)} of {said.name}",
            f"the model has {list(own.shape)}",
        )


def _is_like(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    return len(shape) == len(wanted) and all(
        size == told or told == _VARIES for size, told in zip(shape, wanted, strict=True)
    )


def _disagree(what: str, why: str) -> ArtifactError:
    return ArtifactError(
        f"{CONFIG_FILE} {what}",
        why=why,
        hint="say there what the model has, max_batch_size too; for ONNX and SavedModels it may "
        "leave inputs and outputs out",
    )
