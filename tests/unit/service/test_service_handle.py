"""What a handle says of its SeldonDeployment, without a request."""

import json
from pathlib import Path

import pytest

from seldon_deployer.cluster import connect
from seldon_deployer.errors import ClusterUnreachable, PredictionError
from seldon_deployer.service import Service


@pytest.fixture
def cluster(tmp_path: Path):
    """A cluster that nobody answers for: what is told here is told without it."""
    kubeconfig = tmp_path / "kubeconfig"
    named = {"name": "none", "cluster": {"server": "http://127.0.0.1:9"}}
    context = {"name": "none", "context": {"cluster": "none", "user": "none"}}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [named],
        "contexts": [context],
        "users": [{"name": "none", "user": {}}],
        "current-context": "none",
    }
    kubeconfig.write_text(json.dumps(content))
    return connect(kubeconfig=kubeconfig)


def manifest(**changes):
    spec = {
        "protocol": changes.pop("protocol", None),
        "replicas": changes.pop("replicas", 2),
        "predictors": [
            {
                "name": "default",
                "annotations": {"seldon-deployer/revision": "r1"},
                "graph": {"name": "iris", "modelUri": "s3://served/iris"},
            }
        ],
    }
    annotations = {
        "seldon-deployer/model-name": "Iris Flowers",
        "seldon-deployer/model-uri": "s3://given/iris",
    }
    metadata = {
        "name": "iris",
        "namespace": "models",
        "annotations": changes.pop("annotations", annotations),
    }
    return {"metadata": metadata, "spec": spec, "status": changes.pop("status", {})}


def graph_of_two() -> dict:
    whole = manifest(protocol="v2")
    whole["spec"]["predictors"][0]["graph"]["children"] = [{"name": "below"}]
    inside = "http://iris-default.models.svc.cluster.local:8000/v2/models/iris/infer"
    return {**whole, "status": {"address": {"url": inside}}}


def test_a_v2_graph_is_asked_without_the_name_of_a_model(cluster):
    outside = Service(cluster, graph_of_two(), base_url="http://in")
    assert outside.prediction_url == "http://in/seldon/models/iris/v2/models/infer"
    inside = Service(cluster, graph_of_two())
    assert inside.prediction_url == (
        "http://iris-default.models.svc.cluster.local:8000/v2/models/infer"
    )


def test_it_tells_what_was_deployed(cluster):
    service = Service(cluster, manifest(status={"state": "Available"}), base_url="http://in/")
    assert (service.name, service.namespace) == ("iris", "models")
    assert (service.model_name, service.model_uri) == ("Iris Flowers", "s3://given/iris")
    assert (service.state, service.replicas, service.revision) == ("Available", 2, "r1")
    assert service.prediction_url == "http://in/seldon/models/iris/api/v1.0/predictions"


def test_a_deployment_of_somebody_else_is_told_from_its_manifest(cluster):
    service = Service(cluster, manifest(annotations=None))
    assert (service.model_name, service.model_uri) == ("iris", "s3://served/iris")


@pytest.mark.parametrize("protocol", ["v2", "kfserving"])
def test_the_v2_url_names_the_unit(cluster, protocol):
    service = Service(cluster, manifest(protocol=protocol), base_url="http://in")
    assert service.prediction_url == "http://in/seldon/models/iris/v2/models/iris/infer"
    assert service.protocol == "v2"


@pytest.mark.parametrize(
    ("replicas", "status", "state"),
    [
        (1, {}, "Creating"),
        (1, {"state": "Failed"}, "Failed"),
        (0, {"state": "Creating"}, "Stopped"),
        (None, {"state": "Available"}, "Available"),
    ],
)
def test_a_wanted_zero_is_stopped(cluster, replicas, status, state):
    assert Service(cluster, manifest(replicas=replicas, status=status)).state == state


def test_without_a_base_url_the_address_inside_the_cluster_is_used_with_one_warning(
    cluster, caplog
):
    address = {"url": "http://iris-default.models.svc.invalid:9000/api/v1.0/predictions"}
    service = Service(cluster, manifest(status={"address": address}))
    assert service.prediction_url == address["url"]
    for _ in range(2):
        with pytest.raises(PredictionError, match="cannot be reached"):
            service.predict([[1]])
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert "base_url" in caplog.text


def test_without_any_address_the_cluster_is_asked_again(cluster):
    with pytest.raises(ClusterUnreachable):
        Service(cluster, manifest()).predict([[1]])


def test_a_client_of_its_own_takes_options_that_predict_has_not(cluster):
    service = Service(cluster, manifest(protocol="v2"), base_url="https://in.example.com")
    client = service.client(binary=True, auth="token", timeout_seconds=5)
    assert client.name == "iris"
    assert client.prediction_url == service.prediction_url
    assert client.protocol == "v2"
