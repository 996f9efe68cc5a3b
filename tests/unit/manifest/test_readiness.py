"""When `Ready` is said, as tables: the traps that Seldon's own status sets."""

from __future__ import annotations

import pytest
from observed import DEPLOYMENT_NAME, deployment, sdep

from seldon_deployer.manifest.diagnosis import Diagnosis
from seldon_deployer.manifest.observation import Observation
from seldon_deployer.manifest.readiness import NotYet, Ready, assess
from seldon_deployer.manifest.refusal import refusal_of

WANTED = sdep("r2", replicas=3, generation=2)


def see(live, *deployments):
    return Observation(deployment=live, deployments=deployments)


def live(state="Available", **more):
    return sdep("r2", replicas=3, generation=2, state=state, **more)


def test_ready_when_all_replicas_are_of_the_wanted_revision_and_available():
    assert assess(WANTED, see(live(), deployment("r2", replicas=3))) == Ready()


NOT_YET = {
    "no Deployment was made yet": [],
    "the Deployment still has the revision before, and the state is still Available": [
        deployment("r1", replicas=3)
    ],
    "the template is new but its controller has not looked": [
        deployment("r2", replicas=3, generation=2, observed=1)
    ],
    "one of three is updated and all four are ready: Available in the middle of a rollout": [
        deployment("r2", replicas=3, counts=(4, 1, 4, 4))
    ],
    "all are updated, but an old one is still there": [
        deployment("r2", replicas=3, counts=(4, 3, 4, 4))
    ],
    "a new one is not there yet and an old one is, so that the sum looks right": [
        deployment("r2", replicas=3, counts=(3, 2, 3, 3))
    ],
    "one is not ready": [deployment("r2", replicas=3, counts=(3, 3, 2, 2))],
    "one is ready but not available": [deployment("r2", replicas=3, counts=(3, 3, 3, 2))],
    "one is counted as unavailable": [deployment("r2", replicas=3, unavailable=1)],
    "fewer are wanted by the Deployment than by us": [deployment("r2", replicas=1)],
    "more are wanted by the Deployment than by us": [deployment("r2", replicas=5)],
    "a replaced Deployment is left": [
        deployment("r2", replicas=3),
        deployment("r1", replicas=3, name="iris-default-0-old"),
    ],
    "the Deployment is on its way out": [
        deployment("r2", replicas=3, deletionTimestamp="2026-01-01T00:00:00Z")
    ],
    "the Deployment belongs to one that was deleted before": [
        deployment("r2", replicas=3, owner="sdep-0")
    ],
}


@pytest.mark.parametrize("deployments", NOT_YET.values(), ids=NOT_YET)
def test_not_ready_while(deployments):
    verdict = assess(WANTED, see(live(), *deployments))
    assert isinstance(verdict, NotYet)
    assert verdict.reason


@pytest.mark.parametrize("state", ["Creating", "Failed", None])
def test_not_ready_before_the_operator_says_so(state):
    verdict = assess(WANTED, see(live(state), deployment("r2", replicas=3)))
    assert isinstance(verdict, NotYet)


def test_failed_is_not_final_because_the_operator_tries_again():
    failed = live("Failed", description="object is being deleted: deployments.apps already exists")
    verdict = assess(WANTED, see(failed))
    assert isinstance(verdict, NotYet)
    assert "object is being deleted" in verdict.diagnosis.why
    assert assess(WANTED, see(live(), deployment("r2", replicas=3))) == Ready()


def test_failed_for_a_name_that_can_never_work_is_final():
    described = 'Service "iris.v1" is invalid: metadata.name: a DNS-1035 label must consist of ...'
    verdict = assess(WANTED, see(live("Failed", description=described)))
    assert isinstance(verdict, Diagnosis)
    assert verdict.conclusive


def test_failed_is_final_where_the_operator_refuses_this_generation_and_no_other():
    for generation, is_final in ((2, True), (1, False)):
        failed = live("Failed", description="no such program")
        failed["status"]["conditions"] = [refusal_of(generation)]
        verdict = assess(WANTED, see(failed))
        assert isinstance(verdict, Diagnosis if is_final else NotYet)
        told = verdict if is_final else verdict.diagnosis
        assert told.why == "no such program"


def test_failed_with_only_a_state_is_not_final():
    bare = live() | {"status": {"state": "Failed"}}
    assert isinstance(assess(WANTED, see(bare)), NotYet)


def test_a_failing_update_that_stays_creating_is_never_ready_and_never_final():
    conditions = [
        {"type": "Available", "status": "True"},
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"},
    ]
    stuck = deployment("r2", replicas=3, counts=(4, 1, 3, 3), unavailable=1, conditions=conditions)
    verdict = assess(WANTED, see(live("Creating"), stuck))
    assert isinstance(verdict, NotYet)
    assert verdict.diagnosis.kind == "progress-deadline"


def test_zero_replicas_are_stopped_although_the_operator_stays_at_creating():
    wanted = sdep("r2", replicas=0, generation=2)
    at_zero = sdep("r2", replicas=0, generation=2, state="Creating")
    verdict = assess(wanted, see(at_zero, deployment("r2", replicas=0)))
    assert verdict == Ready(is_stopped=True)


def test_stopping_waits_for_the_last_pod():
    wanted = sdep("r2", replicas=0, generation=2)
    ending = deployment("r2", replicas=0, counts=(1, 1, 0, 0))
    assert isinstance(assess(wanted, see(wanted, ending)), NotYet)


def test_scaling_alone_waits_for_the_new_replicas_while_the_state_is_available():
    assert isinstance(assess(WANTED, see(live(), deployment("r2", replicas=1))), NotYet)
    assert assess(WANTED, see(live(), deployment("r2", replicas=3))) == Ready()


def test_somebody_who_scales_while_we_wait_is_followed():
    scaled = sdep("r2", replicas=5, generation=3, state="Available")
    assert isinstance(assess(WANTED, see(scaled, deployment("r2", replicas=3))), NotYet)
    assert assess(WANTED, see(scaled, deployment("r2", replicas=5))) == Ready()


def test_a_deployment_deleted_meanwhile_is_final():
    for gone in (None, live(uid="another"), live(deletionTimestamp="2026-01-01T00:00:00Z")):
        verdict = assess(WANTED, see(gone, deployment("r2", replicas=3)))
        assert isinstance(verdict, Diagnosis)
        assert verdict.kind == "deleted"


def test_a_newer_revision_of_somebody_else_is_final():
    newer = sdep("r3", replicas=3, generation=3, state="Available")
    verdict = assess(WANTED, see(newer, deployment("r3", replicas=3)))
    assert isinstance(verdict, Diagnosis)
    assert verdict.kind == "superseded"


def test_an_unstamped_deployment_of_the_same_name_is_not_taken_for_ours():
    bare = deployment("r2", replicas=3)
    del bare["spec"]["template"]["metadata"]["annotations"]
    verdict = assess(WANTED, see(live(), bare))
    assert isinstance(verdict, NotYet)
    assert DEPLOYMENT_NAME in verdict.reason
