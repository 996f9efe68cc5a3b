"""Where a message may come from: JSON, forms, queries, multipart; as Seldon's wrapper has it.

What is in `OBSERVED` was seen with seldon-core-microservice 1.17.1 and a class that answers with
what it was given.
"""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seldon_deployer.errors import PayloadError
from seldon_deployer.server.form import read_multipart
from seldon_deployer.server.request import read_message

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=XX"
NO_BOUNDARY = 'multipart/form-data; boundary="'
BAD_DATA = "MICROSERVICE_BAD_DATA"


def part(name, content, filename=None):
    file = f'; filename="{filename}"' if filename else ""
    head = f'Content-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return b"--XX\r\n" + head.encode() + content + b"\r\n"


def form(*parts):
    return b"".join(parts) + b"--XX--\r\n"


def text(message):
    return quote(json.dumps(message))


A, Q = text({"strData": "a"}), text({"strData": "q"})
NDARRAY = b'{"ndarray":[[1,2]]}'
NAMED = {"names": ["t:0", "t:1"], "ndarray": [[1, 2]]}

# path, content type, body -> answer
OBSERVED = [
    ("/predict", MULTIPART, form(part("strData", b"hello")), {"strData": "hello"}),
    ("/predict", MULTIPART, form(part("strData", b"\xc3\xa9", "a.txt")), {"strData": "é"}),
    ("/predict", MULTIPART, form(part("binData", b'"AAA="')), {"binData": "AAA="}),
    (
        "/predict",
        MULTIPART,
        form(part("binData", b"\x00\xff\r\n\n\r", "a.bin")),
        {"binData": "AP8NCgoN"},
    ),
    ("/predict", MULTIPART, form(part("data", NDARRAY)), {"data": NAMED}),
    (
        "/predict",
        MULTIPART,
        form(part("data", NDARRAY), part("meta", b'{"puid":"p"}')),
        {"data": NAMED, "meta": {"puid": "p"}},
    ),
    ("/predict", MULTIPART, form(part("jsonData", b'{"a":1}')), {"jsonData": {"a": 1}}),
    ("/predict", MULTIPART, form(part("strData", b"a"), part("strData", b"b")), {"strData": "a"}),
    ("/predict", FORM, f"json={A}".encode(), {"strData": "a"}),
    (f"/predict?json={Q}", FORM, f"json={A}".encode(), {"strData": "a"}),
    (f"/predict?json={Q}", JSON, b'{"strData":"b"}', {"strData": "q"}),
    ("/predict", "application/vnd.x+json; charset=utf-8", b'{"strData":"b"}', {"strData": "b"}),
    ("/aggregate", FORM, f"json={text([{'strData': 'a'}])}".encode(), {"strData": "a"}),
    (
        "/aggregate",
        MULTIPART,
        form(part("seldonMessages", b'[{"strData":"x"}]')),
        {"strData": "x"},
    ),
    (
        "/send-feedback",
        MULTIPART,
        form(part("request", b'{"data":{"ndarray":[[1,2]]}}'), part("reward", b"1")),
        {"data": {"ndarray": []}},
    ),
]
# path, content type, body -> words of the error, all of them 400 with MICROSERVICE_BAD_DATA
OBSERVED_ERRORS = [
    ("/predict", MULTIPART, form(part("nope", b'{"a":1}')), "data type: {'nope': {'a': 1}}"),
    ("/predict", MULTIPART, form(part("json", b'{"strData":"x"}')), "{'json': {'strData': 'x'}}"),
    ("/predict", FORM, b"json=", "Can't find JSON in data"),
    ("/predict", FORM, b"x=1", "Can't find JSON in data"),
    ("/predict", "text/plain", b'{"strData":"b"}', "Can't find JSON in data"),
    ("/predict", JSON, b"[1]", "Invalid request data type: [1]"),
    ("/predict", JSON, b'"x"', "Invalid request data type: x"),
    ("/predict", JSON, b"1", "Invalid request data type: 1"),
    ("/predict", JSON, b"null", "Can't find JSON in data"),
    ("/predict", JSON, b"{}", "Invalid request data type: {}"),
    ("/predict", JSON, b'{"foo":1}', "Invalid request data type: {'foo': 1}"),
]
# As above, where the wrapper answers 500, or an empty message, for what is the client's fault.
OURS = [
    ("/predict", MULTIPART, form(part("binData", b"AAA=")), "the part binData of the form"),
    ("/predict", MULTIPART, form(part("data", b"{no")), "the part data of the form is no JSON"),
    ("/predict", MULTIPART, form(part("strData", b"\xff", "a")), "no UTF-8"),
    ("/predict", MULTIPART, b"--XX\r\ngarbage", "name"),
    ("/predict", MULTIPART, b"", "the form has no parts"),
    ("/predict", "multipart/form-data", form(part("strData", b"a")), "the form has no parts"),
    ("/predict", FORM, b"json={bad", "Can't find JSON in data"),
    ("/predict", JSON, b"[" * 900 + b"]" * 900, "Invalid request data type"),
]


@pytest.fixture(scope="module")
def unit(start_unit):
    return start_unit("observed.Given")


@pytest.mark.parametrize(("path", "kind", "body", "answer"), OBSERVED)
def test_a_message_is_found_where_seldons_wrapper_finds_it(unit, path, kind, body, answer):
    given = unit.post(path, body, **{"Content-Type": kind})
    assert given.status == 200, given.data
    assert given.json() == {"meta": {}, **answer}


@pytest.mark.parametrize(("path", "kind", "body", "words"), OBSERVED_ERRORS + OURS)
def test_what_is_no_message_is_400_and_says_so(unit, path, kind, body, words):
    given = unit.post(path, body, **{"Content-Type": kind})
    status = given.json()["status"]
    assert (given.status, status["reason"]) == (400, BAD_DATA)
    assert words in status["info"]
    assert len(given.data) < 2000


@given(st.binary(max_size=200).filter(lambda content: b"--XX" not in content))
def test_a_file_of_a_form_arrives_byte_for_byte(content):
    message = read_multipart(MULTIPART.encode(), form(part("binData", content, "f")))
    assert base64.b64decode(message["binData"]) == content


@settings(max_examples=200)
@given(
    st.sampled_from([JSON, FORM, MULTIPART, "multipart/form-data", NO_BOUNDARY]),
    st.one_of(
        st.binary(max_size=80),
        st.lists(
            st.sampled_from([b"--XX", b"--XX--", b"\r\n", b"\n", b"Content-Disposition: form-data",
                             b'; name="data"', b"; name=", b"Content-Type: message/rfc822", b"a",
                             b"Content-Type: multipart/mixed; boundary=XX", b"json=", b"%", b"{}"]),
            max_size=14,
        ).map(b"".join),
    ),
    st.binary(max_size=20),
)  # fmt: skip
def test_whatever_comes_is_a_message_or_the_clients_error(kind, body, query):
    scope = {"headers": [(b"content-type", kind.encode())], "query_string": query}
    try:
        message = read_message(scope, body)
    except PayloadError:
        return
    assert isinstance(message, dict)
