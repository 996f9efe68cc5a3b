"""Whatever a client sends over REST: an answer that is its own, in time, and no 500."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from nearly_right import feedbacks, inferences, message_lists, messages, seldon_documents, sent
from searching import searched

# Longer than any of these takes on a busy machine; a hang takes longer.
ANSWER_SECONDS = 20
GOOD = {"data": {"ndarray": [[1.0]]}}
SELDON = ("/predict", "/transform-input", "/transform-output", "/route", "/api/v1.0/predictions")
V2 = ("/v2/models/infer", "/v2/models/searched/infer", "/v2/models/searched/route")
# Answers that the class itself made, and that no message can hold.
UNSENDABLE = "the answer cannot be sent"

content_types = st.sampled_from(
    [
        "application/json",
        "application/json",
        "application/json; charset=utf-16",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=XX",
        "text/plain",
        "application/octet-stream",
        "",
    ]
)


@pytest.fixture(scope="module")
def client(unit):
    """One connection, so that an answer that leaves it in disorder is noticed."""
    with urllib3.PoolManager(retries=False, maxsize=1, timeout=ANSWER_SECONDS) as pool:
        yield pool


def ask(unit, client, method: str, path: str, body: bytes = b"", **headers: str) -> Any:
    """Ask, and see that the answer is one, and that the server goes on as before."""
    answer = client.request(method, unit.url + path, body=body, headers=headers)
    check(path, answer)
    good = client.request("POST", f"{unit.url}/predict", json=GOOD)
    assert good.status == 200, good.data
    assert good.json()["data"]["ndarray"] == [[1.0]]
    return answer


def check(path: str, answer: urllib3.BaseHTTPResponse) -> None:
    assert len(answer.data) < 4_000_000
    assert b"Traceback" not in answer.data
    if answer.status in (404, 405, 413):
        return
    assert answer.status in (200, 400, 500), (answer.status, answer.data)
    if answer.status == 200:
        return
    told = answer.json()
    info = told["error"] if path.startswith("/v2") else told["status"]["info"]
    assert info
    if answer.status == 500:
        assert info.startswith(UNSENDABLE), info


def read_strictly(text: bytes) -> Any:
    """Read JSON as other languages do: without NaN and infinities."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@searched(60)
@given(st.sampled_from(SELDON), sent(messages))
def test_messages_of_seldon(unit, client, path, body):
    answer = ask(unit, client, "POST", path, body, **{"Content-Type": "application/json"})
    read_strictly(answer.data)


@searched(40)
@given(sent(feedbacks))
def test_feedback(unit, client, body):
    headers = {"Content-Type": "application/json"}
    read_strictly(ask(unit, client, "POST", "/send-feedback", body, **headers).data)


@searched(40)
@given(st.sampled_from(["/aggregate", "/v2/models/searched/aggregate"]), sent(message_lists))
def test_lists_of_messages(unit, client, path, body):
    headers = {"Content-Type": "application/json"}
    read_strictly(ask(unit, client, "POST", path, body, **headers).data)


@searched(80)
@given(st.sampled_from(V2), sent(inferences()))
def test_inferences(unit, client, path, body):
    ask(unit, client, "POST", path, body, **{"Content-Type": "application/json"})


@searched(60)
@given(st.data())
def test_every_route_with_every_method_and_kind_of_body(unit, client, data):
    document = client.request("GET", f"{unit.url}/seldon.json").json()
    path = data.draw(st.sampled_from(sorted(document["paths"])))
    method = data.draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]))
    headers = {"Content-Type": data.draw(content_types)}
    if data.draw(st.booleans()):
        name = data.draw(
            st.sampled_from(["Inference-Header-Content-Length", "X-Envoy-Expected-Rq-Timeout-Ms"])
        )
        values = ["-1", "0", "10", "10000000", "9" * 400, "9" * 5000, "1.5", "x", "", "²"]
        headers[name] = data.draw(st.sampled_from(values)).encode().decode("latin-1")
    body = data.draw(sent(seldon_documents) | st.binary(max_size=50))
    answer = client.request(method, unit.url + path, body=body, headers=headers)
    if answer.status != 504 or "X-Envoy-Expected-Rq-Timeout-Ms" not in headers:
        if method == "HEAD":
            assert answer.status != 500
        else:
            check(path, answer)
    assert client.request("POST", f"{unit.url}/predict", json=GOOD).status == 200


@searched(40)
@given(sent(messages), st.booleans(), st.text(max_size=8))
def test_messages_in_queries_and_forms(unit, client, body, is_form, extra):
    text = body.decode("latin-1")
    if is_form:
        fields = urlencode({"json": text, extra: extra})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        ask(unit, client, "POST", "/predict", fields.encode(), **headers)
    else:
        query = urlencode({"json": text[:2000]})
        ask(unit, client, "GET", f"/predict?{query}")


@searched(60)
@given(
    inferences(),
    st.binary(max_size=40),
    st.integers(-2, 3),
    st.integers(-1, 45) | st.just(2**70),
)
def test_binary_tensors_whose_lengths_lie(unit, client, request, tail, longer, size):
    for each in request["inputs"]:
        del each["data"]
        each["parameters"] = {"binary_data_size": size}
    head = json.dumps(request).encode()
    headers = {"Inference-Header-Content-Length": str(len(head) + longer)}
    ask(unit, client, "POST", "/v2/models/infer", head + tail, **headers)


def part(draw) -> bytes:
    name = draw(st.sampled_from(["data", "strData", "binData", "jsonData", "meta", "x", "", "é"]))
    disposition = draw(
        st.sampled_from(
            [
                'form-data; name="{}"',
                "form-data; name={}",
                'form-data; name="{}"; filename="f"',
                "form-data; name*=utf-8''{}",
                "form-data; name*0*=us-ascii'en'{}; name*1=x",
                "form-data; name*0*={}",
                "form-data; filename*=nope''%ff; name=\"{}\"",
                'form-data; name="{}',
                "form-data; name={}; name={}",
                "attachment; {}",
                "=?utf-8?q?form-data?=; name={}",
                "",
            ]
        )
    ).replace("{}", name)
    more = draw(
        st.sampled_from(
            [
                "",
                "Content-Type: text/plain; charset=nope\r\n",
                "Content-Type: multipart/mixed; boundary=YY\r\n",
                "Content-Type: message/rfc822\r\n",
                "Content-Transfer-Encoding: base64\r\n",
                "Content-Transfer-Encoding: x-uuencode\r\n",
                "Content-Transfer-Encoding: quoted-printable\r\n",
                "no header at all\r\n",
                "\0: \0\r\n",
            ]
        )
    )
    content = draw(st.binary(max_size=12) | sent(messages))
    head = f"Content-Disposition: {disposition}\r\n{more}\r\n".encode()
    return b"--XX\r\n" + head + content + b"\r\n"


@searched(80)
@given(st.data())
def test_forms_of_many_parts(unit, client, data):
    parts = [part(data.draw) for _ in range(data.draw(st.integers(0, 3)))]
    end = data.draw(st.sampled_from([b"--XX--\r\n", b"--XX", b""]))
    boundary = data.draw(st.sampled_from(["XX", '"XX"', "XX; charset=x", "", "X" * 90]))
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    ask(unit, client, "POST", "/predict", b"".join(parts) + end, **headers)
