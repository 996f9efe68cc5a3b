"""A V2 request as a model sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seldon_deployer.payload import Tensor


@dataclass(frozen=True)
class Inference:
    """Named inputs, and the names of the outputs that are wanted: none means all, or the usual one.

    content_type: what the request says it holds, `pd` for the columns of a frame; input_types: what
    it says of single inputs, by name.
    """

    inputs: list[Tensor]
    outputs: list[str] = field(default_factory=list)
    content_type: str | None = None
    input_types: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_frame(self) -> bool:
        """Whether the inputs are the columns of one table."""
        return self.content_type == "pd" or len(self.inputs) > 1


@dataclass(frozen=True)
class TypedTensor(Tensor):
    """An output that says how it is to be read, in MLServer's words: `np` is an array."""

    content_type: str = "np"
