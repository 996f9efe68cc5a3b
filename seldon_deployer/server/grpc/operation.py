"""What answers a gRPC method: bytes of a message in, bytes of a message out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seldon_deployer.server.calls import Steps


@dataclass(frozen=True)
class Prediction:
    """A handler that has the user's object called, by the name that its queue and metrics use."""

    method: str
    answer: Callable[[bytes], Steps[bytes]]


@dataclass(frozen=True)
class Question:
    """Answered at once, while predictions are at work."""

    answer: Callable[[bytes], bytes]


Operation = Prediction | Question
