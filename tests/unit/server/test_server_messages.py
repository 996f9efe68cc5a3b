"""The wire of a unit, against what was observed on Seldon's own wrapper."""

import base64
import json
from pathlib import Path

import pytest

RECORDS = Path(__file__).parents[4] / "shared" / "executor-records"
needs_records = pytest.mark.skipif(
    not RECORDS.is_dir(), reason="the recorded exchanges are not beside the repository"
)
UNIT = {"PREDICTIVE_UNIT_ID": "classifier", "PREDICTIVE_UNIT_IMAGE": "reg.local/classifier:1.0"}


@pytest.fixture(scope="module")
def observed(start_unit):
    return start_unit("served.Observed", **UNIT)


@pytest.fixture(scope="module")
def echo(start_unit):
    return start_unit("served.Echo")


@pytest.fixture(scope="module")
def returns(start_unit):
    return start_unit("served.Returns")


@needs_records
def test_every_recorded_prediction_is_answered_to_the_letter(observed):
    exchanges = json.loads((RECORDS / "real_single.json").read_text())["exchanges"]
    seen = 0
    for exchange in exchanges:
        if exchange["request"]["path"] != "/api/v1.0/predictions":
            continue
        answer = observed.post("/api/v1.0/predictions", exchange["request"]["body"])
        assert answer.status == exchange["response"]["status"]
        assert answer.data.decode() == exchange["response"]["body"]
        seen += 1
    assert seen >= 10


@needs_records
def test_health_and_metadata_are_answered_to_the_letter(observed):
    exchanges = json.loads((RECORDS / "real_single.json").read_text())["exchanges"]
    bodies = {e["request"]["path"]: e["response"]["body"] for e in exchanges}
    assert observed.get("/metadata").data.decode() == bodies["/api/v1.0/metadata/classifier"]
    assert observed.get("/health/status").data.decode() == bodies["/api/v1.0/status/classifier"]


def test_an_answer_takes_the_form_of_its_request(echo):
    rows = [[1.5, 2.0], [3.0, 4.0]]
    assert echo.predict({"data": {"ndarray": rows}})["data"]["ndarray"] == rows
    tensor = {"shape": [2, 2], "values": [1.5, 2.0, 3.0, 4.0]}
    assert echo.predict({"data": {"tensor": tensor}})["data"]["tensor"] == tensor
    assert echo.predict({"strData": "é"})["strData"] == "é"
    assert echo.predict({"jsonData": {"a": [1]}})["jsonData"] == {"a": [1]}
    encoded = base64.b64encode(b"\x00\xff").decode()
    assert echo.predict({"binData": encoded})["binData"] == encoded


def test_one_dimensional_answers_have_no_names(echo):
    answer = echo.predict({"data": {"ndarray": [1, 2]}})
    assert answer == {"data": {"names": [], "ndarray": [1, 2]}, "meta": {}}


def test_text_in_a_tensor_request_is_answered_as_ndarray(echo):
    answer = echo.predict({"data": {"ndarray": [["a", 1], ["b", 2]]}})
    assert answer["data"]["ndarray"] == [["a", 1], ["b", 2]]


def test_class_names_name_the_columns(start_unit):
    answer = start_unit("served.Named").predict({"data": {"ndarray": [[1]]}})
    assert answer["data"]["names"] == ["setosa", "versicolor"]


def test_nan_is_null_in_both_directions(echo):
    answer = echo.post("/predict", '{"data":{"ndarray":[[null,1.5],[NaN,2.0]]}}')
    assert answer.json()["data"]["ndarray"] == [[None, 1.5], [None, 2.0]]


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("text", 200, {"strData": "hello"}),
        ("bytes", 200, {"binData": "aGVsbG8="}),
        ("dict", 200, {"jsonData": {"a": [1, 2]}}),
        ("list", 200, {"data": {"names": [], "tensor": {"shape": [3], "values": [1, 2, 3]}}}),
        ("words", 200, {"data": {"names": ["t:0", "t:1"], "ndarray": [["a", "b"]]}}),
        ("nan", 200, {"data": {"names": ["t:0", "t:1"],
                               "tensor": {"shape": [1, 2], "values": [None, 1.0]}}}),
        ("big", 200, {"data": {"names": ["t:0"], "tensor": {"shape": [1, 1], "values": [2**63]}}}),
    ],
)  # fmt: skip
def test_the_type_of_an_answer_picks_its_field(returns, wanted, status, part):
    answer = returns.post("/predict", {"strData": wanted})
    assert (answer.status, answer.json()) == (status, {**part, "meta": {}})


@pytest.mark.parametrize(
    ("wanted", "status", "info"),
    [
        ("none", 400, "Unknown data type returned as payload (must be list or np array):None"),
        ("scalar", 400, "Unknown data type returned as payload (must be list or np array):3.0"),
        ("inf", 500, "the answer cannot be sent: an infinite number has no JSON form"),
    ],
)
def test_what_cannot_be_sent_is_an_error_that_says_so(returns, wanted, status, info):
    answer = returns.post("/predict", {"strData": wanted})
    assert (answer.status, answer.json()["status"]["info"]) == (status, info)


