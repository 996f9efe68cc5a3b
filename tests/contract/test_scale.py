"""The scale of an object."""

from __future__ import annotations

from objects import deployment, sdep

DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"


def test_scale_is_a_small_object(client, sdeps):
    client.post(sdeps, sdep("iris", replicas=2))
    path = f"{sdeps}/iris/scale"
    scale = client.get(path).body
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert scale["spec"] == {"replicas": 2}
    scale["spec"]["replicas"] = 4
    assert client.put(path, scale).body["spec"] == {"replicas": 4}
    assert client.patch(path, {"spec": {"replicas": 5}}).body["spec"] == {"replicas": 5}
    written = client.get(f"{sdeps}/iris").body
    assert written["spec"]["replicas"] == 5
    assert written["metadata"]["generation"] == 3


def test_scale_cannot_be_read_without_replicas(client, sdeps):
    body = sdep("iris")
    del body["spec"]["replicas"]
    client.post(sdeps, body)
    answer = client.get(f"{sdeps}/iris/scale")
    assert answer.status == 500
    assert 'the spec replicas field ".spec.replicas" does not exist' in answer.message


def test_scale_of_a_deployment_tells_its_selector(client, fresh_namespace):
    path = DEPLOYMENTS.format(fresh_namespace)
    client.post(path, deployment("d"))
    scale = client.get(f"{path}/d/scale").body
    assert scale["status"] == {"replicas": 0, "selector": "app=d"}
    assert client.patch(f"{path}/d/scale", {"spec": {"replicas": 3}}).status == 200
    assert client.get(f"{path}/d").body["spec"]["replicas"] == 3


def test_negative_replicas_are_invalid(client, sdeps):
    client.post(sdeps, sdep("iris"))
    answer = client.patch(f"{sdeps}/iris/scale", {"spec": {"replicas": -1}})
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
