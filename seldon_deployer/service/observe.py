"""Look at one SeldonDeployment and what hangs on it, once."""

from __future__ import annotations

from seldon_deployer.cluster import DEPLOYMENTS, EVENTS, PODS, Cluster, Object
from seldon_deployer.manifest.graph import predictors
from seldon_deployer.manifest.observation import Observation, pods_of_revision
from seldon_deployer.naming import seldon_name

# Every Deployment and pod that the operator makes carries it.
_OPERATOR_LABEL = "seldon-deployment-id"
# Pods that fail fail alike.
_PODS_TO_ASK_ABOUT = 2


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
    observed = Observation(live, tuple(deployments), tuple(found))
    events: list[Object] = []
    for pod in pods_of_revision(live, observed)[:_PODS_TO_ASK_ABOUT]:
        about = f"involvedObject.name={pod['metadata']['name']}"
        events += cluster.list(EVENTS, namespace=namespace, field_selector=about)[0]
    return Observation(live, tuple(deployments), tuple(found), tuple(events))


def pod_selector(deployment: Object) -> str:
    """The label selector of all that the operator makes of it, separate engines included."""
    name = deployment["metadata"]["name"]
    ids = [seldon_name(name)]
    ids += [seldon_name(name, predictor["name"]) for predictor in predictors(deployment)]
    return f"{_OPERATOR_LABEL} in ({','.join(ids)})"
