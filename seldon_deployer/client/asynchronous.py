"""`AsyncInferenceClient`: ask a deployed model, from an event loop."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from seldon_deployer.client.base import Client
from seldon_deployer.client.exchange import Returns
from seldon_deployer.client.failures import unanswered
from seldon_deployer.client.http_async import AsyncHttpTransport
from seldon_deployer.client.messages import Call, NoReply, Reply
from seldon_deployer.payload import Message

if TYPE_CHECKING:
    from seldon_deployer.client.grpc_channel import AsyncGrpcTransport


class AsyncInferenceClient(Client):
    """Asks one deployed model from an event loop; as InferenceClient, but to be awaited.

    Keeps its connections, so close it, or use it as `async with`. `auth` is called in the loop.
    """

    @cached_property
    def _transport(self) -> AsyncHttpTransport | AsyncGrpcTransport:
        address = self._exchange.address
        if not address.is_grpc:
            return AsyncHttpTransport(self._connection)
        from seldon_deployer.client.grpc_channel import AsyncGrpcTransport

        return AsyncGrpcTransport(address.base, self._connection)

    async def predict(
        self,
        data: Any,
        *,
        names: Sequence[str] | None = None,
        outputs: Sequence[str] = (),
        returns: Returns = "value",
        timeout_seconds: float | None = None,
    ) -> Any:
        """Ask for a prediction.

        `data`: an array or rows (rows, features), a frame (its columns give the names), a list of
        dicts, one row of a frame, a text, bytes; answered by an array, text, bytes or JSON value.
        A dict by itself is a whole message of the protocol and is answered by the whole message.
        `returns` asks for something else: the whole `message`, or a `pandas` or `polars` frame.
        `outputs` names the outputs to get (V2).
        Raises PredictionError, or PayloadError for what cannot be sent.
        """
        call = self._exchange.ask_prediction(data, names=names, outputs=outputs)
        message = await self._ask(call, timeout_seconds)
        return self._exchange.read_value(message, data, returns)

    async def feedback(
        self,
        request: Any = None,
        response: Message | None = None,
        *,
        reward: float,
        truth: Any = None,
        timeout_seconds: float | None = None,
    ) -> Message:
        """Tell how good an answer was. Never sent twice.

        `request` and `truth` are data or messages, `response` the whole message that answered: a
        router learns from its `meta.routing`. Raises PredictionError; UsageError for V2.
        """
        call = self._exchange.ask_feedback(request, response, reward=reward, truth=truth)
        return await self._ask(call, timeout_seconds)

    async def explain(
        self,
        data: Any,
        *,
        predictor: str = "default",
        url: str | None = None,
        names: Sequence[str] | None = None,
        timeout_seconds: float | None = None,
    ) -> Any:
        """Ask why: the explanation of a deployment that has an explainer, as a JSON value.

        Raises PredictionError, also where there is no explainer.
        """
        call = self._exchange.ask_explanation(data, predictor=predictor, url=url, names=names)
        return self._exchange.read_explanation(await self._ask(call, timeout_seconds))

    async def metadata(self, *, timeout_seconds: float | None = None) -> Message:
        """Ask what the graph (Seldon) or the model (V2) says of itself. Raises PredictionError."""
        return await self._ask(self._exchange.ask_metadata(), timeout_seconds)

    async def close(self) -> None:
        """Close the kept connections. The client stays usable."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _ask(self, call: Call, timeout_seconds: float | None) -> Message:
        import asyncio  # Its import alone costs more than ours.

        allowed = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        deadline = time.monotonic() + allowed
        for attempt in count(1):
            outcome = await self._try(call, deadline - time.monotonic())
            wait = self._retries.wait_seconds(
                call, outcome, attempt=attempt, left_seconds=deadline - time.monotonic()
            )
            if wait is None:
                break
            await asyncio.sleep(wait)
        if isinstance(outcome, NoReply):
            raise unanswered(self.name, call, outcome, allowed) from outcome
        return self._exchange.read(call, outcome)

    async def _try(self, call: Call, left_seconds: float) -> Reply | NoReply:
        try:
            return await self._transport.send(call, max(left_seconds, 0.001))
        except NoReply as failure:
            return failure
