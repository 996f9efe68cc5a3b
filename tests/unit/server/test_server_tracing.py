"""Traces, sent to a collector of OpenTelemetry's protocol, and the access log."""

import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import pytest
import urllib3
from google.protobuf.json_format import ParseDict
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_unit import MESSAGE, connect
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from seldon_deployer.server.grpc.definitions import message_class
from seldon_deployer.server.tracing import parse_uber_trace, wants_tracing

ROW = {"data": {"ndarray": [[1]]}}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector():
    """A collector on loopback: its address, and the spans that it was sent."""
    spans = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                names = {each.key: each.value.string_value for each in resource.resource.attributes}
                for scope in resource.scope_spans:
                    spans.extend((names["service.name"], span) for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", spans
        server.shutdown()
        thread.join()


def end(unit):
    """Spans are sent when there are many, and at the end."""
    unit.http.clear()
    unit.process.terminate()
    assert unit.process.wait(30) == 0


@pytest.mark.parametrize(
    "header",
    [
        {"traceparent": f"00-{TRACE}-{PARENT}-01"},
        {"Uber-Trace-Id": f"{TRACE}:{PARENT}:0:1"},
    ],
)
def test_a_request_goes_on_with_the_trace_of_its_caller(start_unit, collector, header):
    address, spans = collector
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "PREDICTIVE_UNIT_ID": "classifier"}
    unit = start_unit("traced.Spans", **variables)
    assert unit.post("/predict", ROW, **header, **{"Seldon-Puid": "p1"}).status == 200
    unit.get("/health/status")
    end(unit)
    found = {span.name: (service, span) for service, span in spans}
    assert set(found) == {"POST /predict", "inside"}
    service, server = found["POST /predict"]
    assert service == "classifier"
    assert server.trace_id.hex() == TRACE
    assert server.parent_span_id.hex() == PARENT
    attributes = {each.key: each.value for each in server.attributes}
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["seldon.puid"].string_value == "p1"
    # The user's own span, made in another thread, hangs below it.
    assert found["inside"][1].parent_span_id == server.span_id


def test_a_trace_that_its_caller_does_not_sample_is_not_sent(start_unit, collector):
    address, spans = collector
    unit = start_unit("traced.Spans", OTEL_EXPORTER_OTLP_ENDPOINT=address)
    assert unit.post("/predict", ROW, traceparent=f"00-{TRACE}-{PARENT}-00").status == 200
    end(unit)
    assert not spans


@pytest.mark.parametrize(
    ("environment", "asked", "is_on"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, False, True),
        ({"OTEL_TRACES_EXPORTER": "none"}, True, False),
        ({"OTEL_SDK_DISABLED": "true"}, True, False),
        ({"OTEL_SERVICE_NAME": "x"}, False, False),
    ],
)
def test_tracing_is_on_where_it_is_asked_for(environment, asked, is_on):
    assert wants_tracing(environment, asked) is is_on


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
def test_the_orchestrators_header_is_read(trace, span, is_sampled):
    text = f"{trace:x}:{span:x}:0:{1 if is_sampled else 0}"
    assert parse_uber_trace(text) == (trace, span, is_sampled)
    assert parse_uber_trace(text.replace(":", "%3A")) == (trace, span, is_sampled)


@given(st.text())
def test_any_other_text_is_no_trace(text):
    found = parse_uber_trace(text)
    assert found is None or (found[0] > 0 and found[1] > 0)


@pytest.mark.parametrize(
    "text", ["", "1:2:3", "0:1:0:1", "1:0:0:1", f"{2**128:x}:1:0:1", "g:1:0:1"]
)
def test_a_broken_header_is_none(text):
    assert parse_uber_trace(text) is None


