"""Traces, sent to a collector of OpenTelemetry's protocol, and the access log."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

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
