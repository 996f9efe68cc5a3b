"""What the environment says to MLServer, and means here too."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.errors import UsageError
from seldon_deployer.server.settings import read_settings

TENSOR = {"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [1]}
ROWS, SECONDS = "MLSERVER_MODEL_MAX_BATCH_SIZE", "MLSERVER_MODEL_MAX_BATCH_TIME"


def read(**environment):
    return read_settings(["a.B"], environment)


@pytest.mark.parametrize(("asked", "joins"), [({ROWS: "8", SECONDS: "0.01"}, True), ({}, False)])
def test_its_batches_are_ours(start_unit, asked, joins):
    unit = start_unit("observed.OnlyPredict", "--metrics-port", "0", **asked)
    assert unit.infer({"inputs": [TENSOR]})[0]["data"] == [1]
    page = re.search(r" metrics on (\S+)", unit.log.read_text())[1]
    text = unit.http.request("GET", page).data.decode()
    assert ("seldon_deployer_unit_batch_rows_sum" in text) is joins


@given(st.integers(0, 10**6), st.floats(0, 3600), st.integers(0, 64))
def test_rows_seconds_and_workers_are_read(rows, seconds, workers):
    settings = read(
        **{ROWS: str(rows), SECONDS: str(seconds), "MLSERVER_PARALLEL_WORKERS": str(workers)}
    )
    assert settings.batches == {"max_batch_size": rows, "max_batch_delay_ms": seconds * 1000}
    assert settings.workers == max(1, workers)
    assert settings.without_effect == ()


def test_our_own_variables_win():
    settings = read(
        MLSERVER_HTTP_PORT="1",
        PREDICTIVE_UNIT_HTTP_SERVICE_PORT="2",
        MLSERVER_PARALLEL_WORKERS="2",
        GUNICORN_WORKERS="4",
    )
    assert (settings.http_port, settings.workers) == (2, 4)
    assert read(MLSERVER_HTTP_PORT="1").http_port == 1
    assert read(MLSERVER_GRPC_MAX_MESSAGE_LENGTH="123").grpc_max_bytes == 123


def test_what_the_operator_sets_is_no_news_and_what_is_asked_in_vain_is():
    settings = read(
        MLSERVER_MODEL_IMPLEMENTATION="mlserver_sklearn.SKLearnModel",
        MLSERVER_MODEL_VERSION="v1",
        MLSERVER_METRICS_ENDPOINT="/prometheus",
        MLSERVER_CACHE_ENABLED="true",
    )
    assert settings.without_effect == (
        "MLSERVER_CACHE_ENABLED has no effect here: it is for MLServer alone",
    )


@pytest.mark.parametrize("name", [ROWS, SECONDS, "MLSERVER_PARALLEL_WORKERS"])
@pytest.mark.parametrize("text", ["many", "-1", "nan", "inf"])
def test_a_malformed_number_is_named(name, text):
    with pytest.raises(UsageError, match=name):
        read(**{name: text})
