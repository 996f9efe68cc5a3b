"""What goes out and comes back: data, forms, frames, feedback, explanations, metadata."""

import json
import logging
import threading

import numpy as np
import pandas as pd
import pytest
from answering import Answer, Request, serving

from seldon_deployer.client import InferenceClient
from seldon_deployer.errors import PayloadError, PredictionError, UsageError
from seldon_deployer.payload import Tensor, decode_v2, encode_v2
from seldon_deployer.payload.v2_binary import attach_binary, detach_binary

SELDON = {"data": {"names": ["a", "b"], "ndarray": [[0.1, 0.9], [0.8, 0.2]]}, "meta": {"x": 1}}
V2 = {"model_name": "iris", "outputs": [encode_v2(Tensor("predict", np.array([[0.5, 0.25]])))]}


@pytest.mark.parametrize("data", [np.array([[1.5, 2]]), [[1.5, 2]], ((1.5, 2),)])
def test_rows_go_out_and_an_array_comes_back(make_client, data):
    with serving(Answer(body=SELDON)) as server:
        answer = make_client(server.url).predict(data)
    assert answer.tolist() == [[0.1, 0.9], [0.8, 0.2]]
    [request] = server.requests
    assert request.path == "/seldon/models/iris/api/v1.0/predictions"
    assert request.message == {"data": {"ndarray": [[1.5, 2]]}}


@pytest.mark.parametrize(
    ("data", "sent"),
    [("hello", {"strData": "hello"}), (b"\x00\xff", {"binData": "AP8="})],
)
def test_text_and_bytes_come_back_as_they_are(make_client, data, sent):
    with serving(Answer(body=sent)) as server:
        assert make_client(server.url).predict(data) == data
    assert server.requests[0].message == sent


def test_a_whole_message_is_answered_by_the_whole_message(make_client):
    with serving(Answer(body=SELDON)) as server:
        client = make_client(server.url)
        assert client.predict({"jsonData": {"a": 1}}) == SELDON
        assert client.predict([[1]], returns="message") == SELDON
    assert server.requests[0].message == {"jsonData": {"a": 1}}


def test_a_frame_may_come_back_with_the_rows_of_the_question(make_client):
    question = pd.DataFrame({"width": [1, 2], "colour": ["red", "blue"]}, index=["r1", "r2"])
    with serving(Answer(body=SELDON)) as server:
        frame = make_client(server.url).predict(question, returns="pandas")
    assert frame.to_dict() == {"a": {"r1": 0.1, "r2": 0.8}, "b": {"r1": 0.9, "r2": 0.2}}
    assert server.requests[0].message == {
        "data": {"names": ["width", "colour"], "ndarray": [[1, "red"], [2, "blue"]]}
    }


def test_a_v2_answer_of_several_columns_is_a_frame_with_numbered_names(make_client):
    with serving(Answer(body=V2)) as server:
        client = make_client(server.url, protocol="v2", model="iris")
        frame = client.predict([[1, 2]], returns="pandas")
    assert frame.to_dict("list") == {"predict_0": [0.5], "predict_1": [0.25]}
    assert server.requests[0].path == "/seldon/models/iris/v2/models/iris/infer"


def test_an_answer_that_is_no_table_is_no_frame(make_client):
    with (
        serving(Answer(body={"strData": "x"})) as server,
        pytest.raises(PredictionError, match="the answer is strData, not rows"),
    ):
        make_client(server.url).predict([[1]], returns="pandas")


@pytest.mark.parametrize(
    ("value", "columns"),
    [
        (
            [{"label": "good", "score": 0.75}, {"score": None, "label": "bad"}],
            {"label": ["good", "bad"], "score": [0.75, None]},
        ),
        ({"species": ["setosa"], "sure": [1]}, {"species": ["setosa"], "sure": [1]}),
        ({"first": [[1, 2], [3]]}, {"first": [[1, 2], [3]]}),
        ([[{"word": "a"}], []], {"prediction": [[{"word": "a"}], []]}),
        ([{"a": 1}, {"b": 2}], {"prediction": [{"a": 1}, {"b": 2}]}),
        (["good", "bad"], {"prediction": ["good", "bad"]}),
        (["bad", {"a": 1}], {"prediction": ["bad", {"a": 1}]}),
        ([[1], {"a": 1}], {"prediction": [[1], {"a": 1}]}),
    ],
)
def test_a_json_answer_of_rows_or_columns_may_be_a_frame(make_client, value, columns):
    with serving(Answer(body={"jsonData": value})) as server:
        client = make_client(server.url)
        assert client.predict(["a"]) == value
        frame = client.predict(["a"], returns="pandas")
    frame = frame.astype(object).where(frame.notna(), None)
    assert frame.to_dict("list") == columns


