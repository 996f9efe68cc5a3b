"""What Prometheus reads, over a real port, read with its own parser."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

ROW = {"data": {"ndarray": [[1]]}}
SELDON = {
    "PREDICTIVE_UNIT_ID": "classifier",
    "PREDICTIVE_UNIT_IMAGE": "registry:5000/iris:0.1",
    "PREDICTOR_ID": "default",
    "SELDON_DEPLOYMENT_ID": "iris",
    "PREDICTOR_LABELS": '{"version": "v9"}',
    "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": "0",
    "PREDICTIVE_UNIT_METRICS_ENDPOINT": "/prometheus",
}


def page_of(unit):
    log = unit.log.read_text().splitlines()
    return next(line.split()[-1] for line in log if " metrics on " in line)


def samples(unit, parse=plain_text, **headers):
    answer = unit.http.request("GET", page_of(unit), headers=headers)
    assert answer.status == 200
    return [sample for family in parse(answer.data.decode()) for sample in family.samples]


def value_of(found, name, **labels):
    values = [
        sample.value
        for sample in found
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(values) == 1, (name, labels, values)
    return values[0]


@pytest.fixture(scope="module")
def counted(start_unit):
    unit = start_unit("batched.Counts", **SELDON)
    for _ in range(3):
        unit.predict(ROW)
    assert unit.post("/predict", {"data": 7}).status == 400
    feedback = {"request": ROW, "reward": 0.5}
    for _ in range(2):
        assert unit.post("/send-feedback", feedback).status == 200
    return unit


def test_requests_are_counted_by_method_and_status(counted):
    found = samples(counted)
    name = "seldon_deployer_unit_requests_seconds_count"
    assert value_of(found, name, method="predict", code="200") == 3
    assert value_of(found, name, method="predict", code="400") == 1
    assert value_of(found, name, method="send_feedback", code="200") == 2
    assert value_of(found, "seldon_deployer_unit_waiting_requests") == 0


def test_what_no_route_takes_is_counted_without_a_label_of_the_clients(start_unit):
    unit = start_unit("served.Raw", "--metrics-port", "0", "--max-body-bytes", "100")
    for number in range(30):
        unit.get(f"/{number}")
        unit.get(f"/v2/models/{number}/ready")
        unit.http.request("PUT" if number % 2 else "PATCH", f"{unit.url}/predict")
    assert unit.post("/predict", {"strData": "x" * 200}).status == 413
    assert unit.post("/predict", {"strData": "x"}).status == 418
    for path in ("/health/ping", "/health/status", "/v2/health/ready", "/v2", "/metadata"):
        assert unit.get(path).status == 200
    found = samples(unit)
    name = "seldon_deployer_unit_requests_seconds_count"
    counts = {
        (sample.labels["method"], sample.labels["code"]): sample.value
        for sample in found
        if sample.name == name
    }
    assert counts == {
        ("unknown", "404"): 60,
        ("predict", "405"): 30,
        ("predict", "413"): 1,
        ("predict", "418"): 1,
        ("health", "200"): 3,
        ("metadata", "200"): 2,
    }


def test_who_is_sent_away_or_answered_too_late_is_counted(start_unit):
    unit = start_unit("served.Slow", "--metrics-port", "0", "--max-waiting", "1")
    late = {"X-Envoy-Expected-Rq-Timeout-Ms": "100"}
    assert unit.post("/predict", {"strData": "0.5"}, **late).status == 504
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(unit.post, "/predict", {"strData": "0.5"}) for _ in range(4)]
        statuses = [each.result().status for each in sent]
    refused = statuses.count(503)
    assert refused
    found = samples(unit)
    name = "seldon_deployer_unit_requests_seconds_count"
    assert value_of(found, name, method="predict", code="503") == refused
    assert value_of(found, name, method="predict", code="504") == 1


def test_what_the_class_counts_has_the_names_of_seldons_wrapper(counted):
    found = samples(counted)
    assert value_of(found, "seen_total", method="predict", kind="a") == 6
    assert value_of(found, "seen_total", method="feedback", kind="a") == 4
    assert value_of(found, "level", method="predict") == 7
    assert value_of(found, "took_count", method="predict") == 3
    assert value_of(found, "took_sum", method="predict") == pytest.approx(0.0618)
    assert value_of(found, "took_bucket", method="predict", le="+Inf") == 3


def test_metrics_in_whole_messages_are_counted_too(start_unit):
    unit = start_unit("observed.RawTells", "--metrics-port", "0")
    for _ in range(2):
        assert unit.predict(ROW)["meta"]["metrics"][0]["key"] == "raw"
    assert value_of(samples(unit), "raw_total", method="predict", kind="a") == 4


def test_feedback_and_its_rewards_are_summed(counted):
    found = samples(counted)
    assert value_of(found, "seldon_api_model_feedback_total") == 2
    assert value_of(found, "seldon_api_model_feedback_reward_total") == 1


def test_every_number_says_whose_it_is(counted):
    for sample in samples(counted):
        own = {
            "deployment_name": "iris",
            "model_name": "classifier",
            "model_image": "registry:5000/iris",
            "model_version": "0.1",
            "predictor_name": "default",
            "predictor_version": "v9",
        }
        assert own.items() <= sample.labels.items()


def test_buckets_rise_to_the_count(counted):
    found = [sample for sample in samples(counted) if sample.name.endswith("_bucket")]
    assert found
    rows = {}
    for sample in found:
        labels = {name: value for name, value in sample.labels.items() if name != "le"}
        rows.setdefault((sample.name, *sorted(labels.items())), []).append(
            (float(sample.labels["le"]), sample.value)
        )
    for buckets in rows.values():
        assert buckets == sorted(buckets)
        assert [count for _, count in buckets] == sorted(count for _, count in buckets)


def test_open_metrics_are_answered_where_they_are_asked_for(counted):
    asked = "application/openmetrics-text; version=1.0.0"
    found = samples(counted, open_metrics, Accept=asked)
    assert value_of(found, "seen_total", method="predict") == 6


def test_other_paths_of_the_port_are_not_there(counted):
    base = page_of(counted).removesuffix("/prometheus")
    assert counted.http.request("GET", f"{base}/metrics").status == 404
    assert counted.http.request("POST", f"{base}/prometheus").status == 404


def test_batches_are_counted_by_their_rows(start_unit):
    unit = start_unit("batched.Joined", "--metrics-port", "0")
    unit.predict({"data": {"ndarray": [[1], [2], [3]]}})
    found = samples(unit)
    assert value_of(found, "seldon_deployer_unit_batch_rows_sum", method="predict") == 3


def test_a_busy_port_of_metrics_is_told_and_does_not_keep_the_unit_from_serving(start_unit):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        unit = start_unit("batched.Counts", "--metrics-port", str(taken.getsockname()[1]))
        assert "WARNING no metrics: cannot listen on 127.0.0.1" in unit.log.read_text()
        assert unit.predict(ROW)["data"]["ndarray"] == [[1]]
