"""Which URLs a client can be made of, and what it makes of them."""

import subprocess
import sys
from dataclasses import dataclass

import pytest
from answering import free_port
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer import InferenceClient
from seldon_deployer.client.address import find_address
from seldon_deployer.errors import UsageError

INGRESS = "https://ingress.example.com:8443"
BASE = f"{INGRESS}/seldon/models/iris"


@pytest.mark.parametrize(
    ("url", "options", "name", "predictions"),
    [
        (BASE, {}, "iris", f"{BASE}/api/v1.0/predictions"),
        (f"{BASE}/", {}, "iris", f"{BASE}/api/v1.0/predictions"),
        (f"{BASE}/api/v1.0/predictions", {}, "iris", f"{BASE}/api/v1.0/predictions"),
        (f"{BASE}/api/v0.1/predictions", {}, "iris", f"{BASE}/api/v1.0/predictions"),
        (BASE, {"protocol": "v2"}, "iris", f"{BASE}/v2/models/infer"),
        (BASE, {"protocol": "kfserving", "model": "m"}, "iris", f"{BASE}/v2/models/m/infer"),
        (f"{BASE}/v2/models/infer", {}, "iris", f"{BASE}/v2/models/infer"),
        (f"{BASE}/v2/models/infer", {"model": "m"}, "iris", f"{BASE}/v2/models/m/infer"),
        (f"{BASE}/v2/models/m/infer", {}, "iris", f"{BASE}/v2/models/m/infer"),
        (
            f"{INGRESS}/v2/models/m/versions/v1/infer",
            {},
            "ingress.example.com:8443",
            f"{INGRESS}/v2/models/m/versions/v1/infer",
        ),
        ("http://[::1]:9000", {}, "[::1]:9000", "http://[::1]:9000/api/v1.0/predictions"),
        # What stands before Seldon's own path stays.
        (f"{INGRESS}/ml/seldon/a/b", {}, "b", f"{INGRESS}/ml/seldon/a/b/api/v1.0/predictions"),
    ],
)
def test_a_base_or_a_whole_url_gives_the_address(url, options, name, predictions):
    address = find_address(url, **options)
    assert (address.name, address.prediction_url) == (name, predictions)
    # A whole URL names the same address.
    again = find_address(predictions)
    assert (again.prediction_url, again.name) == (predictions, name)


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("iris", {}, "is http://... or https://"),
        ("ftp://host/x", {}, "is http://... or https://"),
        ("http://", {}, "is http://... or https://"),
        ("http://host:99999999", {}, "this is no URL"),
        ("http://[::1", {}, "this is no URL"),
        ("http://ann:secret@host/", {}, "credentials do not belong"),
        (f"{BASE}?token=secret", {}, "has no query"),
        (f"{BASE}/api/v1.0/predictions", {"protocol": "v2"}, "takes protocol seldon, not v2"),
        (f"{BASE}/v2/models/m/infer", {"protocol": "seldon"}, "takes protocol v2, not seldon"),
        (f"{BASE}/v2/models/m/infer", {"model": "n"}, "asks for model m, not n"),
        (BASE, {"protocol": "tensorflow"}, "'tensorflow' is no protocol"),
        (BASE, {"binary": True}, "extension of protocol v2"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_sent(url, options, words):
    with pytest.raises(UsageError) as caught:
        InferenceClient(url, **options)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


@given(st.text())
def test_any_text_is_an_address_or_refused_in_our_own_words(text):
    for url in (text, f"http://{text}", f"http://host/{text}"):
        try:
            find_address(url)
        except UsageError:
            continue


@dataclass
class Handle:
    """What a service looks like to the client."""

    name: str = "flowers"
    protocol: str = "seldon"
    prediction_url: str | None = f"{BASE}/api/v1.0/predictions"


def test_a_service_tells_its_own_name_and_protocol():
    client = InferenceClient(Handle())
    assert client.name == "flowers"
    assert repr(client) == f"<InferenceClient of flowers at {BASE}/api/v1.0/predictions>"


def test_a_service_without_an_address_is_told():
    with pytest.raises(UsageError, match="flowers has no address yet"):
        InferenceClient(Handle(prediction_url=None))


def test_metadata_of_a_v2_graph_needs_a_model():
    with pytest.raises(UsageError, match="model=NAME_OF_A_UNIT"):
        InferenceClient(BASE, protocol="v2").metadata()


def test_an_explainer_is_found_behind_an_ingress_only():
    with pytest.raises(UsageError, match="explainer's address cannot be told"):
        InferenceClient("http://127.0.0.1:9").explain([[1]])


def test_making_a_client_loads_no_heavy_library():
    program = (
        "from seldon_deployer import InferenceClient, AsyncInferenceClient\n"
        f"for kind in InferenceClient, AsyncInferenceClient: kind('{BASE}', auth='t')\n"
        "import sys\n"
        "heavy = 'aiohttp asyncio numpy pandas ssl urllib3 pydantic kubernetes'.split()\n"
        "print(*[name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.split() == []


def test_rows_without_numpy_are_told_and_messages_need_none():
    # An import that is set to None is one that is not installed.
    program = (
        "import sys; sys.modules['numpy'] = None\n"
        "from seldon_deployer import InferenceClient\n"
        f"client = InferenceClient('http://127.0.0.1:{free_port()}')\n"
        "for data in ('text', {'data': {}}, [[1]]):\n"
        "    try: client.predict(data)\n"
        "    except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    text, message, rows = done.stdout.splitlines()
    assert text.startswith("PredictionError")
    assert message.startswith("PredictionError")
    assert rows.startswith("UsageError rows of data need numpy")


@pytest.mark.parametrize("path", ["", "/", "/api/v1.0/predictions"])
def test_the_same_ingress_is_asked_over_grpc_where_that_is_wanted(path):
    address = find_address(BASE + path).over_grpc()
    assert address.prediction_url == BASE.replace("https", "grpcs")
    assert address.routing_headers == {"seldon": "iris", "namespace": "models"}
    assert address.over_grpc() is address
    with InferenceClient("http://localhost:1/seldon/a/b", transport="grpc") as client:
        assert client.prediction_url == "grpc://localhost:1/seldon/a/b"


def test_a_transport_that_the_url_cannot_have_is_said_in_words():
    with pytest.raises(UsageError, match="where this answers gRPC cannot be told"):
        InferenceClient("http://localhost:9000", transport="grpc")
    with pytest.raises(UsageError, match="is asked over gRPC"):
        InferenceClient("grpc://localhost:9000", transport="http")
