"""Tags and metrics of a class under V2: parameters of the answer, and the metrics page."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seldon_deployer.server.component import Component
from seldon_deployer.server.meta import Told
from seldon_deployer.server.v2 import answer_parameters

TENSOR = {"name": "x", "shape": [2, 1], "datatype": "FP64", "data": [1, 2]}
INFER = "/v2/models/infer"


@pytest.fixture(scope="module")
def tells(start_unit):
    return start_unit("observed.Tells", "--metrics-port", "0")


@pytest.fixture(scope="module")
def everything(start_unit):
    return start_unit("observed.Everything", PREDICTIVE_UNIT_ID="unit")


def test_tags_of_the_class_and_of_the_answer_are_parameters(tells):
    answer = tells.post(INFER, {"inputs": [TENSOR]}).json()
    assert answer["parameters"] == {"tags.of": "answer", "tags.rows": 2}


def test_metrics_of_the_class_are_on_the_metrics_page(start_unit):
    unit = start_unit("observed.Tells", "--metrics-port", "0")
    for _ in range(3):
        unit.infer({"inputs": [TENSOR]})
    page = re.search(r" metrics on (\S+)", unit.log.read_text())[1]
    text = unit.http.request("GET", page).data.decode()
    assert re.search(r'^rows_total\{.*method="predict".*\} 6\.0$', text, re.MULTILINE)
    assert re.search(r'^k\{.*method="predict".*\} 2\.0$', text, re.MULTILINE)


def test_a_malformed_metric_is_500_and_named(start_unit):
    answer = start_unit("served.BadMetric").post(INFER, {"inputs": [TENSOR]})
    assert answer.status == 500
    assert "Bad metric" in answer.json()["error"]


def test_tags_go_along_a_graph_and_the_later_ones_win(everything):
    earlier = {"tags.own": 0, "tags.before": "a", "content_type": "np"}
    request = {"inputs": [TENSOR], "parameters": earlier}
    answer = everything.post(INFER, request).json()
    assert answer["parameters"] == {"tags.own": 1, "tags.before": "a"}
    children = [
        {"outputs": [TENSOR], "model_name": "m", "parameters": {"tags.a": 1, "tags.b": 1}},
        {"outputs": [TENSOR], "model_name": "m", "parameters": {"tags.b": 2}},
    ]
    answer = everything.post("/v2/models/unit/aggregate", children).json()
    assert answer["parameters"] == {"tags.own": 1, "tags.a": 1, "tags.b": 2}


class Silent:
    def predict(self, X, names):  # noqa: N803
        return X


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
@example({"a": 2**63})
def test_whatever_a_tag_is_a_parameter_holds_it(tags):
    written = answer_parameters(Component(Silent()), [{}], Told(None, tags))
    assert written.keys() == {f"tags.{name}" for name in tags}
    for name, value in tags.items():
        sent = written[f"tags.{name}"]
        assert isinstance(sent, (str, bool, int, float))
        if not isinstance(value, str):
            read = json.loads(sent) if isinstance(sent, str) else sent
            assert read == value
