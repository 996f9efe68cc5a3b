"""The orchestrator's answers for one MODEL unit, as the real one gave them."""

import json
from pathlib import Path

import pytest

from seldon_deployer.local.executor import (
    Call,
    Direct,
    escape_body,
    finish,
    resolve,
    route_headers,
)
from seldon_deployer.local.upstream import Response

RECORDS = Path(__file__).parents[3].parent / "shared" / "executor-records"
CASES = [
    "echo_escape",
    "fail_200_failure_status",
    "fail_201",
    "fail_400_status",
    "gzip_unit",
    "real_single",
    "single_model",
    "v2_fail",
]
# Pages and metrics of the orchestrator's own, which are not here.
ABSENT = ("/api/v1.0/doc/", "/prometheus")


def exchanges():
    for case in CASES:
        path = RECORDS / f"{case}.json"
        if not path.exists():
            continue
        record = json.loads(path.read_text())
        for number, exchange in enumerate(record["exchanges"]):
            if exchange["request"]["path"] not in ABSENT and exchange["response"]:
                name = f"{case}-{number}-{exchange['request']['path']}"
                yield pytest.param(record, exchange, id=name)


@pytest.mark.parametrize(("record", "exchange"), list(exchanges()))
def test_the_request_to_the_unit_is_the_real_orchestrators(record, exchange):
    request, response = exchange["request"], exchange["response"]

    call = resolve(
        request["method"], request["path"], protocol=record["protocol"], unit="classifier"
    )

    seen = [(item["method"], item["path"]) for item in exchange["unit_requests"]]
    if record["case"] == "real_single":
        assert isinstance(call, Call | Direct)
    elif seen:
        assert isinstance(call, Call)
        assert seen == [(call.method, call.path)]
    else:
        assert isinstance(call, Direct)
        assert (call.status, call.body.decode()) == (response["status"], response["body"])
        kind = dict(map(tuple, response["headers"])).get("Content-Type")
        assert (call.content_type.decode() if call.content_type else None) == kind


@pytest.mark.parametrize(("record", "exchange"), list(exchanges()))
def test_the_headers_of_a_route_are_the_real_orchestrators(record, exchange):
    request, response = exchange["request"], exchange["response"]
    given = [(k.lower().encode(), v.encode()) for k, v in request["headers"].items()]
    call = resolve(
        request["method"], request["path"], protocol=record["protocol"], unit="classifier"
    )
    real = {
        key.lower(): value
        for key, value in response["headers"]
        if key not in ("Date", "Content-Length", "Content-Type", "Content-Encoding")
    }
    if isinstance(call, Direct) and not call.is_route:
        # net/http itself answers an unknown path with this header.
        assert real in ({}, {"x-content-type-options": "nosniff"})
        return

    headers = route_headers(
        real["seldon-puid"].encode(),
        call.allowed,
        given,
        name="iris",
        namespace="models",
        path=request["path"].encode(),
    )

    assert {key.decode(): value.decode() for key, value in headers} == real


@pytest.mark.parametrize(
    ("body", "escaped"),
    [
        (b'{"a": "<b>&"}', rb'{"a": "\u003cb\u003e\u0026"}'),
        ("\u2028é".encode(), rb"\u2028" + "é".encode()),
        (b"plain", b"plain"),
    ],
)
def test_a_body_is_escaped_as_go_escapes_it(body, escaped):
    assert escape_body(body) == escaped


def test_any_status_but_200_is_an_error_in_plain_text_with_the_units_body():
    call = Call("POST", "/predict", "OPTIONS,POST")
    unit = Response(201, ((b"content-type", b"application/json"), (b"x-own", b"1")), b"{<}")

    answer = finish(call, unit, predictor="default", unit="classifier")

    assert answer.status == 201
    assert answer.headers == ((b"content-type", b"text/plain; charset=utf-8"),)
    assert answer.body == rb"{\u003c}"


def test_a_good_answer_keeps_its_kind_and_encoding_and_no_other_header():
    call = Call("POST", "/predict", "OPTIONS,POST")
    kept = ((b"content-type", b"application/json"), (b"content-encoding", b"gzip"))
    unit = Response(200, (*kept, (b"x-own", b"1")), b"<gzip>")

    answer = finish(call, unit, predictor="default", unit="classifier")

    assert answer == Response(200, kept, b"<gzip>")


def test_graph_metadata_is_the_units_in_the_orchestrators_frame():
    call = resolve("GET", "/api/v1.0/metadata", protocol="seldon", unit="classifier")
    metadata = {"name": "m", "versions": ["v1"], "platform": "x", "inputs": [1], "outputs": [2]}
    unit = Response(200, (), json.dumps(metadata | {"custom": {}}).encode())

    answer = finish(call, unit, predictor="default", unit="classifier")

    assert answer.body == (
        b'{"name":"default","models":{"classifier":{"name":"m","platform":"x","versions":["v1"],'
        b'"inputs":[1],"outputs":[2]}},"graphinputs":[1],"graphoutputs":[2]}'
    )


def test_feedback_is_not_asked_for_twice():
    feedback = resolve("POST", "/api/v1.0/feedback", protocol="seldon", unit="classifier")
    prediction = resolve("POST", "/api/v1.0/predictions", protocol="seldon", unit="classifier")

    assert isinstance(feedback, Call)
    assert isinstance(prediction, Call)
    assert (feedback.is_repeatable, prediction.is_repeatable) == (False, True)
