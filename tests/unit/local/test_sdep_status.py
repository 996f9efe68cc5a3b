from datetime import UTC, datetime

import pytest
from test_operator_records import CASES, read

from seldon_deployer.local.operator import Plan, make_plan
from seldon_deployer.local.sdep_status import STUCK, failed_status, observed_status, refused_status
from seldon_deployer.manifest.refusal import is_refused

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLAN = Plan(
    services=(
        {
            "metadata": {"name": "iris-default", "namespace": "ns"},
            "spec": {"ports": [{"name": "http", "port": 8000}, {"name": "grpc", "port": 5001}]},
        },
    ),
    deployments=({"metadata": {"name": "d"}},),
    address="http://there",
)


def live(*, ready=1, replicas=1, unavailable=0, available="True", progressing="True", seen=1):
    status = {"observedGeneration": seen, "replicas": replicas, "readyReplicas": ready}
    status |= {"availableReplicas": ready, "unavailableReplicas": unavailable}
    reason = f"MinimumReplicas{'Available' if available == 'True' else 'Unavailable'}"
    has = "has" if available == "True" else "does not have"
    message = f"Deployment {has} minimum availability."
    status["conditions"] = [
        {"type": "Available", "status": available, "reason": reason, "message": message},
        {"type": "Progressing", "status": progressing, "reason": "x", "message": "x"},
    ]
    status = {key: value for key, value in status.items() if value not in (0, [])}
    return {"metadata": {"name": "d", "generation": 1}, "status": status}


def status_of(deployment: dict, before: dict | None = None, *, is_new=False) -> dict:
    return observed_status(PLAN, before or {}, {"d": deployment}, is_new=is_new, now=NOW)


@pytest.mark.parametrize("case", CASES)
def test_the_final_status_is_that_of_the_real_operator(case):
    sdep, recorded = read(case)
    real = recorded["SeldonDeployment"][0]["status"]
    plan = make_plan(sdep)
    deployments = {}
    for item in plan.deployments:
        name = item["metadata"]["name"]
        replicas = real["deploymentStatus"][name]["replicas"]
        deployments[name] = live(ready=replicas, replicas=replicas)

    status = observed_status(plan, {}, deployments, is_new=False, now=NOW)

    assert without_times(status) == without_times(real)


@pytest.mark.parametrize(
    ("deployment", "state", "description"),
    [
        (live(), "Available", None),
        (live(ready=0, unavailable=1, available="False"), "Creating", None),
        (live(ready=0, unavailable=1, available="False", progressing="False"), "Failed", STUCK),
        # A failing update of what serves is never Failed.
        (live(replicas=2, unavailable=1, progressing="False"), "Creating", None),
        (live(ready=0, replicas=0), "Creating", None),
        # An answer about an older spec proves nothing.
        (live(seen=0), "Creating", None),
    ],
)
def test_the_state_follows_the_deployments(deployment, state, description):
    status = status_of(deployment)

    assert (status["state"], status.get("description")) == (state, description)


def test_the_first_status_holds_conditions_alone():
    status = status_of({}, is_new=True)

    assert set(status) == {"state", "conditions"}
    assert {item["type"]: item["status"] for item in status["conditions"]} == {
        "HpasReady": "True",
        "KedaReady": "True",
        "PdbsReady": "True",
        "Ready": "False",
        "ServicesReady": "False",
    }


def test_a_change_just_made_is_creating_whatever_the_old_pods_say():
    before = status_of(live())

    assert status_of(live(), before, is_new=True)["state"] == "Creating"


def test_failed_keeps_what_was_known_and_says_why():
    before = status_of(live())

    assert failed_status(before, "why") == {**before, "state": "Failed", "description": "why"}


def test_a_refusal_is_of_one_generation_and_goes_with_the_next_status():
    before = status_of(live())

    refused = refused_status(refused_status(before, "no", 2), "never", 3)

    assert is_refused({"metadata": {"generation": 3}, "status": refused})
    assert not is_refused({"metadata": {"generation": 4}, "status": refused})
    assert not is_refused({"metadata": {"generation": 2}, "status": refused})
    assert failed_status(refused, "why") == failed_status(before, "why")
    assert status_of(live(), refused) == status_of(live(), before)
    assert is_refused(
        {"metadata": {"generation": 1}, "status": refused_status({}, "from the start", 1)}
    )


def test_a_description_goes_when_it_heals():
    before = failed_status(status_of(live()), "why")

    assert "description" not in status_of(live(), before)


def without_times(status: dict) -> dict:
    conditions = [
        {key: value for key, value in item.items() if key != "lastTransitionTime"}
        for item in status["conditions"]
    ]
    return {**status, "conditions": conditions}
