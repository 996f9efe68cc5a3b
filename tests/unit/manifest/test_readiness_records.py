"""What was recorded of Seldon's real operator, replayed: when is `Ready` said, and when never."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observed import sdep
from shared_data import SHARED, load_record, needs_records, record_names

from seldon_deployer.manifest.expected import expected_deployments, expected_services
from seldon_deployer.manifest.observation import Observation
from seldon_deployer.manifest.readiness import NotYet, Ready, assess
from seldon_deployer.manifest.revision import revisions, stamp_revisions
from seldon_deployer.naming import REVISION_ANNOTATION

pytestmark = needs_records

UID = "sdep-1"
# Per phase: seconds into the record at which everything first is of that phase, None for never.
# Read by hand from the timelines.
FIRST_READY = {
    "dyn_uri_change": {"create": True, "update-uri": True},
    "dyn_uri_change_3replicas": {"create": 2.57, "update-uri": 11.5},
    "dyn_uri_change_replicas1_never_ready": {
        "create": 2.75,
        "update-uri-never-ready": None,
        "rollback": 24.85,
    },
    "dyn_add_canary_then_promote": {
        "create": 2.95,
        "add-canary": 7.49,
        "change-traffic": 11.05,
        "remove-main": 19.19,
    },
}


def replay(case):
    """The record as (phase, wanted, events): events are (t, stream, object or None)."""
    inputs, _ = load_record(case)
    folder = SHARED / "operator-records" / case
    lines = [json.loads(line) for line in (folder / "timeline.jsonl").read_text().splitlines()]
    text = (folder / "input.yaml").read_text().splitlines()
    names = [line.removeprefix("# phase: ") for line in text if line.startswith("# phase: ")]
    stamped = {name: stamp_revisions(one, "") for name, one in zip(names, inputs, strict=True)}
    return names, stamped, lines


def in_phases(case):
    """Yield (phase, wanted, [(t, stream, name, object or None)]) with revisions filled in."""
    names, stamped, lines = replay(case)
    generations, revision_by_name = {}, {}
    for phase in names:
        wanted = live_of(stamped[phase], 0, None)
        events = []
        for line in lines:
            if line.get("phase") != phase:
                continue
            if line.get("kind") == "SeldonDeployment":
                obj = live_of(stamped[phase], line["generation"], line)
                if line["generation"] and not wanted["metadata"]["generation"]:
                    wanted["metadata"]["generation"] = line["generation"]
                    wanted["status"] = obj["status"]
                events.append((line["t"], "sdep", line["name"], obj))
            elif line.get("kind") == "Deployment":
                name = line["name"]
                if line["generation"] != generations.get(name) and not line.get("deleting"):
                    # Its specification changed: the operator wrote what this phase wants.
                    generations[name] = line["generation"]
                    expected = expected_deployments(stamped[phase]).get(name)
                    if expected is not None:
                        revision_by_name[name] = expected.revision
                gone = line["type"] == "DELETED"
                obj = None if gone else deployment_of(line, revision_by_name.get(name))
                events.append((line["t"], "deployment", name, obj))
        yield phase, wanted, events


def live_of(stamped, generation, line):
    obj = sdep(generation=generation, uid=UID)
    obj["metadata"]["name"] = stamped["metadata"]["name"]
    obj["spec"] = stamped["spec"]
    if line is not None:
        obj["status"] = {"state": line["state"], "description": line["description"]}
    return obj


def deployment_of(line, revision):
    counts = {
        "replicas": line["replicas"],
        "updatedReplicas": line["updated"],
        "readyReplicas": line["ready"],
        "availableReplicas": line["available"],
        "unavailableReplicas": line["unavailable"],
        "observedGeneration": line["observedGeneration"],
        "conditions": [
            {"type": kind, "status": status, "reason": reason}
            for kind, (status, reason) in line["conditions"].items()
        ],
    }
    metadata = {
        "name": line["name"],
        "generation": line["generation"],
        "ownerReferences": [{"kind": "SeldonDeployment", "uid": UID, "controller": True}],
    }
    if line.get("deleting"):
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {
        "metadata": metadata,
        "spec": {
            "replicas": line["spec.replicas"],
            "template": {"metadata": {"annotations": {REVISION_ANNOTATION: revision}}},
        },
        "status": counts,
    }


def first_ready(wanted, before, events):
    """When assess first says Ready, and the Deployments as they are at the end."""
    live, deployments, moment = wanted, dict(before), None
    for t, stream, name, obj in events:
        if stream == "sdep":
            live = obj
        elif obj is None:
            deployments.pop(name, None)
        else:
            deployments[name] = obj
        verdict = assess(wanted, Observation(live, tuple(deployments.values())))
        if moment is None and isinstance(verdict, Ready):
            moment = t
    return moment, deployments


@pytest.mark.parametrize("case", FIRST_READY)
def test_ready_is_said_at_the_right_moment_of_each_phase(case):
    deployments = {}
    for phase, wanted, events in in_phases(case):
        moment, deployments = first_ready(wanted, deployments, events)
        expected = FIRST_READY[case][phase]
        assert moment == expected or (expected is True and moment is not None), phase


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_late_repeated_and_cut_streams_never_make_it_ready_too_early(data):
    case = data.draw(st.sampled_from(sorted(FIRST_READY)))
    before = {}
    for phase, wanted, events in in_phases(case):
        _, after = first_ready(wanted, before, events)
        whole = whole_from(wanted, before, events)
        live, deployments, seen_until = wanted, dict(before), 0.0
        for t, stream, name, obj in interleaved(data, events):
            if stream == "sdep":
                live = obj
            else:
                seen_until = t
                deployments.pop(name, None)
                if obj is not None:
                    deployments[name] = obj
            verdict = assess(wanted, Observation(live, tuple(deployments.values())))
            if isinstance(verdict, Ready):
                # The Deployments' own stream had reached a moment at which all was new.
                assert seen_until >= whole, phase
        before = after


def interleaved(data, events):
    """The events of both streams, each in its order, some twice; they may stop anywhere."""
    waiting = [[each for each in events if each[1] == stream] for stream in ("sdep", "deployment")]
    for _ in range(3 * len(events)):
        choices = [each for each in waiting if each]
        if not choices:
            return
        stream = data.draw(st.sampled_from(choices))
        fate = data.draw(st.integers(0, 19))
        if fate == 0:
            return
        yield stream[0] if fate < 5 else stream.pop(0)


def whole_from(wanted, before, events):
    """The first moment of the Deployments' stream alone at which they are whole."""
    available = live_of({"metadata": wanted["metadata"], "spec": wanted["spec"]}, 0, None)
    available["metadata"] = wanted["metadata"]
    available["status"] = {"state": "Available"}
    deployments = dict(before)
    if isinstance(assess(wanted, Observation(available, tuple(deployments.values()))), Ready):
        return 0.0
    for t, stream, name, obj in events:
        if stream == "deployment":
            deployments.pop(name, None)
            if obj is not None:
                deployments[name] = obj
            verdict = assess(wanted, Observation(available, tuple(deployments.values())))
            if isinstance(verdict, Ready):
                return t
    return float("inf")


@pytest.mark.parametrize("case", record_names())
def test_expects_the_deployments_and_services_that_the_operator_made(case):
    _, objects = load_record(case)
    for live in objects.get("SeldonDeployment", []):
        if live["status"].get("state") == "Failed":
            continue
        made = {each["metadata"]["name"]: each for each in objects.get("Deployment", [])}
        expected = expected_deployments(live)
        assert expected.keys() == made.keys()
        assert set(expected_services(live)) == {
            each["metadata"]["name"] for each in objects.get("Service", [])
        }
        for name, each in expected.items():
            if each.replicas is not None:
                assert made[name]["spec"]["replicas"] == each.replicas


@pytest.mark.parametrize("case", [name for name in record_names() if "never_ready" in name])
def test_a_phase_that_never_got_ready_is_never_ready(case):
    deployments = {}
    for phase, wanted, events in in_phases(case):
        moment, deployments = first_ready(wanted, deployments, events)
        if "never" in phase:
            assert moment is None
            last = assess(wanted, Observation(wanted, tuple(deployments.values())))
            assert isinstance(last, NotYet)
        assert revisions(wanted)
