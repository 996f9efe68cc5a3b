"""gRPC through the embedded runtime's gateway: what REST answers, by grpcio's own client."""

from __future__ import annotations

from urllib.parse import urlsplit

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from seldon_deployer import Deployer, DeploymentConfig, PredictionError
from seldon_deployer.client import InferenceClient
from seldon_deployer.graph import Combiner, Model, OutputTransformer, Router, Transformer
from seldon_deployer.local import lifecycle

CODE = """
import numpy as np


class Halve:
    def transform_input(self, X, names, meta=None):
        return np.asarray(X) / 2


class Mean:
    def aggregate(self, Xs, names_list):
        return np.mean([np.asarray(X) for X in Xs], axis=0)


class Negate:
    def transform_output(self, X, names, meta=None):
        return -np.asarray(X)


class Add:
    def __init__(self, amount=1.0):
        self.amount = amount

    def predict(self, X, names, meta=None):
        if np.isnan(np.asarray(X, dtype=float)).any():
            raise RuntimeError("not a number is in the request")
        return np.asarray(X) + self.amount


class BySize:
    def __init__(self):
        self.rewards = 0.0

    def route(self, X, names):
        return int(np.asarray(X).ravel()[0] > 10)

    def send_feedback(self, features, names, reward, truth, routing=None):
        self.rewards += reward
        return [[self.rewards, routing]]
"""
LARGE = np.arange(60_000, dtype="float64").reshape(300, 200)


