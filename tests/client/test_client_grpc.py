"""The client over gRPC, against units of the real model server."""

import logging
import re
import subprocess
import sys
from concurrent import futures
from pathlib import Path

import grpc
import numpy as np
import pandas as pd
import pytest
from answering import free_port
from certificates import Authority
from unit_process import unit_starter

from seldon_deployer import InferenceClient, Tls
from seldon_deployer.errors import ConfigError, PayloadError, PredictionError, UsageError

CODE = Path(__file__).parents[1] / "unit" / "server" / "models"


@pytest.fixture(scope="module")
def start_unit(tmp_path_factory):
    with unit_starter(lambda: tmp_path_factory.mktemp("unit"), CODE) as start:
        yield start


def url_of(unit) -> str:
    found = re.search(r"listening on (grpc://\S+)\n", unit.log.read_text())
    assert found, unit.log.read_text()
    return found[1]


@pytest.fixture(scope="module")
def echo(start_unit):
    return url_of(start_unit("served.Echo", "--grpc-port", "0", PREDICTIVE_UNIT_ID="echo"))


@pytest.mark.parametrize(
    "data",
    [np.array([[1.5, float("nan")], [float("inf"), -0.0]]), [[1, 2]], np.empty((0, 3)), [["a", 1]]],
)
def test_rows_go_there_and_back(make_client, echo, data):
    answer = make_client(echo).predict(data)
    if isinstance(data, np.ndarray):
        assert np.array_equal(answer, data, equal_nan=True)
        assert answer.shape == data.shape
    else:
        assert answer.tolist() == data


@pytest.mark.parametrize("data", ["héllo", b"\x00\xff"])
def test_text_and_bytes_go_there_and_back(make_client, echo, data):
    assert make_client(echo).predict(data) == data


def test_a_whole_message_is_answered_by_the_whole_message(make_client, echo):
    message = {"jsonData": {"a": [1.0, None]}, "meta": {"puid": "mine"}}
    answer = make_client(echo).predict(message)
    assert answer["jsonData"] == {"a": [1.0, None]}
    assert answer["meta"]["puid"] == "mine"


def test_names_of_a_frame_come_back_with_it(make_client, echo):
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": [3, 4]}, index=["x", "y"])
    told = make_client(echo).predict(frame, returns="pandas")
    assert told.to_numpy().tolist() == [[1.5, 3.0], [2.5, 4.0]]
    assert list(told.index) == ["x", "y"]


def test_names_that_are_too_few_are_told(make_client, echo):
    with pytest.raises(PayloadError, match="1 names are given for 2 columns"):
        make_client(echo).predict([[1, 2]], names=["a"])


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint64", "bool", "float16", "object"])
def test_v2_tensors_keep_their_type(make_client, echo, dtype):
    array = np.array([["é"], [""]] if dtype == "object" else [[1], [0]], dtype)
    answer = make_client(echo, protocol="v2", model="echo").predict(array)
    assert answer.dtype == array.dtype
    assert answer.tolist() == array.tolist()


def test_a_large_tensor_goes_there_and_back(make_client, echo):
    array = np.random.default_rng(0).random((10_000, 64), dtype="float32")
    answer = make_client(echo, protocol="v2", model="echo").predict(array)
    assert np.array_equal(answer, array)


def test_feedback_and_metadata_are_taken(make_client, start_unit):
    observed = url_of(start_unit("served.Observed", "--grpc-port", "0", PREDICTIVE_UNIT_ID="m"))
    client = make_client(observed)
    answer = client.predict([[1, 2, 3, 4]], returns="message")
    assert answer["meta"]["tags"] == {"t": 1.0}
    client.feedback([[1, 2, 3, 4]], answer, reward=1, truth=[0])
    assert make_client(observed, protocol="v2", model="m").metadata()["platform"] == "sk"
    with pytest.raises(PredictionError) as caught:
        client.predict([[1, 2, 3]])
    assert "expecting 4 features" in caught.value.why
    assert caught.value.is_of_data
    assert "HTTP" not in str(caught.value)


def test_a_model_that_hangs_is_given_up_after_the_timeout(make_client, start_unit):
    slow = make_client(url_of(start_unit("served.Slow", "--grpc-port", "0")))
    with pytest.raises(PredictionError, match=r"did not answer within 0\.2 s"):
        slow.predict("1", timeout_seconds=0.2)


def test_where_nothing_listens_is_told(make_client):
    with pytest.raises(PredictionError) as caught:
        make_client(f"grpc://127.0.0.1:{free_port()}").predict("a")
    assert "cannot be reached at grpc://127.0.0.1" in caught.value.what
    assert caught.value.status is None


