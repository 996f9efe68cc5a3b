"""Units other than models under V2: one path for both transformers, two more of the orchestrator's.

What is sent is what Seldon's orchestrator was seen to send.
"""

import pytest

ROWS = {"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [1.0, 2.0, 3.0, 4.0]}
REQUEST = {"id": "req-1", "parameters": {"content_type": "np"}, "inputs": [ROWS]}
UNIT = {"PREDICTIVE_UNIT_ID": "unit"}
INFER, ROUTE, AGGREGATE = (f"/v2/models/unit/{name}" for name in ("infer", "route", "aggregate"))


@pytest.fixture(scope="module")
def serve(start_unit):
    units = {}

    def get(name, service_type):
        key = (name, service_type)
        if key not in units:
            units[key] = start_unit(f"observed.{name}", SERVICE_TYPE=service_type, **UNIT)
        return units[key]

    return get


def answer_of(name, model="m"):
    return {"model_name": model, "model_version": "v1", "id": "req-1", "outputs": [name]}


@pytest.mark.parametrize(
    ("service_type", "name", "factor"),
    [
        ("TRANSFORMER", "Everything", 2),
        ("OUTPUT_TRANSFORMER", "Everything", 3),
        ("MODEL", "Everything", 1),
        # What Seldon's wrapped images call an output transformer.
        ("TRANSFORMER", "OnlyOutput", 3),
    ],
)
def test_infer_asks_for_the_method_of_the_units_type(serve, service_type, name, factor):
    answer = serve(name, service_type).post(INFER, REQUEST)
    assert answer.status == 200, answer.data
    (output,) = answer.json()["outputs"]
    assert output["data"] == [factor * value for value in ROWS["data"]]
    assert answer.json()["id"] == "req-1"


def test_what_a_transformer_answers_has_the_names_of_what_it_was_given(serve):
    unit = serve("Everything", "TRANSFORMER")
    (output,) = unit.post(INFER, REQUEST).json()["outputs"]
    assert (output["name"], output["shape"]) == ("x", [2, 2])
    columns = [
        {"name": name, "shape": [2, 1], "datatype": "FP64", "data": [1.0, 2.0]} for name in "ab"
    ]
    # Outputs are wanted of the model, which comes later.
    request = {"inputs": columns, "outputs": [{"name": "predict_proba"}]}
    outputs = unit.post(INFER, request).json()["outputs"]
    assert [(each["name"], each["shape"], each["data"]) for each in outputs] == [
        ("a", [2, 1], [2.0, 4.0]),
        ("b", [2, 1], [2.0, 4.0]),
    ]


@pytest.mark.parametrize("request_body", [REQUEST, answer_of(ROWS)], ids=["request", "answer"])
def test_a_router_answers_as_the_orchestrator_reads_it(serve, request_body):
    answer = serve("Everything", "ROUTER").post(ROUTE, request_body)
    assert answer.status == 200, answer.data
    assert answer.json()["data"]["ndarray"] == [[0]]


def test_a_combiner_joins_the_answers_of_its_children(serve):
    other = {**ROWS, "name": "y", "data": [3.0, 4.0, 5.0, 6.0]}
    # The second child let the request pass.
    passed = {"inputs": [other], "outputs": [{"name": "predict"}]}
    answer = serve("Everything", "COMBINER").post(AGGREGATE, [answer_of(ROWS), passed])
    assert answer.status == 200, answer.data
    (output,) = answer.json()["outputs"]
    assert (output["name"], output["data"]) == ("x", [2.0, 3.0, 4.0, 5.0])
    assert (answer.json()["id"], answer.json()["model_name"]) == ("req-1", "unit")


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (ROUTE, {"inputs": []}, "the message has no inputs"),
        (ROUTE, {}, "the message has no outputs"),
        (ROUTE, [], "Invalid request data type: []"),
        (AGGREGATE, [], "there are no messages to aggregate"),
        (AGGREGATE, [1], "Invalid request data type: 1"),
        (AGGREGATE, {"inputs": [ROWS]}, "Invalid request data type"),
        (AGGREGATE, [{}], "the message has no outputs"),
    ],
)
def test_what_is_no_v2_message_is_400(serve, path, body, words):
    answer = serve("Everything", "COMBINER").post(path, body)
    assert answer.status == 400
    assert words in answer.json()["error"]


def test_what_a_class_cannot_do_is_said(serve):
    unit = serve("OnlyPredict", "MODEL")
    assert unit.post(ROUTE, REQUEST).json() == {"error": "Route not defined"}
    answer = unit.post(AGGREGATE, [answer_of(ROWS)])
    assert (answer.status, answer.json()) == (400, {"error": "Aggregate not defined"})
