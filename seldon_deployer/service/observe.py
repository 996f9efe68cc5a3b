"""Look at one SeldonDeployment and what hangs on it, once."""

from __future__ import annotations

from dataclasses import replace

from seldon_deployer.cluster import DEPLOYMENTS, EVENTS, PODS, Cluster, Object
from seldon_deployer.manifest.graph import predictors
from seldon_deployer.manifest.observation import Observation, pods_of_revision
from seldon_deployer.naming import seldon_name

# Every Deployment that the operator makes carries this label; a separate engine's has another
# value than the rest, so where its value is not known the owner decides.
OPERATOR_LABEL = "seldon-deployment-id"
# Pods that fail fail alike.
PODS_TO_ASK_ABOUT = 2


def observe(cluster: Cluster, live: Object, *, pods: bool = False) -> Observation:
    """Read its Deployments, and with `pods` also the pods and the events of the first of them."""
    namespace = live["metadata"]["namespace"]
    deployments, _ = cluster.list(
        DEPLOYMENTS, namespace=namespace, label_selector=pod_selector(live)
    )
    observed = Observation(live, tuple(deployments))
    if not pods:
        return observed
    found, _ = cluster.list(PODS, namespace=namespace, label_selector=pod_selector(live))
    observed = replace(observed, pods=tuple(found))
    return replace(observed, events=tuple(events_of(cluster, live, observed)))


def pod_selector(deployment: Object) -> str:
    """The label selector of all that the operator makes of it, separate engines included."""
    name = deployment["metadata"]["name"]
    ids = [seldon_name(name)]
    ids += [seldon_name(name, predictor["name"]) for predictor in predictors(deployment)]
    return f"{OPERATOR_LABEL} in ({','.join(ids)})"


def events_of(cluster: Cluster, wanted: Object, observed: Observation) -> list[Object]:
    """The events of the pods that were made for `wanted`, of the first few of them."""
    events: list[Object] = []
    for pod in pods_of_revision(wanted, observed)[:PODS_TO_ASK_ABOUT]:
        found, _ = cluster.list(
            EVENTS,
            namespace=pod["metadata"]["namespace"],
            field_selector=f"involvedObject.name={pod['metadata']['name']}",
        )
        events += found
    return events
