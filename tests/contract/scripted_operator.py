"""Seldon's operator and the deployment controller, played: it writes what they would write."""

from __future__ import annotations

import threading
from collections.abc import Callable

from seldon_deployer.cluster import DEPLOYMENTS, PODS, SELDON_DEPLOYMENTS, Cluster, Object
from seldon_deployer.errors import NotFound
from seldon_deployer.local.operator import make_plan
from seldon_deployer.naming import REVISION_ANNOTATION

PATCH_STATUS = {"subresource": "status"}


class ScriptedOperator:
    """Follows the SeldonDeployments of a namespace and acts on each new generation.

    `act` is one of its own methods, or several of them in a row; tests change it as they go.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.act: Callable[[Object], None] = self.serve
        self.failure: BaseException | None = None
        self._watch = cluster.watch(SELDON_DEPLOYMENTS)
        self._thread = threading.Thread(target=self._run, name="operator")
        self._done: dict[str, int] = {}

    def __enter__(self) -> ScriptedOperator:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._watch.close()
        self._thread.join()
        self.cluster.close()
        if self.failure is not None:
            raise self.failure

    def serve(self, live: Object) -> None:
        """Bring all replicas of all Deployments up."""
        planned = plan(live)
        for each in planned:
            self.write_deployment(live, each, counts=(_size(each),) * 4)
        is_stopped = all(_size(each) == 0 for each in planned)
        self.write_state(live, "Creating" if is_stopped else "Available")

    def serve_one_by_one(self, live: Object) -> None:
        """As `serve`, but it says Available before the last Deployments are up, or there."""
        first, *others = plan(live)
        self.write_deployment(live, first, counts=(_size(first),) * 4)
        self.write_state(live, "Available")
        for each in others:
            self.write_deployment(live, each, counts=(_size(each), _size(each), 0, 0))
            self.write_state(live, "Creating")
            self.write_state(live, "Available")
        self.serve(live)

    def roll(self, live: Object) -> None:
        """An update as it really goes: the old Available stays, then Available in the middle."""
        replicas = live["spec"]["replicas"]
        self.write_state(live, "Available")
        self.write_deployment(live, counts=(replicas,) * 4, observe=False)
        self.write_deployment(live, counts=(replicas + 1, 1, replicas, replicas), unavailable=1)
        self.write_state(live, "Creating")
        self.write_deployment(live, counts=(replicas + 1, 1, replicas + 1, replicas + 1))
        self.write_state(live, "Available")
        self.write_state(live, "Failed")
        self.serve(live)

    def crash(self, live: Object) -> None:
        """The new pod loops; what ran before goes on."""
        self.write_deployment(live, counts=(1, 1, 0, 0), unavailable=1)
        self.write_crashing_pod(live)
        self.write_state(live, "Creating")

    def delete(self, live: Object) -> None:
        """Somebody removes it while it is deployed."""
        self.cluster.delete(SELDON_DEPLOYMENTS, live["metadata"]["name"])

    def nothing(self, live: Object) -> None:
        """Stay away."""

    def write_deployment(
        self,
        live: Object,
        planned: Object | None = None,
        *,
        counts: tuple[int, int, int, int],
        unavailable: int = 0,
        observe: bool = True,
    ) -> None:
        """Write one of the Deployments that the operator makes: the first, or `planned`."""
        planned = planned or plan(live)[0]
        whole, labels = planned["metadata"]["name"], planned["metadata"]["labels"]
        template = planned["spec"]["template"]
        containers = [
            {"name": each["name"], "image": "server:1"} for each in template["spec"]["containers"]
        ]
        applied = self.cluster.apply(
            DEPLOYMENTS,
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {
                    "name": whole,
                    "labels": labels,
                    "ownerReferences": planned["metadata"]["ownerReferences"],
                },
                "spec": {
                    "replicas": _size(planned),
                    "selector": planned["spec"]["selector"],
                    "template": {
                        "metadata": template["metadata"],
                        "spec": {"containers": containers},
                    },
                },
            },
            force=True,
        )
        status: Object = {
            "replicas": counts[0],
            "updatedReplicas": counts[1],
            "readyReplicas": counts[2],
            "availableReplicas": counts[3],
            "unavailableReplicas": unavailable or None,
        }
        if observe:
            status["observedGeneration"] = applied["metadata"]["generation"]
        self.cluster.patch(DEPLOYMENTS, whole, {"status": status}, **PATCH_STATUS)

    def write_crashing_pod(self, live: Object) -> None:
        name = live["metadata"]["name"]
        labels = {"app": f"{name}-default-0-{name}", "seldon-deployment-id": name}
        made = self.cluster.create(
            PODS,
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "generateName": f"{name}-",
                    "labels": labels,
                    "annotations": _stamp(live),
                },
                "spec": {
                    "containers": [{"name": name, "image": "server:1"}],
                    "automountServiceAccountToken": False,
                },
            },
        )
        end = {
            "exitCode": 1,
            "reason": "Error",
            "message": "ValueError: not a model",
            "startedAt": "2026-01-01T00:00:00Z",
            "finishedAt": "2026-01-01T00:00:01Z",
        }
        container = {
            "name": name,
            "image": "server:1",
            "imageID": "",
            "ready": False,
            "restartCount": 3,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": end},
        }
        self.cluster.patch(
            PODS,
            made["metadata"]["name"],
            {"status": {"phase": "Running", "containerStatuses": [container]}},
            **PATCH_STATUS,
        )

    def write_state(self, live: Object, state: str) -> None:
        name = live["metadata"]["name"]
        self.cluster.patch(SELDON_DEPLOYMENTS, name, {"status": {"state": state}}, **PATCH_STATUS)

    def _run(self) -> None:
        try:
            for event in self._watch:
                live = event.object
                uid, generation = live["metadata"]["uid"], live["metadata"]["generation"]
                if event.type == "DELETED" or self._done.get(uid) == generation:
                    continue
                self._done[uid] = generation
                try:
                    self.act(live)
                except NotFound:
                    # Deleted while we were at it, as the real one meets it too.
                    continue
        except BaseException as error:
            self.failure = error
            raise


def plan(live: Object) -> list[Object]:
    """The Deployments of a SeldonDeployment, as Seldon's operator was seen to make them."""
    return list(make_plan(live).deployments)


def _size(planned: Object) -> int:
    return int(planned["spec"].get("replicas", 1))


def _stamp(live: Object) -> dict[str, str]:
    annotations = live["spec"]["predictors"][0].get("annotations") or {}
    return {REVISION_ANNOTATION: annotations.get(REVISION_ANNOTATION, "none")}
