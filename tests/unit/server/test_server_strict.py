"""`--strict-compat`: what Seldon's wrapper answers, its faults included.

All exchanges were recorded with seldon-core-microservice 1.17.1 and the classes of
`models/observed.py`; those of `wrapper_oddities.jsonl` are of requests that no client should send,
and of answers that no client can read.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.server.wrapper_codec import decode_loosely, encode_document, encode_loosely

EXCHANGES = [
    json.loads(line)
    for name in ("wrapper_exchanges.jsonl", "wrapper_oddities.jsonl")
    for line in (Path(__file__).parent / name).read_text().splitlines()
]
UNIT = {"PREDICTIVE_UNIT_ID": "everything", "PREDICTIVE_UNIT_IMAGE": "reg/every:1"}
FEEDBACK = "/send-feedback"


@pytest.fixture(scope="module")
def serve(start_unit):
    units = {}

    def get(name):
        if name not in units:
            units[name] = start_unit(f"observed.{name}", "--strict-compat", **UNIT)
        return units[name]

    return get


def ask(unit, exchange):
    if exchange["method"] == "GET":
        return unit.get(exchange["path"])
    return unit.post(exchange["path"], exchange["body"])


def is_in_words_of_protobuf(exchange):
    """Feedback that is none: the words, and what an empty list is, are protobuf's of that day."""
    told = exchange["answer"].startswith('{"status":{"code":-1,"info":"Invalid JSON')
    return exchange["path"] == FEEDBACK and (told or exchange["body"] == "[]")


def is_metric_with_tags(exchange):
    """There the method is written into the class's own tags."""
    return '"method":"predict"' in exchange["answer"]


@pytest.mark.parametrize("name", sorted({each["class"] for each in EXCHANGES}))
def test_every_recorded_exchange_is_answered_to_the_letter(serve, name):
    own = [each for each in EXCHANGES if each["class"] == name]
    for exchange in own:
        if is_in_words_of_protobuf(exchange) or is_metric_with_tags(exchange):
            continue
        answer = ask(serve(name), exchange)
        body = answer.data.decode().strip()
        assert (answer.status, body) == (exchange["status"], exchange["answer"]), exchange


def test_what_is_answered_otherwise_has_the_same_verdict(serve):
    seen = [each for each in EXCHANGES if is_in_words_of_protobuf(each)]
    assert len(seen) == 4
    for exchange in seen:
        answer = ask(serve(exchange["class"]), exchange)
        assert answer.status == 400
        assert answer.json()["status"]["reason"] == "MICROSERVICE_BAD_DATA"


def test_without_an_image_there_is_one_version_without_a_name(start_unit):
    unit = start_unit("observed.Given", "--strict-compat")
    assert unit.get("/metadata").json()["versions"] == [""]
    assert unit.get("/health/ping").headers["Content-Type"] == "text/html; charset=utf-8"


def test_a_browser_may_send_json_from_any_page(serve):
    unit = serve("Given")
    page = {"Origin": "http://a.example"}
    asked = page | {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    for path in ("/predict", "/nope"):
        answer = unit.http.request("OPTIONS", unit.url + path, headers=asked)
        assert (answer.status, answer.data) == (200, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == "http://a.example"
        assert answer.headers["Access-Control-Allow-Headers"] == "content-type"
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    answer = unit.post("/predict", {"strData": "x"}, **page)
    assert answer.headers["Access-Control-Allow-Origin"] == "http://a.example"
    assert answer.headers["Vary"] == "Origin"
    assert unit.get("/health/ping").headers["Access-Control-Allow-Origin"] == "*"


def test_v2_is_no_affair_of_the_wrapper(serve):
    tensor = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [None, 1.5]}
    answer = serve("Given").post("/v2/models/infer", {"inputs": [tensor]})
    assert answer.json()["outputs"][0]["data"] == [None, 1.5]
    assert serve("Given").get("/v2/nope").status == 404


TABLES = st.integers(1, 4).flatmap(
    lambda columns: st.lists(
        st.lists(st.floats(width=64), min_size=columns, max_size=columns), min_size=1, max_size=5
    )
)


@given(TABLES, st.sampled_from(["ndarray", "tensor"]))
def test_what_is_written_is_read_again_with_nan_and_infinities(rows, form):
    message = json.loads(encode_document(encode_loosely(np.array(rows), like=form)))
    payload = decode_loosely(message)
    assert payload.form == form
    assert payload.names == [f"t:{column}" for column in range(len(rows[0]))]
    np.testing.assert_array_equal(payload.value, np.array(rows))
