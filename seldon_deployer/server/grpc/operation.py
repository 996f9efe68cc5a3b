"""What answers a gRPC method: bytes of a message in, bytes of a message out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seldon_deployer.rpc.messages import Buffer
from seldon_deployer.server.calls import Steps

# A message as the parts that it is sent in: large ones are nowhere joined.
Parts = Sequence[Buffer]


@dataclass(frozen=True)
class Prediction:
    """A handler that has the user's object called, by the name that its queue and metrics use."""

    method: str
    answer: Callable[[Buffer], Steps[Parts]]


@dataclass(frozen=True)
class Question:
    """Answered at once, while predictions are at work."""

    answer: Callable[[Buffer], bytes]


Operation = Prediction | Question