@pytest.fixture(scope="module")
def deployer(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    yield Deployer.local(home=home)
    lifecycle.stop(home)


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    folder = tmp_path_factory.mktemp("code")
    (folder / "steps.py").write_text(CODE)
    return folder


@pytest.fixture(scope="module")
def deploy(deployer, code):
    """Deploys a graph; answers with its service and a client of gRPC."""

    def deploy(name, graph, **options):
        config = DeploymentConfig(model_name=name, graph=graph, **options)
        service = deployer.deploy(config, timeout_seconds=120)
        return service, over_grpc(service, getattr(graph, "name", "first"))

    return deploy


@pytest.fixture(scope="module")
def unit(code):
    def unit(kind, name, *given, **parameters):
        served = {Combiner: "Mean", Router: "BySize"}.get(kind, name.partition("-")[0].title())
        options = {"python_class": f"steps.{served}", "code_path": code}
        return kind(name, *given, parameters=parameters, **options)

    return unit


def gateway_of(service):
    return urlsplit(service.prediction_url).netloc


def over_grpc(service, model):
    url = f"grpc://{gateway_of(service)}/seldon/{service.namespace}/{service.name}"
    model = model if service.protocol == "v2" else None
    return InferenceClient(url, protocol=service.protocol, model=model)


@pytest.fixture(scope="module")
def chain(deploy, unit):
    """A chain of units of every kind, its service and its client."""
    router = unit(
        Router, "size", [unit(Model, "add-a", amount=1.0), unit(Model, "add-b", amount=3.0)]
    )
    graph = (
        unit(Transformer, "halve")
        >> unit(Combiner, "mean", [unit(Model, "add-c", amount=5.0), router])
        >> unit(OutputTransformer, "negate")
    )
    return deploy("chain", graph)


def test_a_graph_answers_over_grpc_as_over_rest(chain):
    service, client = chain
    for rows in ([[2.0, 4.0]], [[40.0, 8.0]], LARGE):
        amount = (5.0 + (3.0 if rows[0][0] / 2 > 10 else 1.0)) / 2
        expected = -(np.asarray(rows) / 2 + amount)
        assert np.array_equal(client.predict(rows), expected)
        assert np.array_equal(service.predict(rows), expected)


def test_feedback_over_grpc_reaches_the_branch_that_it_names(chain):
    _, client = chain
    request = {"data": {"ndarray": [[1.0]]}}
    answered = {"meta": {"routing": {"size": 1}}}
    # The chain's first unit takes no feedback: an empty answer, and the router below has learnt.
    client.feedback(request, answered, reward=0.5)


def test_the_metadata_of_a_graph_tells_of_each_unit(chain):
    _, client = chain
    told = client.metadata()
    assert set(told["models"]) == {"halve", "mean", "size", "add-a", "add-b", "add-c", "negate"}


def test_an_error_of_a_unit_is_the_answer_with_its_words(chain):
    _, client = chain
    with pytest.raises(PredictionError, match="not a number is in the request"):
        client.predict(np.array([[np.nan]]))


@pytest.fixture(scope="module")
def tensors(deploy, unit):
    graph = unit(Model, "add-one", amount=1.0) >> unit(Model, "add-two", amount=2.0)
    return deploy("tensors", graph, protocol="v2")


@pytest.mark.parametrize("rows", [[[1.0, 2.0]], LARGE], ids=["small", "large"])
def test_models_in_a_row_hand_tensors_on_as_bytes_over_grpc_and_rest(tensors, rows):
    service, client = tensors
    expected = np.asarray(rows) + 3
    assert np.array_equal(client.predict(rows), expected)
    with service.client(binary=True) as over_rest:
        assert np.array_equal(over_rest.predict(rows), expected)
    assert np.array_equal(np.asarray(service.predict(rows)), expected)


def test_bytes_go_through_routers_and_combiners_that_read_json(deploy, unit):
    router = unit(
        Router, "size", [unit(Model, "add-a", amount=1.0), unit(Model, "add-b", amount=3.0)]
    )
    graph = unit(Model, "add-first", amount=0.0) >> unit(
        Combiner, "mean", [unit(Model, "add-c", amount=5.0), router]
    )
    service, client = deploy("mixed", graph, protocol="v2")
    rows = np.array([[2.0, 0.1]])
    with service.client(binary=True) as over_rest:
        assert np.allclose(over_rest.predict(rows), rows + 3, rtol=1e-12)
    # Seldon's orchestrator has none but models for V2 over gRPC: said in words.
    with pytest.raises(PredictionError, match="asks nothing but models"):
        client.predict(rows)


@pytest.fixture(scope="module")
def single(deploy, unit):
    return deploy("single", unit(Model, "add-one", amount=1.0), protocol="v2")


def test_a_unit_without_an_orchestrator_gets_calls_as_they_are(single):
    service, client = single
    assert np.array_equal(client.predict(LARGE), LARGE + 1)
    assert client.metadata()["name"] == "add-one"
    with pytest.raises(PredictionError, match="NOT_FOUND"):
        over_grpc(service, "another").predict([[1.0]])


def test_a_service_makes_a_client_of_grpc(single):
    service, _ = single
    with service.client(transport="grpc") as client:
        assert client.prediction_url.startswith("grpc://")
        assert np.array_equal(client.predict(LARGE), LARGE + 1)


def test_the_gateway_has_health_and_tells_what_it_cannot_find(single):
    service, _ = single
    gateway = gateway_of(service)
    with grpc.insecure_channel(gateway) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=20)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        ask = channel.unary_unary("/seldon.protos.Seldon/Predict")
        for metadata, words in (
            ((), "give the metadata seldon=NAME and namespace=NAMESPACE"),
            ((("seldon", "none"), ("namespace", "default")), "there is no SeldonDeployment none"),
        ):
            with pytest.raises(grpc.RpcError) as raised:
                ask(b"", metadata=metadata, timeout=20)
            assert raised.value.code() == grpc.StatusCode.NOT_FOUND
            assert words in raised.value.details()


def test_calls_go_on_when_a_unit_is_replaced(deployer, deploy, unit):
    _, client = deploy("replaced", unit(Model, "add", amount=1.0))
    before = client.predict([[1.0]]).tolist()
    deploy("replaced", unit(Model, "add", amount=2.0))
    assert (before, client.predict([[1.0]]).tolist()) == ([[2.0]], [[3.0]])
