"""Calls of gRPC for the measurements: the bytes of requests, and what sends them.

Small ones by `h2load` (Debian's nghttp2-client), which speaks HTTP/2 and knows nothing of gRPC:
each server is asked by a real client first, so that what is counted are answers.
"""

from __future__ import annotations

import re
import struct
import subprocess
import tempfile
from typing import Any

import grpc
import numpy as np

from bench.running import Running
from seldon_deployer.server.grpc.definitions import message_class

FEATURES = [5.1, 3.5, 1.4, 0.2]
PREDICT = "/seldon.protos.Model/Predict"
INFER = "/inference.GRPCInferenceService/ModelInfer"
ANSWERS = {PREDICT: "seldon.protos.SeldonMessage", INFER: "inference.ModelInferResponse"}


def seldon_request() -> bytes:
    """One row of iris as a tensor."""
    wire = message_class("seldon.protos.SeldonMessage")()
    wire.data.tensor.shape.extend([1, 4])
    wire.data.tensor.values.extend(FEATURES)
    content: bytes = wire.SerializeToString()
    return content


def v2_request() -> bytes:
    """One row of iris, its probabilities wanted: MLServer predicts labels unless asked."""
    wire = message_class("inference.ModelInferRequest")(model_name="iris")
    tensor = wire.inputs.add(name="predict", datatype="FP64", shape=[1, 4])
    tensor.contents.fp64_contents.extend(FEATURES)
    wire.outputs.add(name="predict_proba")
    content: bytes = wire.SerializeToString()
    return content


def v2_tensor_request(array: np.ndarray[Any, Any], *, model: str) -> bytes:
    """A request with one raw tensor."""
    wire = message_class("inference.ModelInferRequest")(model_name=model)
    wire.inputs.add(name="a", datatype="FP32", shape=array.shape)
    wire.raw_input_contents.append(array.tobytes())
    content: bytes = wire.SerializeToString()
    return content


def call(server: Running, method: str, request: bytes) -> Any:
    """Ask once, by grpc's own client. Raises what it raises."""
    with open_channel(server) as channel:
        ask = channel.unary_unary(method, None, message_class(ANSWERS[method]).FromString)
        return ask(request, timeout=60, wait_for_ready=True)


def open_channel(server: Running) -> grpc.Channel:
    """A channel without a limit on the size of messages."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    return grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", options=options)


def requests_per_second(
    server: Running, method: str, request: bytes, *, connections: int, seconds: int
) -> float:
    """How many small requests are answered, one at a time on each connection."""
    with tempfile.NamedTemporaryFile() as file:
        # gRPC's frame: not compressed, and the length.
        file.write(struct.pack(">BI", 0, len(request)) + request)
        file.flush()
        command = ["h2load", f"-c{connections}", "-m1", f"-D{seconds}", "-d", file.name]
        command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        command.append(f"http://127.0.0.1:{server.grpc_port}{method}")
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if re.search(r" 0 failed, 0 errored", told) is None:
        raise RuntimeError(f"{method} failed under load: {told}")
    found = re.search(r"finished in [\d.]+s, ([\d.]+) req/s", told)
    if found is None:
        raise RuntimeError(f"h2load said nothing of requests: {told}")
    return float(found[1])
