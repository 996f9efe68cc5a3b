"""Our model server under a long load: how much memory it keeps for each request.

Right and wrong requests in turns, over REST (Seldon's protocol and V2, as JSON and as bytes) and
gRPC, against one process. Its memory is read when the libraries are loaded and their caches full,
after a tenth of the requests, and at the end. From there to there it may grow by `MOST_BYTES` a
request, and once by what the allocator's pools come and go by. `SELDON_DEPLOYER_SOAK=1000000` is
the full run; the default is a tenth of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import grpc

from bench.measure import Row
from bench.running import SELDON_BODY, V2_BODY, Running, ours
from seldon_deployer.server.grpc.definitions import message_class

REQUESTS = int(os.environ.get("SELDON_DEPLOYER_SOAK", "100000"))
CONNECTIONS = 16
# What was kept of a request would be hundreds of bytes.
MOST_BYTES = 10.0
# Of the allocator: its pools are never as full as before.
_UNREST_BYTES = 2 * 2**20
# Before the first figure: code, caches and pools are as large as they get.
WARM_SHARE = 0.02
SECONDS = 60
_MEBIBYTE = 2**20

Ask = Callable[[], Awaitable[object]]


@dataclass
class Traffic:
    """What is asked in turns, and the statuses of the answers."""

    asks: list[Ask]
    statuses: Counter[object] = field(default_factory=Counter)

    async def send(self, count: int) -> None:
        """Send so many requests over all connections."""
        numbers = iter(range(count))
        await asyncio.gather(*(self._send(numbers) for _ in range(CONNECTIONS)))

    async def _send(self, numbers: object) -> None:
        for number in numbers:  # type: ignore[attr-defined]
            self.statuses[await self.asks[number % len(self.asks)]()] += 1


def run() -> list[Row]:
    """The memory at three points, and the growth a request."""
    with ours(PREDICTIVE_UNIT_PARAMETERS="[]") as server:
        return asyncio.run(_soak(server))


async def _soak(server: Running) -> list[Row]:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel,
    ):
        traffic = Traffic([*_rest(server, session), *_grpc(channel)])
        started = time.perf_counter()
        await traffic.send(int(REQUESTS * WARM_SHARE))
        at_start = server.resident_mebibytes()
        await traffic.send(REQUESTS // 10)
        at_tenth = server.resident_mebibytes()
        rest = REQUESTS - REQUESTS // 10
        await traffic.send(rest)
        at_end = server.resident_mebibytes()
        seconds = time.perf_counter() - started
    grown = (at_end - at_tenth) * _MEBIBYTE
    sizes = ", ".join(f"{size:.1f} MiB" for size in (at_start, at_tenth, at_end))
    counts = sorted(traffic.statuses.items(), key=str)
    told = ", ".join(f"{status}: {count}" for status, count in counts)
    return [
        Row(
            f"memory warm, after a tenth, after {REQUESTS} requests",
            sizes,
            f"{told}, {REQUESTS / seconds:.0f}/s",
            f"{grown / rest:.2f} bytes a request",
            f"{MOST_BYTES:g}",
            grown <= _UNREST_BYTES + MOST_BYTES * rest and not _is_broken(traffic.statuses),
        )
    ]


def _is_broken(statuses: Counter[object]) -> bool:
    """Whether there was an answer that none of the requests should get."""
    return not set(statuses) <= {200, 400, 404, "OK", "INVALID_ARGUMENT"}


def _rest(server: Running, session: aiohttp.ClientSession) -> list[Ask]:
    root = f"http://127.0.0.1:{server.port}"
    seldon = json.dumps(SELDON_BODY).encode()
    v2 = json.dumps({"inputs": V2_BODY["inputs"]}).encode()
    # One number of the last is told to be longer than it is.
    head = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64"}]}
    head["inputs"][0]["parameters"] = {"binary_data_size": 32}
    binary = json.dumps(head).encode()
    length = {"Inference-Header-Content-Length": str(len(binary))}
    wrong = b'{"data": {"tensor": {"shape": [2, 3], "values": [1]}}}'
    serial = iter(range(10**12))

    def ask(path: str, body: bytes, headers: dict[str, str] | None = None) -> Ask:
        async def send() -> int:
            sent = {"Content-Type": "application/json"} | (headers or {})
            async with session.post(root + path, data=body, headers=sent) as answer:
                await answer.read()
                return answer.status

        return send

    async def unknown() -> int:
        # Each time another path, name and number: what is kept by name would grow.
        number = next(serial)
        body = json.dumps({"strData": f"{number}", "meta": {"puid": f"{number}"}, f"{number}": 1})
        url = f"{root}/v2/models/{number}/infer"
        async with session.post(url, data=body.encode()) as answer:
            await answer.read()
            return answer.status

    return [
        ask("/predict", seldon),
        ask("/v2/models/iris/infer", v2),
        ask("/api/v1.0/predictions", seldon),
        ask("/v2/models/iris/infer", binary + bytes(32), length),
        ask("/v2/models/iris/infer", binary + bytes(31), length),
        ask("/predict", wrong),
        ask("/predict", seldon[:-3]),
        unknown,
    ]


def _grpc(channel: grpc.aio.Channel) -> list[Ask]:
    good = message_class("seldon.protos.SeldonMessage")()
    good.data.tensor.shape.extend([1, 4])
    good.data.tensor.values.extend([5.1, 3.5, 1.4, 0.2])
    content = good.SerializeToString()

    def ask(body: bytes) -> Ask:
        call = channel.unary_unary("/seldon.protos.Model/Predict")

        async def send() -> str:
            try:
                await call(body, timeout=SECONDS)
            except grpc.aio.AioRpcError as error:
                return str(error.code().name)
            return "OK"

        return send

    return [ask(content), ask(content[:-5])]