@pytest.mark.parametrize(
    "body",
    [
        '{"data":{"ndarray":[[1,2],[3]]}}',
        '{"data":{"ndarray":"x"}}',
        '{"data":{"ndarray":{}}}',
        '{"data":{"tensor":{"shape":[2,2],"values":[1]}}}',
        '{"data":{"tensor":{"shape":[-1],"values":[1]}}}',
        '{"data":{"tensor":[1]}}',
        '{"data":{"names":"a","ndarray":[[1]]}}',
        '{"data":{"tftensor":{}}}',
        '{"data":[]}',
        '{"binData":"%%%"}',
        '{"binData":1}',
        '{"strData":1}',
        "[1,2]",
        "[" * 100_000,
        b"\xff\xfe",
        "",
    ],
)
def test_malformed_messages_are_400_in_seldons_form(echo, body):
    answer = echo.post("/predict", body)
    assert answer.status == 400
    assert answer.json()["status"]["reason"] == "MICROSERVICE_BAD_DATA"
    assert "Traceback" not in answer.json()["status"]["info"]


def test_a_body_without_a_json_content_type_is_no_json(echo):
    answer = echo.post(
        "/predict", '{"strData":"a"}', **{"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status == 400


def test_a_message_may_come_as_a_form_field_or_a_query(echo):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert echo.post("/predict", 'json={"strData":"a"}', **form).json()["strData"] == "a"
    assert echo.get("/predict?json=%7B%22strData%22%3A%22b%22%7D").json()["strData"] == "b"


def test_unknown_paths_and_wrong_methods_are_told_apart(echo):
    assert echo.get("/nope").status == 404
    assert echo.get("/api/v1.0/predictions").status == 405
    assert echo.get("/nope").json()["status"]["code"] == -1


def test_meta_of_the_request_is_kept(start_unit):
    unit = start_unit("served.Echo", **UNIT)
    meta = {"puid": "p", "tags": {"a": 1}, "requestPath": {"before": "i"}, "routing": {"r": 1}}
    answer = unit.predict({"strData": "x", "meta": meta})
    assert answer["meta"] == {
        "puid": "p",
        "tags": {"a": 1},
        "requestPath": {"before": "i", "classifier": "reg.local/classifier:1.0"},
    }


def test_a_bad_metric_is_an_error_of_its_own(start_unit):
    answer = start_unit("served.BadMetric").post("/predict", {"strData": "x"})
    assert answer.status == 500
    assert answer.json()["status"]["reason"] == "MICROSERVICE_BAD_METRIC"


def test_a_user_error_chooses_status_and_reason(start_unit):
    answer = start_unit("served.ChoosesStatus").post("/predict", {"strData": "x"})
    assert answer.status == 422
    assert answer.json()["status"] == {
        "status": 1,
        "code": -1,
        "info": "too many rows",
        "reason": "TOO_MANY",
    }


def test_predict_raw_answers_whole_messages_and_their_status(start_unit):
    answer = start_unit("served.Raw").post("/predict", {"strData": "x", "meta": {}})
    assert answer.status == 418
    assert answer.json()["seen"] == ["meta", "strData"]


def test_predict_is_never_called_twice(start_unit):
    unit = start_unit("served.CountsCalls")
    assert unit.post("/predict", {"strData": "fail"}).status == 500
    assert unit.predict({"strData": "count"})["jsonData"] == {"calls": 2}


def test_code_that_calls_exit_ends_its_request_and_not_the_unit(start_unit):
    unit = start_unit("served.Leaves")
    for _ in range(2):
        answer = unit.post("/predict", {"strData": "x"})
        assert answer.status == 500
        assert answer.json()["status"]["info"] == "wrong usage"
    assert unit.process.poll() is None


def test_predict_gets_the_arguments_it_takes(start_unit):
    assert start_unit("served.OnlyX").predict({"strData": "x"})["strData"] == "x"
    message = {"data": {"names": ["a"], "ndarray": [[1]]}, "meta": {"tags": {"k": 1}}}
    answer = start_unit("served.KeywordMeta").predict(message)
    assert answer["jsonData"] == {"meta": {"tags": {"k": 1}}, "names": ["a"]}


def test_a_failing_health_status_is_500_with_its_reason(start_unit):
    answer = start_unit("served.Unwell").get("/health/status")
    assert answer.status == 500
    assert answer.json()["status"]["info"] == "no connection to the feature store"


def test_parameters_reach_the_constructor_by_type(start_unit):
    parameters = [
        {"name": "count", "value": "3", "type": "INT"},
        {"name": "rate", "value": "0.5", "type": "FLOAT"},
        {"name": "name", "value": "iris", "type": "STRING"},
        {"name": "flag", "value": "False", "type": "BOOL"},
    ]
    unit = start_unit("served.Parametrised", PREDICTIVE_UNIT_PARAMETERS=json.dumps(parameters))
    answer = unit.predict({"strData": ""})["jsonData"]
    assert answer == {"count": 3, "rate": 0.5, "name": "iris", "flag": False}


def test_the_class_is_named_by_the_environment_too(start_unit):
    assert start_unit(MODEL_NAME="served.Echo").predict({"strData": "x"})["strData"] == "x"


def test_a_body_past_the_limit_is_413(start_unit):
    unit = start_unit("served.Echo", "--max-body-bytes", "100")
    assert unit.post("/predict", {"strData": "x" * 200}).status == 413
    assert unit.predict({"strData": "x"})["strData"] == "x"
