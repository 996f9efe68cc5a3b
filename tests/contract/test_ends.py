"""What is true of one end alone: the embedded API's guard, a cluster without the CRD."""

from __future__ import annotations

import base64
from contextlib import ExitStack

import pytest
from client import SDEPS, Client
from ends import run_embedded
from objects import sdep


@pytest.fixture
def embedded(embedded_end):
    client = Client(embedded_end)
    yield client
    client.close()


@pytest.mark.cluster
def test_without_the_crd_nothing_is_found(bare_end):
    client = Client(bare_end)
    answer = client.get(SDEPS.format("default"))
    assert (answer.status, answer.body) == (404, "404 page not found\n")
    client.close()


@pytest.mark.parametrize("host", ["example.com", "example.com:80", "127.0.0.1.example.com", ""])
def test_only_loopback_names_are_answered(embedded, host):
    for path in ("/version", "/healthz"):
        answer = embedded.request("GET", path, headers={"Host": host})
        assert answer.status == 403 if host else answer.status in (400, 403)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:1234", "[::1]:80"])
def test_loopback_names_are_answered(embedded, host):
    assert embedded.request("GET", "/version", headers={"Host": host}).status == 200


def test_the_token_is_taken_as_a_password_too(embedded):
    pair = base64.b64encode(f"token:{embedded.end.token}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}"}
    assert embedded.request("GET", "/version", headers=headers).status == 200
    for wrong in ("Basic nonsense", "Basic ", "", "Bearer", "Other x"):
        answer = embedded.request("GET", "/version", headers={"Authorization": wrong})
        assert answer.status == 401


def test_admission_speaks_as_the_webhook_of_seldon(embedded):
    body = sdep("iris")
    del body["spec"]["predictors"][0]["graph"]["implementation"]
    answer = embedded.post(SDEPS.format("default"), body)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.message == (
        'admission webhook "v1.vseldondeployment.kb.io" denied the request: '
        'SeldonDeployment.machinelearing.seldon.io "" is invalid: spec.predictors[0].graph: '
        'Invalid value: "m": Can\'t find container for Predictive Unit'
    )


def test_the_kubeconfig_is_for_its_owner_alone(embedded_end):
    assert embedded_end.kubeconfig.stat().st_mode & 0o777 == 0o600


def test_discovery_comes_whole_or_in_parts(embedded):
    whole = embedded.request(
        "GET",
        "/apis",
        accept="application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    ).body
    names = [item["metadata"]["name"] for item in whole["items"]]
    assert names == ["apps", "machinelearning.seldon.io"]
    groups = embedded.get("/apis").body["groups"]
    assert [group["name"] for group in groups] == names
    resources = embedded.get("/apis/machinelearning.seldon.io/v1").body["resources"]
    assert [resource["name"] for resource in resources] == [
        "seldondeployments",
        "seldondeployments/status",
        "seldondeployments/scale",
    ]
    assert embedded.get("/api").body["versions"] == ["v1"]


def test_an_open_watch_ends_cleanly_when_the_server_stops(tmp_path):
    rest = []
    with ExitStack() as stack:
        with run_embedded(tmp_path) as end:
            client = Client(end)
            stack.callback(client.close)
            path = SDEPS.format("default")
            version = client.get(path).body["metadata"]["resourceVersion"]
            events = stack.enter_context(client.watch(path, resourceVersion=version))
            client.post(path, sdep("iris"))
            assert next(events)["type"] == "ADDED"
        # Neither an error nor a cut chunk: the stream is at its end.
        rest.extend(events)
    assert rest == []