@pytest.mark.parametrize(
    "value", [{"a": 1}, {"a": [1], "b": [1, 2]}, {"a": [1], "b": 2}, {}, [], 3]
)
def test_a_json_answer_of_neither_is_no_frame(make_client, value):
    with (
        serving(Answer(body={"jsonData": value})) as server,
        pytest.raises(PredictionError, match="the answer is a JSON value, not rows"),
    ):
        make_client(server.url).predict(["a"], returns="pandas")


@pytest.mark.parametrize("returns", ["pandas", "polars"])
def test_an_answer_without_columns_is_no_frame(make_client, returns):
    with (
        serving(Answer(body={"data": {"ndarray": [[], []]}})) as server,
        pytest.raises(PredictionError, match="the answer has no columns"),
    ):
        make_client(server.url).predict([[1], [2]], returns=returns)


def test_v2_outputs_are_asked_for_by_name(make_client):
    with serving(Answer(body=V2)) as server:
        make_client(server.url, protocol="v2").predict([[1]], outputs=["predict_proba"])
    assert server.requests[0].message["outputs"] == [{"name": "predict_proba"}]
    assert server.requests[0].path.endswith("/v2/models/infer")


def answer_in_bytes(request: Request) -> Answer:
    """Double the inputs, all in bytes."""
    length = int(request.headers["inference-header-content-length"])
    head, raw = json.loads(request.body[:length]), request.body[length:]
    inputs = decode_v2(attach_binary(head, "inputs", raw), "inputs")
    assert head["parameters"]["binary_data_output"] is True
    doubled = [encode_v2(Tensor(each.name, each.array * 2), as_array=True) for each in inputs]
    message, parts = detach_binary({"outputs": doubled}, "outputs")
    told = json.dumps(message).encode()
    headers = {
        "Inference-Header-Content-Length": str(len(told)),
        "Content-Type": "application/octet-stream",
    }
    return Answer(200, b"".join([told, *parts]), headers)


def test_tensors_travel_as_bytes_where_that_was_asked_for(make_client):
    array = np.arange(60_000, dtype="float32").reshape(-1, 4)
    with serving(answer_in_bytes) as server:
        doubled = make_client(server.url, protocol="v2", binary=True).predict(array)
    assert doubled.dtype == np.float32
    assert np.array_equal(doubled, array * 2)
    doubled += 1  # What came back belongs to the caller.
    [request] = server.requests
    assert request.headers["content-length"] == str(len(request.body))
    assert "transfer-encoding" not in request.headers


def test_columns_of_a_frame_keep_their_types_as_bytes(make_client):
    frame = pd.DataFrame({"a": np.array([1, 2], "int8"), "b": ["x", "y"]})
    with serving(answer_in_bytes) as server:
        both = make_client(server.url, protocol="v2", binary=True).predict(frame)
    assert both["a"].dtype == np.int8
    assert both["b"].ravel().tolist() == ["xx", "yy"]


@pytest.mark.parametrize("length", ["99999", "-1", "x"])
def test_a_length_that_is_none_makes_the_answer_no_message(make_client, length):
    answer = Answer(200, b"{}abc", {"Inference-Header-Content-Length": length})
    with serving(answer) as server, pytest.raises(PredictionError, match="no message"):
        make_client(server.url, protocol="v2", binary=True).predict([[1.0]])


