"""A tensor of 10 MB there and back: V2's binary data and gRPC beside seldon-core's JSON.

Memory is the most that our server's process took above what it had before the first request, as a
multiple of the 10 MB; of requests one after the other, and with a class that answers one number,
so that it is the request's.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import numpy as np
import orjson
import urllib3

from bench.grpc_calls import INFER, PREDICT, call, v2_tensor_request
from bench.measure import Row, time_call
from bench.running import Running, ours, seldon_core
from seldon_deployer.payload.v2_binary import attach_binary
from seldon_deployer.server.grpc.definitions import packed_class

ROUNDS = 7
SLOW_ROUNDS = 3
ARRAY = np.random.default_rng(0).random((2_500, 1_000), dtype="float32")
HTTP = urllib3.PoolManager(timeout=120, retries=False)
Ask = Callable[[Running], np.ndarray]


def run() -> list[Row]:
    """Seconds for each form of the same tensor, and memory for those of bytes."""
    json_seconds = _seconds(partial(seldon_core, "echo_unit.Echo"), _ask_seldon_json, SLOW_ROUNDS)
    rows = []
    for what, ask, aim in (
        ("V2 binary over REST", _ask_v2_binary, 20.0),
        ("V2 over gRPC", _ask_v2_grpc, 20.0),
        ("Seldon's tensor over gRPC (20 MB: its numbers are doubles)", _ask_seldon_grpc, None),
        ("Seldon's JSON", _ask_seldon_json, None),
    ):
        mine = _seconds(partial(ours, "echo_unit.Echo"), ask, ROUNDS)
        rows.append(
            Row(
                f"10 MB float32: {what}",
                f"{mine * 1000:.0f} ms",
                f"seldon-core's JSON: {json_seconds * 1000:.0f} ms",
                f"{json_seconds / mine:.0f} x",
                f"{aim:g} x" if aim else "",
                json_seconds / mine >= aim if aim else None,
            )
        )
    rows += [
        _memory("V2 binary over REST", _ask_v2_binary),
        _memory("V2 over gRPC", _ask_v2_grpc),
        _memory("Seldon's tensor over gRPC (20 MB on the wire)", _ask_seldon_grpc),
    ]
    return rows


def _seconds(server: Callable[[], AbstractContextManager[Running]], ask: Ask, rounds: int) -> float:
    with server() as running:
        # The first one makes the connection, and tells that the answer is the tensor.
        assert np.array_equal(ask(running).reshape(ARRAY.shape).astype("float32"), ARRAY)
        return statistics.median(time_call(partial(ask, running)) for _ in range(rounds))


def _memory(what: str, ask: Ask) -> Row:
    multiples = []
    for served in ("Echo", "Total"):
        with ours(f"echo_unit.{served}") as running:
            # Of the libraries that the first request brings along, numpy above all.
            ask_small = ARRAY[:1, :1]
            _ask_v2_binary(running, ask_small)
            call(running, INFER, v2_tensor_request(ask_small, model="iris"))
            before = _most_resident_bytes(running)
            for _ in range(ROUNDS):
                ask(running)
            multiples.append((_most_resident_bytes(running) - before) / ARRAY.nbytes)
    echo, total = multiples
    return Row(
        f"memory of a 10 MB tensor: {what}",
        f"{echo:.1f} x there and back, {total:.1f} x there",
        "",
        "",
        "below 4 x",
        echo < 4,
    )


def _most_resident_bytes(running: Running) -> int:
    """The most that the process ever took. Linux only."""
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _ask_seldon_json(running: Running) -> np.ndarray:
    tensor = {"shape": list(ARRAY.shape), "values": ARRAY.ravel()}
    body = orjson.dumps({"data": {"tensor": tensor}}, option=orjson.OPT_SERIALIZE_NUMPY)
    headers = {"Content-Type": "application/json"}
    answer = HTTP.request("POST", running.url("seldon"), body=body, headers=headers)
    return np.array(orjson.loads(answer.data)["data"]["tensor"]["values"])


def _ask_v2_binary(running: Running, array: np.ndarray = ARRAY) -> np.ndarray:
    tensor = {"name": "a", "shape": list(array.shape), "datatype": "FP32"}
    tensor["parameters"] = {"binary_data_size": array.nbytes}
    request = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    text = json.dumps(request).encode()
    answer = HTTP.request(
        "POST",
        running.url("v2"),
        body=text + array.tobytes(),
        headers={"Inference-Header-Content-Length": str(len(text))},
    )
    length = int(answer.headers["Inference-Header-Content-Length"])
    described = json.loads(answer.data[:length])
    answered = attach_binary(described, "outputs", memoryview(answer.data)[length:])
    return answered["outputs"][0]["data"]


def _ask_v2_grpc(running: Running) -> np.ndarray:
    answer = call(running, INFER, v2_tensor_request(ARRAY, model="iris"))
    return np.frombuffer(answer.raw_output_contents[0], "float32")


def _ask_seldon_grpc(running: Running) -> np.ndarray:
    wire = packed_class("seldon.protos.SeldonMessage")()
    wire.data.tensor.shape.extend(ARRAY.shape)
    wire.data.tensor.values.append(ARRAY.astype("f8").tobytes())
    return np.array(call(running, PREDICT, wire.SerializeToString()).data.tensor.values)
