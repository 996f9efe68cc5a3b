"""Units other than models: their routes, against what was recorded with Seldon's own wrapper.

The exchanges were recorded with seldon-core-microservice 1.17.1 and the classes of
`models/observed.py`.
"""

import json
from pathlib import Path

import pytest

EXCHANGES = [
    json.loads(line)
    for line in (Path(__file__).parent / "wrapper_exchanges.jsonl").read_text().splitlines()
]
UNIT = {"PREDICTIVE_UNIT_ID": "everything", "PREDICTIVE_UNIT_IMAGE": "reg/every:1"}
# A message where feedback belongs.
NO_FEEDBACK = next(e["body"] for e in EXCHANGES if r"no field named \"data" in e["answer"])
# Where ours answers otherwise on purpose: (class, path, body) -> status and words of our answer.
DIFFERENCES = {
    # argmax gives numpy's whole numbers: the most common router failed at every request.
    ("Everything", "/route", '{"data":{"names":["a","b"],"ndarray":[[16,2]]}}'): (200, "[[2]]"),
    # The orchestrator cannot read a truth value as a branch.
    ("Everything", "/route", '{"data":{"names":["a","b"],"ndarray":[[18,2]]}}'): (
        400,
        "Routing response must be int but got True",
    ),
    # The caller's fault, and said so: not an index out of range.
    ("Everything", "/aggregate", "[]"): (400, "there are no messages to aggregate"),
    ("Everything", "/aggregate", '{"seldonMessages":[]}'): (
        400,
        "there are no messages to aggregate",
    ),
    ("Everything", "/send-feedback", "[]"): (400, "Invalid request data type: []"),
    # The same verdicts in words without protobuf.
    ("Everything", "/send-feedback", '{"reward":"x"}'): (
        400,
        "the reward of the feedback is no number",
    ),
    ("OnlyPredict", "/send-feedback", NO_FEEDBACK): (400, "Feedback has no field 'data'"),
    ("Everything", "/send-feedback", '{"nope":1}'): (400, "Feedback has no field 'nope'"),
}


@pytest.fixture(scope="module")
def serve(start_unit):
    units = {}

    def get(name):
        if name not in units:
            units[name] = start_unit(f"observed.{name}", **UNIT)
        return units[name]

    return get


def send(unit, exchange):
    if exchange["method"] == "GET":
        return unit.get(exchange["path"])
    return unit.post(exchange["path"], exchange["body"])


def key_of(exchange):
    return (exchange["class"], exchange["path"], exchange.get("body"))


@pytest.mark.parametrize("name", sorted({each["class"] for each in EXCHANGES}))
def test_recorded_exchanges_are_answered_to_the_letter(serve, name):
    seen = 0
    for exchange in EXCHANGES:
        if exchange["class"] != name or key_of(exchange) in DIFFERENCES:
            continue
        answer = send(serve(name), exchange)
        body = answer.data.decode().strip()
        assert (answer.status, body) == (exchange["status"], exchange["answer"]), exchange
        seen += 1
    assert seen


def test_each_difference_is_one_and_answers_as_it_is_written_down(serve):
    recorded = {key_of(exchange): exchange for exchange in EXCHANGES}
    for key, (status, words) in DIFFERENCES.items():
        answer = send(serve(key[0]), recorded[key])
        body = answer.data.decode().strip()
        assert (answer.status, body) != (recorded[key]["status"], recorded[key]["answer"]), key
        assert answer.status == status, key
        assert words in body, key


def test_a_class_without_predict_says_so_instead_of_answering_nothing(serve):
    answer = serve("Silent").post("/predict", '{"data":{"ndarray":[[1]]}}')
    assert answer.status == 400
    assert answer.json()["status"]["info"] == "Predict not defined"
    tensor = {"name": "x", "shape": [1], "datatype": "FP64", "data": [1]}
    answer = serve("Silent").post("/v2/models/infer", {"inputs": [tensor]})
    assert (answer.status, answer.json()) == (400, {"error": "Predict not defined"})


@pytest.mark.parametrize(
    ("service_type", "name"),
    [
        ("MODEL", "Plain"),
        ("TRANSFORMER", "Plain"),
        ("TRANSFORMER", "Everything"),
        ("OUTPUT_TRANSFORMER", "Everything"),
        ("ROUTER", "Silent"),
        ("COMBINER", "Raw"),
        ("OUTLIER_DETECTOR", "Plain"),
    ],
)
def test_each_service_type_starts_with_the_method_it_needs(start_unit, service_type, name):
    unit = start_unit(f"observed.{name}", SERVICE_TYPE=service_type)
    assert unit.get("/health/status").status == 200


@pytest.mark.parametrize(
    ("service_type", "name", "why"),
    [
        ("MODEL", "Silent", "it has no method predict"),
        ("TRANSFORMER", "OnlyPredict", "it has no method transform_input or transform_output"),
        ("OUTPUT_TRANSFORMER", "Plain", "it has no method transform_output"),
        ("ROUTER", "OnlyPredict", "it has no method route"),
        ("COMBINER", "Silent", "it has no method aggregate"),
    ],
)
def test_a_class_that_cannot_be_what_it_is_called_does_not_start(
    run_server, service_type, name, why
):
    result = run_server(f"observed.{name}", "--http-port", "0", "--service-type", service_type)
    assert result.returncode == 1
    assert why in result.stderr.strip().splitlines()[-1]


def test_a_raw_method_that_is_not_implemented_falls_back(start_unit):
    unit = start_unit("served.InheritsRaw")
    data = {"data": {"ndarray": [[3]]}}
    assert unit.predict(data)["data"]["ndarray"] == [[3]]
    assert unit.post("/route", data).json()["data"]["ndarray"] == [[0]]
