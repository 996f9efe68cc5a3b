"""Small Kubernetes objects as tests of readiness see them."""

from __future__ import annotations

from seldon_deployer.naming import REVISION_ANNOTATION

UID = "sdep-1"
NAME = "iris"
DEPLOYMENT_NAME = "iris-default-0-iris"


def sdep(revision="r1", *, replicas=1, generation=1, uid=UID, state=None, description=None, **more):
    """A SeldonDeployment as the API answers it; `unit` renames the unit."""
    unit = more.pop("unit", NAME)
    status = {"state": state, "description": description}
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {
            "name": NAME,
            "namespace": "default",
            "uid": uid,
            "generation": generation,
            **more,
        },
        "spec": {
            "replicas": replicas,
            "predictors": [
                {
                    "name": "default",
                    "annotations": {REVISION_ANNOTATION: revision},
                    "graph": {"name": unit, "implementation": "SKLEARN_SERVER"},
                }
            ],
        },
        "status": {key: value for key, value in status.items() if value is not None},
    }


def deployment(
    revision="r1",
    *,
    replicas=1,
    name=DEPLOYMENT_NAME,
    owner=UID,
    counts=None,
    unavailable=0,
    generation=1,
    observed=None,
    conditions=(),
    deletionTimestamp=None,  # noqa: N803
):
    """A Deployment that is wholly at `revision`, unless told otherwise.

    counts: replicas, updated, ready, available.
    """
    names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    status = dict(zip(names, counts or [replicas] * 4, strict=True))
    status = {key: value for key, value in status.items() if value}
    if unavailable:
        status["unavailableReplicas"] = unavailable
    status["observedGeneration"] = generation if observed is None else observed
    status["conditions"] = list(conditions)
    metadata = {
        "name": name,
        "uid": f"uid-{name}",
        "generation": generation,
        "ownerReferences": [{"kind": "SeldonDeployment", "uid": owner, "controller": True}],
    }
    if deletionTimestamp:
        metadata["deletionTimestamp"] = deletionTimestamp
    return {
        "metadata": metadata,
        "spec": {
            "replicas": replicas,
            "template": {"metadata": {"annotations": {REVISION_ANNOTATION: revision}}},
        },
        "status": status,
    }


def pod(revision="r1", *, name="iris-abc", containers=(), init=(), conditions=(), **metadata):
    """A pod of that revision with the given container statuses."""
    return {
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": f"uid-{name}",
            "labels": {"app": DEPLOYMENT_NAME},
            "annotations": {REVISION_ANNOTATION: revision},
            **metadata,
        },
        "status": {
            "containerStatuses": list(containers),
            "initContainerStatuses": list(init),
            "conditions": list(conditions),
        },
    }


def container(name="iris", *, restarts=0, ready=False, state=None, last=None, image="img:1"):
    """A container status; `state` and `last` are (kind, fields)."""
    status = {"name": name, "image": image, "restartCount": restarts, "ready": ready}
    if state:
        status["state"] = {state[0]: state[1]}
    if last:
        status["lastState"] = {"terminated": last}
    return status
