"""What Seldon's Python wrapper is told, and what classes written for it do."""

import json

import pytest

ROWS = {"data": {"ndarray": [[1.0, 2.0], [3.0, 4.0]]}}


@pytest.fixture(scope="module")
def derived(start_unit):
    return start_unit("observed.Derived")


@pytest.fixture(scope="module")
def strict(start_unit):
    return start_unit("observed.Given", "--strict-compat")


@pytest.fixture(scope="module")
def plain(start_unit):
    return start_unit("observed.Given")


@pytest.fixture(scope="module")
def answers(start_unit):
    return start_unit("observed.Answers")


def send(unit, method, path):
    return unit.http.request(method, unit.url + path, timeout=20)


def test_what_a_base_class_says_is_missing_counts_as_missing(derived):
    assert derived.post("/transform-input", ROWS).json()["data"]["ndarray"] == [[1, 2], [3, 4]]
    assert derived.post("/route", ROWS).json()["data"]["ndarray"] == [[1]]
    assert derived.post("/send-feedback", {"reward": 1}).json()["meta"] == {}
    assert derived.get("/health/status").json()["strData"] == "not implemented - assuming healthy"
    assert derived.get("/metadata").json()["inputs"] == []
    for path, body, words in (
        ("/predict", ROWS, "Predict not defined"),
        ("/aggregate", [ROWS], "Aggregate not defined"),
    ):
        answer = derived.post(path, body)
        assert (answer.status, answer.json()["status"]["info"]) == (400, words)


def test_an_answer_may_bring_tags_and_metrics_of_its_own(start_unit):
    unit = start_unit("observed.Tells")
    answer = unit.predict(ROWS)
    assert answer["data"]["ndarray"] == ROWS["data"]["ndarray"]
    assert answer["meta"]["tags"] == {"of": "answer", "rows": 2}
    assert [metric["key"] for metric in answer["meta"]["metrics"]] == ["k", "rows"]
    bad = unit.post("/predict", {"strData": "x"})
    assert (bad.status, bad.json()["status"]["reason"]) == (500, "MICROSERVICE_BAD_METRIC")
    tensor = {"name": "x", "shape": [1], "datatype": "FP64", "data": [1]}
    assert unit.post("/v2/models/infer", {"inputs": [tensor]}).status == 200


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("flat", {"data": {"names": [], "tensor": {"shape": [2], "values": [1.0, 2.0]}}}),
        ("empty", {"data": {"names": [], "tensor": {"shape": [0], "values": []}}}),
        ("nested", {"data": {"names": ["c0", "c1"],
                             "tensor": {"shape": [2, 1, 2], "values": [1, 2, 3, 4]}}}),
        ("bytearray", {"binData": "AP8="}),
    ],
)  # fmt: skip
def test_only_what_has_columns_has_the_names_of_the_class(answers, wanted, part):
    assert answers.predict({"strData": wanted}) == {**part, "meta": {}}


def test_a_router_may_say_why_it_chose(answers):
    answer = answers.post("/route", {"strData": "x"}).json()
    assert answer["data"]["tensor"] == {"shape": [1, 1], "values": [1]}
    assert answer["meta"]["tags"] == {"why": "rule"}
    assert [metric["key"] for metric in answer["meta"]["metrics"]] == ["chosen"]


def test_health_may_be_a_whole_message(start_unit):
    answer = start_unit("observed.RawTells").get("/health/status")
    assert answer.json() == {"strData": "raw health"}


def test_metrics_of_the_class_are_kept_from_clients_who_are_not_to_see_them(start_unit):
    unit = start_unit("observed.Tells", INCLUDE_METRICS_IN_CLIENT_RESPONSE="false")
    earlier = [{"key": "before", "type": "COUNTER", "value": 1}]
    assert unit.predict({**ROWS, "meta": {"metrics": earlier}})["meta"]["metrics"] == earlier
    unit = start_unit("observed.RawTells", INCLUDE_METRICS_IN_CLIENT_RESPONSE="false")
    assert unit.predict(ROWS) == {"strData": "raw", "meta": {}}


def test_an_older_name_of_a_raw_method_comes_first(start_unit):
    assert start_unit("observed.Older").predict(ROWS)["strData"] == "rest"


def test_metadata_of_the_environment_wins_over_the_class(start_unit):
    unit = start_unit("served.Observed", MODEL_METADATA="name: other\nversions: [v9]\n")
    metadata = unit.get("/metadata").json()
    assert (metadata["name"], metadata["versions"], metadata["platform"]) == ("other", ["v9"], "sk")


@pytest.mark.parametrize("text", ["name: [", "- a"])
def test_metadata_that_is_none_ends_the_start(run_server, text):
    result = run_server("observed.Given", "--http-port", "0", MODEL_METADATA=text)
    assert result.returncode == 2
    assert "MODEL_METADATA is no" in result.stderr.strip().splitlines()[-1]


