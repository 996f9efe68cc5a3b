"""What is said of pods that do not start, as a table: kind, final or not, and the words."""

from __future__ import annotations

import pytest
from observed import DEPLOYMENT_NAME, container, deployment, pod, sdep

from seldon_deployer.manifest.diagnosis import Diagnosis, diagnose
from seldon_deployer.manifest.observation import Observation
from seldon_deployer.manifest.readiness import Ready, assess

WANTED = sdep("r1")
CRASHED = {"exitCode": 1, "reason": "Error", "message": "ValueError: no model in it\n"}
BACK_OFF = ("waiting", {"reason": "CrashLoopBackOff", "message": "back-off 40s"})


def of(*, pods=(), deployments=(), events=(), logs=None, live=None):
    return diagnose(
        WANTED,
        Observation(
            deployment=live or sdep("r1", state="Creating"),
            deployments=tuple(deployments),
            pods=tuple(pods),
            events=tuple(events),
            logs=logs or {},
        ),
    )


def waiting(reason, message=""):
    return container(state=("waiting", {"reason": reason, "message": message}))


CONTAINERS = {
    "a first crash may be nothing": (
        pod(containers=[container(state=("terminated", CRASHED))]),
        ("crash-loop", False, "ValueError: no model in it"),
    ),
    "a second restart is not the third": (
        pod(containers=[container(restarts=2, state=BACK_OFF, last=CRASHED)]),
        ("crash-loop", False, "exit code 1"),
    ),
    "a crash loop at its third restart": (
        pod(containers=[container(restarts=3, state=BACK_OFF, last=CRASHED)]),
        ("crash-loop", True, "ValueError: no model in it"),
    ),
    "a program that ends well but ends": (
        pod(containers=[container(restarts=3, state=BACK_OFF, last={"exitCode": 0})]),
        ("crash-loop", True, "exit code 0"),
    ),
    "a third restart that runs and is not ready yet": (
        pod(containers=[container(restarts=3, state=("running", {}), last=CRASHED)]),
        ("crash-loop", True, "exit code 1"),
    ),
    "too little memory": (
        pod(
            containers=[
                container(restarts=3, state=BACK_OFF, last={"exitCode": 137, "reason": "OOMKilled"})
            ]
        ),
        ("out-of-memory", True, "exit code 137 (OOMKilled)"),
    ),
    "an initializer that failed twice": (
        pod(init=[container("iris-model-initializer", restarts=1, state=BACK_OFF, last=CRASHED)]),
        ("init-container", False, "exit code 1"),
    ),
    "an initializer that failed three times": (
        pod(init=[container("iris-model-initializer", restarts=2, state=BACK_OFF, last=CRASHED)]),
        ("init-container", True, "exit code 1"),
    ),
    "a first failed pull": (
        pod(containers=[waiting("ErrImagePull", "connection reset")]),
        ("image", False, "connection reset"),
    ),
    "an image that cannot be pulled": (
        pod(containers=[waiting("ImagePullBackOff", "manifest unknown")]),
        ("image", True, "manifest unknown"),
    ),
    "an image name that is none": (
        pod(containers=[waiting("InvalidImageName", "invalid reference format")]),
        ("image", True, "invalid reference format"),
    ),
    "an image of an init container": (
        pod(init=[waiting("ImagePullBackOff", "manifest unknown")]),
        ("image", True, "manifest unknown"),
    ),
    "a secret that is missing, seen once": (
        pod(init=[waiting("CreateContainerConfigError", 'secret "s3" not found')]),
        ("container-config", False, 'secret "s3" not found'),
    ),
    "no node for it": (
        pod(
            conditions=[
                {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
            ]
        ),
        ("unschedulable", False, "0/3 nodes"),
    ),
}


@pytest.mark.parametrize(("seen", "expected"), CONTAINERS.values(), ids=CONTAINERS)
def test_says_of_a_pod(seen, expected):
    kind, conclusive, words = expected
    found = of(pods=[seen])
    assert (found.kind, found.conclusive) == (kind, conclusive)
    assert words in found.why
    assert found.summary
    assert found.hint


def unmounted(message, count=1, *, container=None):
    """A pod and its event of a volume that does not come."""
    held = pod(containers=[container or waiting("ContainerCreating")])
    about = {"name": held["metadata"]["name"]}
    event = {"reason": "FailedMount", "message": message, "count": count, "involvedObject": about}
    return of(pods=[held], events=[event])


def test_a_volume_that_does_not_come_is_told_and_final_once_it_is_known_to_be_missing():
    missing = 'MountVolume.SetUp failed: configmap "models" not found'
    assert not unmounted(missing).conclusive
    found = unmounted(missing, count=3)
    assert (found.kind, found.conclusive) == ("volume", True)
    assert missing in found.why
    assert not unmounted("Multi-Attach error: used by another node", count=30).conclusive


def test_a_volume_that_came_in_the_end_is_no_matter():
    came = container(state=("running", {}))
    assert unmounted("not found", count=9, container=came) is None


HEALTHY = {
    "a pod that starts": pod(containers=[waiting("ContainerCreating")]),
    "a pod that runs and loads": pod(containers=[container(state=("running", {}))]),
    "a container that crashed once upon a time and is ready": pod(
        containers=[container(restarts=5, ready=True, state=("running", {}), last=CRASHED)]
    ),
    "an initializer that failed and then succeeded": pod(
        init=[
            container(restarts=3, ready=True, state=("terminated", {"exitCode": 0}), last=CRASHED)
        ]
    ),
    "a crashing pod of the revision before": pod(
        "r0", containers=[container(restarts=9, state=BACK_OFF, last=CRASHED)]
    ),
    "a pod on its way out": pod(
        deletionTimestamp="2026-01-01T00:00:00Z",
        containers=[container(restarts=9, state=BACK_OFF, last=CRASHED)],
    ),
}


@pytest.mark.parametrize("seen", HEALTHY.values(), ids=HEALTHY)
def test_says_nothing_of(seen):
    assert of(pods=[seen]) is None


def test_a_missing_secret_is_final_once_the_kubelet_said_it_three_times():
    seen = pod(init=[waiting("CreateContainerConfigError", 'secret "s3" not found')])
    event = {"reason": "Failed", "count": 3, "involvedObject": {"name": "iris-abc"}}
    other = {"reason": "Failed", "count": 9, "involvedObject": {"name": "another"}}
    assert of(pods=[seen], events=[event]).conclusive
    assert not of(pods=[seen], events=[other]).conclusive


def test_the_last_log_line_is_the_reason():
    seen = pod(containers=[container(restarts=3, state=BACK_OFF, last={"exitCode": 1})])
    logs = {"iris-abc/iris": ("Traceback (most recent call last):", "KeyError: 'x'", "")}
    assert of(pods=[seen], logs=logs).why == "exit code 1: KeyError: 'x'"


def test_what_our_server_says_to_try_is_the_advice():
    seen = pod(containers=[container(restarts=3, state=BACK_OFF, last={"exitCode": 1})])
    words = ("try: give its folder", "error: the module iris is not there: searched in /code")
    told = of(pods=[seen], logs={"iris-abc/iris": words})
    assert told.why == "exit code 1: error: the module iris is not there: searched in /code"
    assert told.hint == "give its folder"


def test_a_final_reason_wins_over_one_that_may_heal():
    pods = [
        pod(name="one", containers=[waiting("ErrImagePull")]),
        pod(name="two", containers=[container(restarts=3, state=BACK_OFF, last=CRASHED)]),
    ]
    assert of(pods=pods).kind == "crash-loop"


def failing(message):
    condition = {"type": "ReplicaFailure", "status": "True", "message": message}
    return deployment("r1", counts=(0, 0, 0, 0), conditions=[condition])


def test_quota_may_come_back_but_a_missing_account_does_not():
    quota = of(deployments=[failing('pods "x" is forbidden: exceeded quota: compute')])
    account = of(
        deployments=[failing('pods "x" is forbidden: error looking up service account a/b')]
    )
    assert (quota.kind, quota.conclusive) == ("quota", False)
    assert (account.kind, account.conclusive) == ("pod-creation", True)


def test_conditions_of_another_revision_are_not_told():
    stale = failing("pods is forbidden: no such account")
    stale["spec"]["template"]["metadata"]["annotations"] = {"seldon-deployer/revision": "r0"}
    assert of(deployments=[stale]) is None


@pytest.mark.parametrize("seen", [each[0] for each in CONTAINERS.values()], ids=CONTAINERS)
def test_whatever_a_pod_says_a_deployment_that_is_whole_is_ready(seen):
    live = sdep("r1", state="Available")
    assert assess(WANTED, Observation(live, (deployment("r1"),), (seen,))) == Ready()


def test_a_final_reason_ends_the_waiting():
    seen = pod(containers=[container(restarts=3, state=BACK_OFF, last=CRASHED)])
    verdict = assess(
        WANTED,
        Observation(
            sdep("r1", state="Creating"), (deployment("r1", counts=(1, 1, 0, 0)),), (seen,)
        ),
    )
    assert isinstance(verdict, Diagnosis)


def test_pods_of_an_explainer_are_known_by_their_deployment():
    seen = pod(containers=[container(restarts=3, state=BACK_OFF, last=CRASHED)])
    del seen["metadata"]["annotations"]
    assert of(pods=[seen]).kind == "crash-loop"
    seen["metadata"]["labels"]["app"] = f"not-{DEPLOYMENT_NAME}"
    assert of(pods=[seen]) is None
