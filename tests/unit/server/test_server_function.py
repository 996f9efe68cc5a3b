"""Functions of the user's as units: processes, asked over HTTP."""

import cloudpickle
import joblib
import pytest
from unit_process import parameters

UNIT = "seldon_deployer.server.function.PredictFunction"


def last_line(result):
    return result.stderr.strip().splitlines()[-1]


def test_a_function_without_a_model_gets_none_and_the_message_as_it_is(start_unit):
    unit = start_unit(UNIT, **parameters(predict_function="functions.answer_itself"))
    rows = {"data": {"names": ["a"], "ndarray": [[1.5], [2.5]]}}
    assert unit.predict(rows)["data"]["ndarray"] == [[1.5], [2.5]]
    for message in ({"strData": "x"}, {"binData": "AAE="}, {"jsonData": {"a": [1]}}):
        answer = unit.predict(message)
        assert {key: answer[key] for key in message} == message


@pytest.mark.parametrize("name", ["model.joblib", "model.pickle", "model.pkl", "artifact.pkl"])
def test_the_model_is_read_as_training_wrote_it(start_unit, tmp_path, name):
    if name == "model.joblib":
        joblib.dump(10, tmp_path / name)
    else:
        (tmp_path / name).write_bytes(cloudpickle.dumps(10))
    given = parameters(predict_function="functions.add")
    unit = start_unit(UNIT, MLSERVER_MODEL_URI=str(tmp_path), **given)
    assert unit.predict({"data": {"ndarray": [[1, 2]]}})["data"]["ndarray"] == [[11, 12]]


def test_a_loader_of_the_users_reads_the_model(start_unit, tmp_path):
    (tmp_path / "seven.txt").write_text("7")
    given = parameters(
        predict_function="functions.add",
        loader="functions.load_number",
        loader_options='{"file": "seven.txt", "plus": 1}',
    )
    unit = start_unit(UNIT, MLSERVER_MODEL_URI=str(tmp_path), **given)
    assert unit.predict({"data": {"ndarray": [[1]]}})["data"]["ndarray"] == [[9]]


def test_what_comes_before_and_after_is_called_in_that_order(start_unit):
    given = parameters(
        predict_function="functions.add",
        pre_process="functions.halve",
        post_process="functions.as_words",
    )
    unit = start_unit(UNIT, **given)
    answer = unit.predict({"data": {"ndarray": [[4, 6]]}})
    assert answer["jsonData"] == {"words": ["it is 2.0", "it is 3.0"]}


def test_an_async_function_is_waited_for_and_named_when_it_fails(start_unit):
    given = parameters(
        predict_function="functions.later",
        pre_process="functions.halve",
        post_process="functions.as_words",
    )
    answer = start_unit(UNIT, **given).predict({"data": {"ndarray": [[4, 6]]}})
    assert answer["jsonData"] == {"words": ["it is 4.0", "it is 6.0"]}
    failing = start_unit(UNIT, **parameters(predict_function="functions.fail_later"))
    refused = failing.post("/predict", {"data": {"ndarray": [[1]]}})
    assert refused.status == 500
    assert refused.json()["status"]["info"] == "functions.fail_later failed: KeyError: 'price'"


def test_v2_asks_the_same_function(start_unit):
    unit = start_unit(UNIT, **parameters(predict_function="functions.add"))
    rows = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}
    [output] = unit.infer({"inputs": [rows]})
    assert (output["shape"], output["data"]) == ([1, 2], [1.0, 2.0])


@pytest.mark.parametrize(
    ("function", "status", "reason", "info"),
    [
        (
            "fail",
            500,
            "MICROSERVICE_INTERNAL_ERROR",
            "functions.fail failed: ValueError: three columns are wanted",
        ),
        ("leave", 500, "MICROSERVICE_INTERNAL_ERROR", "functions.leave failed: SystemExit: 3"),
        ("choose_the_status", 409, "OUT_OF_STOCK", "come again tomorrow"),
        (
            "answer_nothing",
            500,
            "MICROSERVICE_INTERNAL_ERROR",
            (
                "functions.answer_nothing returned a NoneType: an answer is a numpy array, a list, "
                "a str, bytes or a dict"
            ),
        ),
    ],
)
def test_a_function_that_fails_is_named_in_the_answer(start_unit, function, status, reason, info):
    unit = start_unit(UNIT, **parameters(predict_function=f"functions.{function}"))
    answer = unit.post("/predict", {"data": {"ndarray": [[1]]}})
    told = answer.json()["status"]
    assert (answer.status, told["reason"], told["info"]) == (status, reason, info)
    assert unit.get("/health/status").status == 200
    if function == "fail":
        # The author's own line, for whoever reads the log.
        assert 'raise ValueError("three columns are wanted")' in unit.log.read_text()


def test_the_type_of_an_answer_picks_the_field(start_unit):
    unit = start_unit(UNIT, **parameters(predict_function="functions.answer_by_name"))
    assert unit.predict({"strData": "pair"})["data"]["tensor"]["values"] == [1, 2]
    assert unit.predict({"strData": "text"})["strData"] == "word"
    assert unit.predict({"strData": "bytes"})["binData"] == "AAE="
    refused = unit.post("/predict", {"strData": "number"})
    assert refused.status == 500
    assert "answer_by_name returned a float64" in refused.json()["status"]["info"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"predict_function": "nowhere.predict"}, "the module nowhere is not there"),
        ({"predict_function": "functions.nothing"}, "module functions has no nothing"),
        ({"predict_function": "functions"}, "'functions' names nothing"),
        ({"predict_function": "functions.NUMBER"}, "functions.NUMBER is no function"),
        ({"predict_function": "functions.OutOfStock"}, "functions.OutOfStock is no function"),
        ({"predict_function": "functions.only_the_request"}, "wrong parameters: too many"),
        ({"predict_function": "functions.one_by_one"}, "it yields"),
        ({"predict_function": "functions.add", "pre_process": "functions.add"}, "wrong param"),
        ({"predict_function": "functions.add", "loader_options": "[1]"}, "no JSON object"),
        ({"predict_function": "functions.add", "loader_options": "{"}, "no JSON: "),
        (
            {
                "predict_function": "functions.add",
                "loader": "functions.load_number",
                "loader_options": '{"sizes": 1}',
            },
            "functions.load_number has the wrong parameters: got an unexpected keyword",
        ),
        (
            {"predict_function": "functions.add", "loader": "functions.load_nothing"},
            "functions.load_nothing failed to load: RuntimeError: the weights are gone",
        ),
        ({"predict_function": "functions.add"}, "none of model.joblib, model.pickle, model.pkl"),
    ],
)
def test_what_cannot_be_served_ends_the_start_with_its_reason(run_server, tmp_path, given, words):
    result = run_server(
        UNIT, "--http-port", "0", MLSERVER_MODEL_URI=str(tmp_path), **parameters(**given)
    )
    assert result.returncode in (1, 2)
    assert words in last_line(result)