def test_every_flag_of_seldons_wrapper_is_taken(start_unit, tmp_path):
    pidfile = tmp_path / "pid"
    unit = start_unit(
        "observed.Given",
        *("--service-type", "MODEL", "--persistence", "--parameters", "[]", "--log-level", "DEBUG"),
        *("--tracing", "0", "--workers", "1", "--threads", "2", "--max-requests", "0"),
        *("--max-requests-jitter", "0", "--keepalive", "2", "--single-threaded", "1"),
        *("--metrics-port", "0", "--pidfile", str(pidfile), "--access-log", "0"),
        *("--grpc-threads", "1", "--grpc-workers", "1", "--debug"),
    )
    assert unit.predict({"strData": "x"})["strData"] == "x"
    assert pidfile.read_text().strip() == str(unit.process.pid)


def test_what_is_asked_for_in_vain_is_said_once(run_server):
    flags = ("--keepalive", "5", "--grpc-threads", "3", "--http-port", "0", "--workers", "2")
    result = run_server("served.FailsToLoad", *flags, GUNICORN_KEEPALIVE="1", PERSISTENCE="0")
    assert "PERSISTENCE" not in result.stderr
    for name in ("--keepalive", "--grpc-threads", "GUNICORN_KEEPALIVE"):
        assert result.stderr.count(f"{name} has no effect here") == 1


BYTES = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def bare(start_unit):
    return start_unit("observed.RawBytes", PAYLOAD_PASSTHROUGH="true")


@pytest.mark.parametrize("path", ["/predict", "/api/v1.0/predictions"])
def test_bytes_are_passed_as_they_come_where_that_is_asked_for(bare, path):
    answer = bare.post(path, b"\x00\xff\n{", **BYTES)
    assert (answer.status, answer.data) == (200, b"{\n\xff\x00")
    assert answer.headers["Content-Type"] == "application/json"


def test_passed_bytes_may_be_answered_with_a_message(bare):
    answer = bare.post("/predict", b"dict", **BYTES)
    assert (answer.status, answer.json()["strData"]) == (418, "a message")
    assert bare.post("/predict", b"none", **BYTES).status == 500


def test_text_of_an_argument_is_passed_as_text_and_a_form_as_a_message(bare):
    assert bare.get("/predict?json=abc").data == b"cba"
    form = b'--X\r\nContent-Disposition: form-data; name="strData"\r\n\r\na\r\n--X--\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=X"}
    assert bare.post("/predict", form, **kind).json() == {"strData": "a form"}


def test_a_class_that_takes_no_whole_message_gets_what_it_holds(start_unit):
    unit = start_unit("observed.RawLacking", PAYLOAD_PASSTHROUGH="1")
    assert unit.predict({"strData": "x"})["strData"] == "x"
    assert unit.post("/predict", b"\x00", **BYTES).status == 400


def test_a_pidfile_that_cannot_be_written_ends_the_start(run_server, tmp_path):
    pidfile = tmp_path / "nowhere" / "pid"
    result = run_server("observed.Given", "--http-port", "0", "--pidfile", str(pidfile))
    assert result.returncode == 2
    assert "cannot write" in result.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nope", 404), ("GET", "/predict/", 404), ("PUT", "/predict", 405)],
)
def test_what_no_route_takes_is_500_only_where_clients_may_count_on_it(
    plain, strict, method, path, status
):
    for unit, expected in ((plain, status), (strict, 500)):
        answer = send(unit, method, path)
        assert answer.status == expected
        assert answer.json()["status"]["reason"] == "MICROSERVICE_INTERNAL_ERROR"


def test_wrong_methods_are_told_the_right_ones(plain):
    assert send(plain, "PUT", "/predict").headers["Allow"] == "GET, HEAD, POST"


def test_other_origins_may_ask_only_where_clients_may_count_on_it(plain, strict):
    origin = "Access-Control-Allow-Origin"
    assert strict.post("/predict", {"strData": "x"}).headers[origin] == "*"
    assert send(strict, "OPTIONS", "/predict").status == 200
    assert origin not in plain.post("/predict", {"strData": "x"}).headers
    assert send(plain, "OPTIONS", "/predict").status == 405


def test_the_routes_describe_themselves(plain):
    document = plain.get("/seldon.json").json()
    assert document["openapi"].startswith("3.0")
    schemas = document["components"]["schemas"]
    text = json.dumps(document)
    for reference in set(text.split('"$ref": "')[1:]):
        assert reference.partition('"')[0].rpartition("/")[2] in schemas
    for path, operations in document["paths"].items():
        for method in operations:
            assert send(plain, method.upper(), path).status not in (404, 405), path
    assert {"/predict", "/aggregate", "/health/ping", "/v2"} <= set(document["paths"])


def test_what_a_class_has_in_vain_is_said(start_unit):
    unit = start_unit("observed.FlaskUser")
    assert "custom_service of observed.FlaskUser is not called" in unit.log.read_text()
    assert unit.predict({"strData": "x"})["strData"] == "x"