def test_bytes_that_do_not_fit_their_tensors_are_told(make_client):
    tensor = {"name": "a", "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}}
    head = json.dumps({"outputs": [tensor]}).encode()
    answer = Answer(200, head + b"abc", {"Inference-Header-Content-Length": str(len(head))})
    with serving(answer) as server, pytest.raises(PredictionError, match="3 are left"):
        make_client(server.url, protocol="v2", binary=True).predict([[1.0]])


def test_text_that_looks_like_json_gets_a_hint(make_client, caplog):
    with serving(Answer(body={"strData": "x"})) as server:
        client = make_client(server.url)
        with caplog.at_level(logging.WARNING):
            for text in ("[[1, 2]]", "[not json", "12", '{"a": 1}'):
                client.predict(text)
    assert server.requests[0].message["strData"] == "[[1, 2]]"
    hints = [record for record in caplog.records if "json.loads" in record.message]
    assert len(hints) == 2


def test_feedback_tells_request_answer_reward_and_truth(make_client):
    with serving(Answer(body={"meta": {}})) as server:
        make_client(server.url).feedback([[1.0]], SELDON, reward=0.5, truth=[1])
    [request] = server.requests
    assert request.path == "/seldon/models/iris/api/v1.0/feedback"
    assert request.message == {
        "request": {"data": {"ndarray": [[1.0]]}},
        "response": SELDON,
        "reward": 0.5,
        "truth": {"data": {"ndarray": [1]}},
    }


def test_v2_has_no_feedback(make_client):
    with pytest.raises(UsageError, match="v2 has no feedback"):
        make_client("http://127.0.0.1:9", protocol="v2").feedback(reward=1)


def test_an_explanation_comes_from_the_explainer(make_client):
    with serving(Answer(body={"data": {"anchor": ["a > 1"]}})) as server:
        told = make_client(server.url).explain([[1.0]], predictor="blue")
    assert told == {"data": {"anchor": ["a > 1"]}}
    assert server.requests[0].path == "/seldon/models/iris-explainer/blue/api/v1.0/explain"


def test_a_v2_explanation_is_the_json_in_its_output(make_client):
    text = encode_v2(Tensor("explanation", np.array([['{"anchor": []}']])))
    with serving([Answer(body={"outputs": [text]}), Answer(body=V2)]) as server:
        client = make_client(server.url, protocol="v2")
        assert client.explain([[1.0]]) == {"anchor": []}
        with pytest.raises(PredictionError, match="the output is no explanation"):
            client.explain([[1.0]])
    path = "/seldon/models/iris-explainer/default/v2/models/iris-default-explainer/infer"
    assert server.requests[0].path == path


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "/seldon/models/iris/api/v1.0/metadata"),
        ({"protocol": "v2", "model": "m"}, "/seldon/models/iris/v2/models/m"),
    ],
)
def test_metadata_is_what_graph_or_model_say(make_client, options, path):
    with serving(Answer(body={"name": "iris"})) as server:
        assert make_client(server.url, **options).metadata() == {"name": "iris"}
    assert (server.requests[0].method, server.requests[0].path) == ("GET", path)


@pytest.mark.parametrize("value", [{"jsonData": float("nan")}, {"jsonData": {1, 2}}])
def test_a_message_that_json_cannot_hold_is_not_sent(make_client, value):
    with pytest.raises(PayloadError, match="cannot be sent as JSON"):
        make_client("http://127.0.0.1:9").predict(value)


def test_a_nan_that_came_is_read(make_client):
    # Seldon's own Python server writes it so, though JSON has no such word.
    with serving(Answer(body=b'{"data":{"ndarray":[[NaN]]}}')) as server:
        assert np.isnan(make_client(server.url).predict([[1]])).all()


def test_a_connection_is_used_again(make_client):
    peers = set()

    def answer(request: Request) -> Answer:
        peers.add(threading.get_ident())  # A thread of its own for each connection.
        return Answer(body=SELDON)

    with serving(answer) as server:
        client = make_client(server.url)
        for _ in range(5):
            client.predict([[1]])
    assert len(server.requests) == 5
    assert len(peers) == 1


def test_one_client_serves_many_threads():
    def answer(request: Request) -> Answer:
        return Answer(body=request.message)

    results: dict[int, list[float]] = {}
    with serving(answer) as server, InferenceClient(server.url) as client:

        def ask(number: int) -> None:
            results[number] = [float(client.predict([[number]])[0, 0]) for _ in range(20)]

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == {number: [float(number)] * 20 for number in range(8)}
