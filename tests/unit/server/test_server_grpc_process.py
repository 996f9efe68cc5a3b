"""gRPC as a part of the process: its port, its limits, health, reflection, deadlines, its end."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from grpc_unit import MESSAGE, V2, connect, infer_request

from seldon_deployer.server.grpc.definitions import message_class

ECHO = {"strData": "0"}


def text(words):
    return message_class(MESSAGE)(strData=words)


def test_health_tells_of_the_server_and_of_each_service(start_unit):
    unit = connect(start_unit("served.Echo", "--grpc-port", "0"))
    stub = health_pb2_grpc.HealthStub(unit.channel)
    for service in ("", V2, "seldon.protos.Model", "seldon.protos.Seldon"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=20)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as raised:
        stub.Check(health_pb2.HealthCheckRequest(service="other"), timeout=20)
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND


def test_reflection_lists_the_services_and_describes_all_of_them(start_unit):
    from google.protobuf.descriptor_pool import DescriptorPool

    unit = connect(start_unit("served.Echo", "--grpc-port", "0"))
    database = ProtoReflectionDescriptorDatabase(unit.channel)
    services = set(database.get_services())
    kinds = ("Seldon", "Model", "Router", "Transformer", "OutputTransformer", "Combiner", "Generic")
    assert services >= {f"seldon.protos.{kind}" for kind in kinds} | {V2, "grpc.health.v1.Health"}
    pool = DescriptorPool(database)
    for service in services:
        assert pool.FindServiceByName(service).methods
    # As the .proto files have it, not as this server writes it.
    values = pool.FindMessageTypeByName("seldon.protos.Tensor").fields_by_name["values"]
    assert values.type == values.TYPE_DOUBLE


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        ((), {}),
        (("--grpc-workers", "0"), {"PREDICTIVE_UNIT_GRPC_SERVICE_PORT": "0"}),
        ((), {"PREDICTIVE_UNIT_GRPC_SERVICE_PORT": "0", "GRPC_WORKERS": "0"}),
    ],
)
def test_without_a_port_or_without_workers_there_is_no_grpc(start_unit, arguments, environment):
    unit = start_unit("served.Echo", *arguments, **environment)
    assert "listening on grpc" not in unit.log.read_text()


@pytest.mark.parametrize("name", ["PREDICTIVE_UNIT_GRPC_SERVICE_PORT", "MLSERVER_GRPC_PORT"])
def test_the_environment_of_a_unit_tells_the_port(start_unit, name):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    unit = connect(start_unit("served.Echo", **{name: str(port)}))
    assert unit.ask("Model/Predict", ECHO)["strData"] == "0"


def test_a_busy_port_is_a_clear_error_before_the_model_is_loaded(run_server):
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = str(taken.getsockname()[1])
        result = run_server("served.FailsToLoad", "--http-port", "0", "--grpc-port", port)
    assert result.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr
    assert "the weights are gone" not in result.stderr


def test_a_server_without_grpc_imports_none_of_it():
    code = (
        "import sys, seldon_deployer, seldon_deployer.server.process;"
        "print([m for m in ('grpc', 'google.protobuf') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_messages_past_four_mebibytes_go_through_and_past_the_limit_they_do_not(start_unit):
    unit = connect(start_unit("served.Echo", "--grpc-port", "0", "--grpc-max-bytes", "9000000"))
    raw = bytes(8_000_000)
    answer = unit.infer(infer_request(a=("FP64", [1_000_000], raw)))
    assert answer.raw_output_contents[0] == raw
    with pytest.raises(grpc.RpcError) as raised:
        unit.infer(infer_request(a=("FP64", [1_250_000], bytes(10_000_000))))
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_compressed_messages_are_read(start_unit):
    unit = connect(start_unit("served.Echo", "--grpc-port", "0"))
    raw = bytes(80_000)
    request = infer_request(a=("FP64", [10_000], raw))
    answer = unit.infer(request, compression=grpc.Compression.Gzip)
    assert answer.raw_output_contents[0] == raw


def test_one_that_waits_past_its_deadline_is_never_asked_of_the_model(start_unit):
    started = start_unit("wire.Waits", "--grpc-port", "0")
    unit = connect(started)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(unit.ask, "Model/Predict", {"strData": "0.6"})
        wait_for(lambda: "asked 0.6" in started.log.read_text())
        with pytest.raises(grpc.RpcError) as raised:
            unit.call("seldon.protos.Model/Predict", text("0.01"), MESSAGE, timeout=0.1)
        assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        first.result()
    assert unit.ask("Model/Predict", {"strData": "0"})["strData"] == "0"
    assert "asked 0.01" not in started.log.read_text()


def test_questions_are_answered_while_a_prediction_is_at_work(start_unit):
    started = start_unit("wire.Waits", "--grpc-port", "0")
    unit = connect(started)
    with ThreadPoolExecutor() as pool:
        busy = pool.submit(unit.ask, "Model/Predict", {"strData": "1"})
        wait_for(lambda: "asked 1" in started.log.read_text())
        ready = message_class("inference.ServerReadyRequest")()
        answer = unit.call(f"{V2}/ServerReady", ready, "inference.ServerReadyResponse")
        assert answer.ready
        assert not busy.done()
        busy.result()


def test_what_is_in_flight_at_sigterm_is_answered_and_the_end_is_zero(start_unit):
    started = start_unit("wire.Waits", "--grpc-port", "0")
    unit = connect(started)
    with ThreadPoolExecutor() as pool:
        busy = pool.submit(unit.ask, "Model/Predict", {"strData": "1"})
        wait_for(lambda: "asked 1" in started.log.read_text())
        started.process.send_signal(signal.SIGTERM)
        assert busy.result()["strData"] == "1"
    assert started.process.wait(20) == 0


def test_under_load_at_sigterm_each_call_is_answered_or_was_never_asked_of_the_model(start_unit):
    started = start_unit("wire.Counted", "--grpc-port", "0")
    end = threading.Event()

    def load():
        unit, answered, lost = connect(started), 0, []
        while not end.is_set():
            try:
                unit.call("seldon.protos.Model/Predict", text("x"), MESSAGE, wait_for_ready=False)
                answered += 1
            except grpc.RpcError as error:
                lost.append(error.code())
        unit.channel.close()
        return answered, lost

    with ThreadPoolExecutor(4) as pool:
        loads = [pool.submit(load) for _ in range(4)]
        wait_for(lambda: "made 40" in started.log.read_text())
        started.process.send_signal(signal.SIGTERM)
        assert started.process.wait(20) == 0
        end.set()
    answered = sum(each.result()[0] for each in loads)
    refused = {code for each in loads for code in each.result()[1]}
    made = started.log.read_text().count("made ")
    assert answered == made
    assert refused <= {grpc.StatusCode.UNAVAILABLE}


def wait_for(claim):
    deadline = time.monotonic() + 20
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc, which Linux has")
@pytest.mark.parametrize("protocol", ["seldon", "v2"])
def test_large_tensors_take_less_than_four_times_their_size_however_many_come(start_unit, protocol):
    started = start_unit("served.Echo", "--grpc-port", "0")
    unit = connect(started)

    def ask(values):
        if protocol == "v2":
            answer = unit.infer(infer_request(a=("FP32", [values.size], values.tobytes())))
            return np.frombuffer(answer.raw_output_contents[0], "float32")
        request = message_class(MESSAGE)()
        request.data.tensor.shape.extend(values.shape)
        request.data.tensor.values.extend(values)
        return np.array(
            unit.call("seldon.protos.Model/Predict", request, MESSAGE).data.tensor.values
        )

    def most_resident_bytes():
        status = Path(f"/proc/{started.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024

    values = np.random.default_rng(0).random(2_000_000, dtype="float32")
    ask(values[:1])
    before = most_resident_bytes()
    for _ in range(4):
        assert np.array_equal(ask(values), values)
    # Seldon's tensors are doubles on their way.
    size_bytes = values.nbytes * (2 if protocol == "seldon" else 1)
    assert most_resident_bytes() - before < 4 * size_bytes
