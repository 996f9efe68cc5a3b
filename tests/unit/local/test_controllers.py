"""Operator and Deployment controller over an API in memory; pods are made ready by hand."""

import copy

import pytest

from seldon_deployer.local.api import Api
from seldon_deployer.local.deployments import DeploymentController
from seldon_deployer.local.events import EventRecorder
from seldon_deployer.local.objects import DEPLOYMENTS, EVENTS, PODS, SELDON_DEPLOYMENTS, SERVICES
from seldon_deployer.local.sdeps import SeldonController
from seldon_deployer.local.store import Store
from seldon_deployer.manifest.diagnosis import diagnose
from seldon_deployer.manifest.observation import Observation

SDEP = {
    "apiVersion": "machinelearning.seldon.io/v1",
    "kind": "SeldonDeployment",
    "metadata": {"name": "iris"},
    "spec": {
        "replicas": 1,
        "predictors": [
            {
                "name": "default",
                "annotations": {"seldon.io/no-engine": "true"},
                "graph": {
                    "name": "iris",
                    "implementation": "SKLEARN_SERVER",
                    "modelUri": "file:///models/iris",
                },
            }
        ],
    },
}
DEPLOYMENT = "iris-default-0-iris"


class Cluster:
    """The two controllers, called until they have nothing more to do."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.api = Api(self.store)
        self.states: list[str] = []
        self.deadlines: list = []
        self._seldon = SeldonController(self.api, EventRecorder(self.api, "operator"))
        self._deployments = DeploymentController(
            self.api, lambda key, moment: self.deadlines.append(moment)
        )

    def settle(self) -> None:
        """Reconcile until nothing is written any more."""
        before = None
        while before != self.store.version:
            before = self.store.version
            self._seldon.reconcile("default", "iris")
            self.note_state()
            for deployment in self.all(DEPLOYMENTS):
                self._deployments.reconcile("default", deployment["metadata"]["name"])

    def note_state(self) -> None:
        sdeps = self.all(SELDON_DEPLOYMENTS)
        state = sdeps[0].get("status", {}).get("state") if sdeps else None
        if state and self.states[-1:] != [state]:
            self.states.append(state)

    def all(self, resource) -> list[dict]:
        return self.api.list(resource, "default")[0]

    def names(self, resource) -> list[str]:
        return [item["metadata"]["name"] for item in self.all(resource)]

    def change(self, sdep: dict) -> None:
        self.api.update(SELDON_DEPLOYMENTS, "default", "iris", sdep, manager="me")

    def set_ready(self, *pods: dict) -> None:
        """Play kubelet."""
        for pod in pods or self.all(PODS):
            name = pod["metadata"]["name"]
            status = {"conditions": [{"type": "Ready", "status": "True"}]}
            body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}}
            self.api.update(
                PODS,
                "default",
                name,
                body | {"status": status},
                manager="kubelet",
                subresource="status",
            )
        self.settle()

    def end_marked(self) -> None:
        """Play kubelet: what is marked ends."""
        for pod in self.all(PODS):
            if "deletionTimestamp" in pod["metadata"]:
                self.api.delete(PODS, "default", pod["metadata"]["name"], grace_period_seconds=0)
        self.settle()

    @property
    def sdep(self) -> dict:
        return self.api.get(SELDON_DEPLOYMENTS, "default", "iris")


@pytest.fixture
def cluster(store):
    cluster = Cluster(store)
    cluster.api.create(SELDON_DEPLOYMENTS, "default", copy.deepcopy(SDEP), manager="me")
    cluster.settle()
    return cluster


def with_graph(**fields) -> dict:
    sdep = copy.deepcopy(SDEP)
    sdep["spec"]["predictors"][0]["graph"] |= fields
    return sdep


def test_a_new_deployment_goes_from_creating_to_available(cluster):
    assert cluster.names(DEPLOYMENTS) == [DEPLOYMENT]
    assert cluster.names(SERVICES) == ["iris-default", "iris-default-iris"]
    assert len(cluster.all(PODS)) == 1

    cluster.set_ready()

    assert cluster.states == ["Creating", "Available"]
    status = cluster.sdep["status"]
    assert status["deploymentStatus"] == {DEPLOYMENT: {"availableReplicas": 1, "replicas": 1}}
    assert status["replicas"] == 1


def test_everything_is_owned_so_that_deleting_takes_all_of_it(cluster):
    cluster.api.delete(SELDON_DEPLOYMENTS, "default", "iris")

    cluster.end_marked()

    left = [cluster.all(resource) for resource in (DEPLOYMENTS, SERVICES, PODS)]
    assert left == [[], [], []]


def test_an_update_keeps_the_old_pod_until_the_new_one_is_ready(cluster):
    cluster.set_ready()
    old = cluster.all(PODS)[0]["metadata"]["name"]

    cluster.change(with_graph(modelUri="file:///models/other"))
    cluster.settle()
    new = next(pod for pod in cluster.all(PODS) if pod["metadata"]["name"] != old)
    assert cluster.sdep["status"]["state"] == "Creating"
    assert "deletionTimestamp" not in cluster.api.get(PODS, "default", old)["metadata"]
    cluster.set_ready(new)

    assert "deletionTimestamp" in cluster.api.get(PODS, "default", old)["metadata"]
    assert cluster.states == ["Creating", "Available", "Creating", "Available"]


def test_an_unchanged_resource_writes_nothing(cluster):
    cluster.set_ready()
    before = cluster.store.version

    cluster.settle()

    assert cluster.store.version == before


def test_traffic_alone_starts_no_rollout(cluster):
    cluster.set_ready()
    before = cluster.api.get(DEPLOYMENTS, "default", DEPLOYMENT)["metadata"]["generation"]
    sdep = copy.deepcopy(SDEP)
    sdep["spec"]["predictors"][0]["traffic"] = 100

    cluster.change(sdep)
    cluster.settle()

    after = cluster.api.get(DEPLOYMENTS, "default", DEPLOYMENT)["metadata"]["generation"]
    assert (after, len(cluster.all(PODS))) == (before, 1)


def test_a_renamed_unit_keeps_the_old_deployment_until_the_new_one_serves(cluster):
    cluster.set_ready()

    cluster.change(with_graph(name="rose"))
    cluster.settle()
    assert cluster.names(DEPLOYMENTS) == [DEPLOYMENT, "iris-default-0-rose"]
    cluster.set_ready()

    assert cluster.names(DEPLOYMENTS) == ["iris-default-0-rose"]
    assert cluster.names(SERVICES) == ["iris-default", "iris-default-rose"]
    assert list(cluster.sdep["status"]["deploymentStatus"]) == ["iris-default-0-rose"]


@pytest.mark.parametrize("resource", [DEPLOYMENTS, SERVICES], ids=["Deployment", "Service"])
def test_what_somebody_deletes_by_hand_is_made_again(cluster, resource):
    names = cluster.names(resource)

    cluster.api.delete(resource, "default", names[0])
    cluster.settle()

    assert cluster.names(resource) == names


def test_a_hand_edit_of_what_the_operator_wants_is_undone(cluster):
    patch = {"spec": {"replicas": 3}}
    cluster.api.patch(DEPLOYMENTS, "default", DEPLOYMENT, patch, patch_type="merge", manager="me")

    cluster.settle()

    assert cluster.api.get(DEPLOYMENTS, "default", DEPLOYMENT)["spec"]["replicas"] == 1


def test_a_deployment_of_somebody_else_with_the_wanted_name_is_replaced(store):
    cluster = Cluster(store)
    foreign = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": DEPLOYMENT},
        "spec": {
            "selector": {"matchLabels": {"app": "x"}},
            "template": {
                "metadata": {"labels": {"app": "x"}},
                "spec": {"containers": [{"name": "x", "image": "x"}]},
            },
        },
    }
    cluster.api.create(DEPLOYMENTS, "default", foreign, manager="somebody")
    cluster.api.create(SELDON_DEPLOYMENTS, "default", copy.deepcopy(SDEP), manager="me")

    cluster.settle()

    owners = cluster.api.get(DEPLOYMENTS, "default", DEPLOYMENT)["metadata"]["ownerReferences"]
    assert owners[0]["uid"] == cluster.sdep["metadata"]["uid"]


def test_failed_heals_when_the_resource_is_corrected(cluster):
    tempo = with_graph(implementation="TEMPO_SERVER")
    tempo["spec"]["protocol"] = "v2"
    cluster.change(tempo)
    cluster.settle()
    assert cluster.sdep["status"]["state"] == "Failed"
    assert "mlserver:1.3.5-slim" in cluster.sdep["status"]["description"]
    found = diagnose(cluster.sdep, Observation(cluster.sdep))
    assert found.conclusive
    assert "mlserver:1.3.5-slim" in found.why

    cluster.change(copy.deepcopy(SDEP))
    cluster.settle()
    cluster.set_ready()

    assert cluster.states == ["Creating", "Failed", "Creating", "Available"]
    assert diagnose(cluster.sdep, Observation(cluster.sdep)) is None
    assert "description" not in cluster.sdep["status"]


def test_scaling_to_zero_stays_creating_as_with_seldon(cluster):
    cluster.set_ready()
    sdep = copy.deepcopy(SDEP)
    sdep["spec"]["replicas"] = 0

    cluster.change(sdep)
    cluster.settle()
    cluster.end_marked()

    assert cluster.all(PODS) == []
    assert cluster.sdep["status"]["state"] == "Creating"
    assert cluster.sdep["status"]["replicas"] == 0


def test_the_controllers_say_what_they_did(cluster):
    said = {item["reason"]: item["message"] for item in cluster.all(EVENTS)}

    assert said["CreateDeployment"] == f'Created Deployment "{DEPLOYMENT}"'
    assert said["ScalingReplicaSet"].endswith("from 0 to 1")
    assert said["Scheduled"].endswith("to local")


def test_a_stuck_rollout_is_looked_at_again_at_its_deadline(cluster):
    assert cluster.deadlines
