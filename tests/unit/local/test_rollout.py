from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.local.rollout import (
    HASH_LABEL,
    Rollout,
    deployment_status,
    is_ready,
    limits,
    next_step,
    progress_deadline,
    template_hash,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
TEMPLATE = {"metadata": {"labels": {"app": "iris"}}, "spec": {"containers": [{"name": "c"}]}}
OLD, NEW = "old", template_hash(TEMPLATE)


def deployment(replicas=1, surge="25%", unavailable=0, kind="RollingUpdate", **status) -> dict:
    strategy = {"type": kind}
    if kind == "RollingUpdate":
        strategy["rollingUpdate"] = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {
        "metadata": {"name": "iris", "generation": 2},
        "spec": {"replicas": replicas, "template": TEMPLATE, "strategy": strategy},
        "status": status,
    }


def pod(name, revision=NEW, ready=True, deleting=False, age=0) -> dict:
    metadata = {
        "name": name,
        "labels": {HASH_LABEL: revision},
        "creationTimestamp": f"2026-01-01T00:00:{age:02}Z",
    }
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:01:00Z"
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    return {"metadata": metadata, "status": {"conditions": [condition]}}


@pytest.mark.parametrize(
    ("wanted", "pods", "step"),
    [
        (deployment(2), [], Rollout(start=2)),
        (deployment(1), [pod("a", OLD)], Rollout(start=1)),
        (deployment(1), [pod("a", OLD), pod("b", ready=False)], Rollout()),
        (deployment(1), [pod("a", OLD), pod("b")], Rollout(stop=("a",))),
        (deployment(1), [pod("a", OLD, deleting=True), pod("b")], Rollout()),
        # The only one that served is broken for now; the new one may never come.
        (deployment(1), [pod("a", OLD, ready=False), pod("b", ready=False)], Rollout()),
        (deployment(1), [pod("a", OLD, ready=False), pod("b")], Rollout(stop=("a",))),
        (deployment(1), [pod("a", age=1), pod("b", age=2)], Rollout(stop=("b",))),
        (deployment(1), [pod("a", age=1, ready=False), pod("b", age=2)], Rollout(stop=("a",))),
        (deployment(0), [pod("a"), pod("b")], Rollout(stop=("b", "a"))),
        (deployment(3), [pod(n, OLD) for n in "abc"], Rollout(start=1)),
        (deployment(1, kind="Recreate"), [pod("a", OLD)], Rollout(stop=("a",))),
        (deployment(1, kind="Recreate"), [], Rollout(start=1)),
    ],
)
def test_the_next_step_is_that_of_a_rolling_update(wanted, pods, step):
    assert next_step(wanted, pods) == step


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (deployment(1), (1, 0)),
        (deployment(5, "25%", "25%"), (2, 1)),
        (deployment(4, 0, 0), (0, 1)),
        (deployment(4, 3, "50%"), (3, 2)),
    ],
)
def test_shares_of_surge_round_up_and_of_absence_down(wanted, expected):
    assert limits(wanted) == expected


@given(
    replicas=st.integers(0, 4),
    old=st.integers(0, 4),
    surge=st.sampled_from([0, 1, "25%", "100%"]),
    unavailable=st.sampled_from([0, 1, "50%"]),
    luck=st.data(),
)
def test_a_rollout_ends_with_the_new_pods_alone_and_never_serves_with_too_few(
    replicas, old, surge, unavailable, luck
):
    wanted = deployment(replicas, surge, unavailable)
    pods = [pod(f"old-{n}", OLD) for n in range(old)]
    most_surge, most_absent = limits(wanted)
    for turn in range(60):
        step = next_step(wanted, pods)
        before = sum(is_ready(item) for item in pods)
        pods = [item for item in pods if item["metadata"]["name"] not in step.stop]
        pods += [pod(f"new-{turn}-{n}", ready=False) for n in range(step.start)]
        if step.stop:
            assert sum(map(is_ready, pods)) >= min(before, replicas - most_absent)
        if step.start:
            assert len(pods) <= max(replicas + most_surge, old)
        waiting = [item for item in pods if not is_ready(item)]
        if not waiting and step == Rollout():
            break
        if waiting and luck.draw(st.booleans() if turn < 30 else st.just(True)):
            waiting[0]["status"]["conditions"][0]["status"] = "True"

    assert [item["metadata"]["labels"][HASH_LABEL] for item in pods] == [NEW] * replicas


def test_a_status_counts_what_is_there_and_leaves_zeros_out():
    pods = [pod("a", OLD), pod("b", ready=False), pod("c", OLD, deleting=True)]

    status = deployment_status(deployment(1), pods, NOW)

    conditions = status.pop("conditions")
    assert status == {
        "observedGeneration": 2,
        "replicas": 2,
        "updatedReplicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
        "unavailableReplicas": 1,
    }
    assert [(item["type"], item["status"], item["reason"]) for item in conditions] == [
        ("Available", "True", "MinimumReplicasAvailable"),
        ("Progressing", "True", "ReplicaSetUpdated"),
    ]


def test_a_rollout_without_progress_fails_at_its_deadline_and_heals_when_it_goes_on():
    wanted = deployment(1)
    wanted["spec"]["progressDeadlineSeconds"] = 60
    pods = [pod("a", ready=False)]
    wanted["status"] = deployment_status(wanted, pods, NOW)
    assert progress_deadline(wanted) == NOW + timedelta(seconds=60)

    early = deployment_status(wanted, pods, NOW + timedelta(seconds=59))
    late = deployment_status(wanted, pods, NOW + timedelta(seconds=60))
    wanted["status"] = late
    still = deployment_status(wanted, pods, NOW + timedelta(seconds=70))
    healed = deployment_status(wanted, [pod("a")], NOW + timedelta(seconds=80))

    assert progressing(early) == ("True", "ReplicaSetUpdated")
    assert progressing(late) == ("False", "ProgressDeadlineExceeded")
    assert progressing(still) == ("False", "ProgressDeadlineExceeded")
    assert progress_deadline(wanted) is None
    assert progressing(healed) == ("True", "NewReplicaSetAvailable")


def test_a_finished_rollout_stays_finished_when_a_pod_turns_unready():
    wanted = deployment(1)
    wanted["status"] = deployment_status(wanted, [pod("a")], NOW)

    status = deployment_status(wanted, [pod("a", ready=False)], NOW + timedelta(hours=1))

    assert progressing(status) == ("True", "NewReplicaSetAvailable")
    assert status["conditions"][0]["reason"] == "MinimumReplicasUnavailable"


def test_transition_times_stay_while_nothing_turns():
    wanted = deployment(1)
    wanted["status"] = deployment_status(wanted, [pod("a")], NOW)

    assert deployment_status(wanted, [pod("a")], NOW + timedelta(hours=1)) == wanted["status"]


def progressing(status: dict) -> tuple[str, str]:
    found = next(item for item in status["conditions"] if item["type"] == "Progressing")
    return found["status"], found["reason"]