@pytest.fixture
def record():
    """A gRPC server that keeps what it was sent and answers as told; with TLS where wanted."""
    seen: list[dict[str, str]] = []
    servers = []

    class Recorder(grpc.GenericRpcHandler):
        def service(self, details):
            seen.append(dict(details.invocation_metadata) | {"method": details.method})
            return grpc.unary_unary_rpc_method_handler(self.answer)

        def answer(self, content, context):
            if code is not None:
                context.abort(code, "canary of the server")
            return content

    code = None

    def start(answer=None, credentials=None) -> str:
        nonlocal code
        code = answer
        server = grpc.server(futures.ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers((Recorder(),))
        if credentials is None:
            port = server.add_insecure_port("127.0.0.1:0")
        else:
            port = server.add_secure_port("127.0.0.1:0", credentials)
        server.start()
        servers.append(server)
        return f"grpc{'s' if credentials else ''}://127.0.0.1:{port}"

    start.seen = seen
    yield start
    for server in servers:
        server.stop(None).wait()


def test_an_ingress_is_told_the_deployment_and_who_asks(make_client, record, caplog):
    caplog.set_level(logging.DEBUG)
    url = f"{record()}/seldon/models/iris"
    assert make_client(url, auth="canary", headers={"X-Team": "a"}).predict("x") == "x"
    [told] = record.seen
    assert (told["seldon"], told["namespace"], told["x-team"]) == ("iris", "models", "a")
    assert told["authorization"] == "Bearer canary"
    assert told["method"] == "/seldon.protos.Seldon/Predict"
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("UNAUTHENTICATED", "asks for credentials"),
        ("UNIMPLEMENTED", "the URL is not the one"),
        ("UNAVAILABLE", "starting it answers in a moment"),
        ("INTERNAL", "seldon-deployer logs"),
        ("INVALID_ARGUMENT", "correct the data"),
    ],
)
def test_a_failure_names_its_code_and_reason(make_client, record, code, words):
    with pytest.raises(PredictionError) as caught:
        make_client(record(grpc.StatusCode[code])).predict("a")
    assert f"answered with {code}: canary of the server" in str(caught.value)
    assert words in caught.value.hint
    assert len(record.seen) == 1


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
def test_what_looks_odd_in_refused_data_is_what_to_try(make_client, record, protocol):
    url = record(grpc.StatusCode.INVALID_ARGUMENT)
    with pytest.raises(PredictionError) as caught:
        make_client(url, protocol=protocol, model="m").predict([1.5, 2.5])
    assert "it is a list of 2. If these are the values of one row" in caught.value.hint


def test_rows_of_named_values_go_there_and_back(make_client, echo):
    told = make_client(echo).predict([{"a": 1.5, "b": "x"}, {"b": "y", "a": None}])
    assert told.tolist() == [[1.5, "x"], [None, "y"]]


def test_tls_believes_the_given_authority_alone(make_client, record, tmp_path):
    authority = Authority(tmp_path, "authority")
    pair = authority.sign("server")
    content = (pair.key.read_bytes(), pair.certificate.read_bytes())
    url = record(credentials=grpc.ssl_server_credentials([content]))
    assert make_client(url, tls=Tls(authority.file)).predict("a") == "a"
    with pytest.raises(PredictionError, match="cannot be reached"):
        make_client(url, timeout_seconds=20).predict("a")
    with pytest.raises(ConfigError, match="no way to trust any certificate"):
        make_client(url, tls=Tls(verify=False)).predict("a")


def test_what_grpc_has_not_is_told():
    with pytest.raises(UsageError, match="asks a model by its name"):
        InferenceClient("grpc://127.0.0.1:9", protocol="v2").predict([[1.0]])
    with pytest.raises(UsageError, match="not asked over gRPC"):
        InferenceClient("grpc://127.0.0.1:9/seldon/a/b").explain([[1.0]])
    with pytest.raises(UsageError, match="has no paths but that of an ingress"):
        InferenceClient("grpc://127.0.0.1:9/api/v1.0/predictions")


def test_a_missing_library_names_what_to_install():
    program = (
        "import sys; sys.modules['grpc'] = None\n"
        "from seldon_deployer import InferenceClient\n"
        "try: InferenceClient('grpc://127.0.0.1:9')\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith("UsageError grpc, which gRPC needs, is not installed")
    assert "seldon-deployer[grpc]" in done.stdout