def test_the_access_log_has_a_line_for_each_request_and_nothing_of_what_it_holds(start_unit):
    unit = start_unit("batched.Counts", "--access-log")
    secret = {"data": {"ndarray": [["hunter2"]]}}
    unit.post("/predict", secret, **{"Seldon-Puid": "p1", "Uber-Trace-Id": "1:2:0:1"})
    unit.http.request("GET", f"{unit.url}/predict", fields={"json": json.dumps(secret)})
    unit.get("/nowhere")
    # A line is written after its answer.
    end(unit)
    text = unit.log.read_text()
    assert "hunter2" not in text
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("POST", "/predict", 200),
        ("GET", "/predict", 200),
        ("GET", "/nowhere", 404),
    ]
    assert lines[0]["puid"] == "p1"
    assert lines[0]["trace"] == "1:2:0:1"
    assert lines[0]["request_bytes"] == len(json.dumps(secret))
    assert lines[0]["response_bytes"] > 0
    assert lines[0]["milliseconds"] > 0


def test_without_being_asked_there_is_no_access_log(start_unit):
    unit = start_unit("batched.Counts")
    unit.predict(ROW)
    end(unit)
    assert "/predict" not in unit.log.read_text()


def test_a_call_of_grpc_goes_on_with_the_trace_of_its_caller(start_unit, collector):
    address, spans = collector
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "PREDICTIVE_UNIT_ID": "classifier"}
    started = start_unit("traced.Spans", "--grpc-port", "0", **variables)
    unit = connect(started)
    metadata = (("traceparent", f"00-{TRACE}-{PARENT}-01"), ("seldon-puid", "p1"))
    row = ParseDict(ROW, message_class(MESSAGE)())
    unit.call("seldon.protos.Model/Predict", row, MESSAGE, metadata=metadata)
    with pytest.raises(grpc.RpcError):
        unit.call("seldon.protos.Model/Nothing", row, MESSAGE)
    health_pb2_grpc.HealthStub(unit.channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
    unit.channel.close()
    end(started)
    found = {span.name: span for _, span in spans}
    assert set(found) == {"seldon.protos.Model/Predict", "inside", "seldon.protos.Model/Nothing"}
    server = found["seldon.protos.Model/Predict"]
    assert (server.trace_id.hex(), server.parent_span_id.hex()) == (TRACE, PARENT)
    attributes = {each.key: each.value for each in server.attributes}
    assert attributes["rpc.system"].string_value == "grpc"
    assert attributes["rpc.service"].string_value == "seldon.protos.Model"
    assert attributes["rpc.method"].string_value == "Predict"
    assert attributes["rpc.grpc.status_code"].int_value == 0
    assert attributes["seldon.puid"].string_value == "p1"
    assert found["inside"].parent_span_id == server.span_id
    failed = found["seldon.protos.Model/Nothing"]
    assert failed.status.code == failed.status.STATUS_CODE_ERROR


def test_calls_of_grpc_have_a_line_each_in_the_access_log(start_unit):
    started = start_unit("traced.Spans", "--grpc-port", "0", "--access-log")
    unit = connect(started)
    row = ParseDict(ROW, message_class(MESSAGE)())
    unit.call("seldon.protos.Model/Predict", row, MESSAGE, metadata=(("seldon-puid", "p1"),))
    with pytest.raises(grpc.RpcError):
        unit.call("seldon.protos.Model/Nothing", row, MESSAGE)
    unit.channel.close()
    end(started)
    lines = [json.loads(line) for line in started.log.read_text().splitlines() if line[0] == "{"]
    answered, failed = (line for line in lines if line["protocol"] == "gRPC")
    assert answered["path"] == "/seldon.protos.Model/Predict"
    assert (answered["grpc_status"], answered["puid"]) == ("OK", "p1")
    assert answered["client"] == "127.0.0.1"
    assert answered["request_bytes"] == row.ByteSize()
    assert answered["response_bytes"] > 0
    assert failed["grpc_status"] == "UNIMPLEMENTED"
    assert "ndarray" not in started.log.read_text()


def test_calls_of_grpc_count_in_the_metrics_as_requests_do(start_unit):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    started = start_unit("traced.Spans", "--grpc-port", "0", "--metrics-port", port)
    row = ParseDict(ROW, message_class(MESSAGE)())
    connect(started).call("seldon.protos.Model/Predict", row, MESSAGE)
    page = urllib3.request("GET", f"http://127.0.0.1:{port}/metrics").data.decode()
    assert re.search(r'requests_seconds_count\{[^}]*method="predict"[^}]*\} 1\.0', page), page
