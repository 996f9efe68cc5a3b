"""The rules that follow from what is there: orchestrator, replicas, stop and start."""

from __future__ import annotations

from copy import deepcopy

import pytest

from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer import scale
from seldon_deployer.deployer.preflight import (
    check_manifest,
    check_ours,
    choose_orchestrator,
    keep_own_pod,
    yield_replicas,
)
from seldon_deployer.errors import InvalidName, ManifestError, OwnershipError
from seldon_deployer.manifest.build import build_manifest

CONFIG = DeploymentConfig(model_name="iris", model_uri="s3://m", implementation="SKLEARN_SERVER")


def built(config=CONFIG, *, orchestrator=False):
    return build_manifest(
        config,
        namespace="default",
        orchestrator=orchestrator,
        uri=config.model_uri,
        implementation="SKLEARN_SERVER",
        fingerprint="",
    )


def live(*, orchestrator=False, replicas=1, scaled_by=None):
    """What the API server would answer of a manifest of ours."""
    obj = deepcopy(built(orchestrator=orchestrator))
    obj["spec"]["replicas"] = replicas
    spec = {f"f:{key}": {} for key in obj["spec"] if key != "replicas" or scaled_by is None}
    metadata = {
        f"f:{part}": {f"f:{key}": {} for key in obj["metadata"][part]}
        for part in ("labels", "annotations")
    }
    fields = [
        {
            "manager": "seldon-deployer",
            "operation": "Apply",
            "fieldsV1": {"f:metadata": metadata, "f:spec": spec},
        }
    ]
    if scaled_by:
        fields.append(
            {
                "manager": scaled_by,
                "operation": "Update",
                "subresource": "scale",
                "fieldsV1": {"f:spec": {"f:replicas": {}}},
            }
        )
    obj["metadata"] |= {"uid": "u", "resourceVersion": "1", "managedFields": fields}
    return obj


@pytest.mark.parametrize(
    ("mode", "existing", "expected", "says"),
    [
        ("auto", None, False, False),
        ("always", None, True, False),
        ("auto", "with", True, False),
        ("auto", "without", False, False),
        ("never", "with", False, True),
        ("always", "without", True, True),
        ("always", "with", True, False),
    ],
)
def test_the_orchestrator_of_an_existing_deployment_stays_unless_told(
    mode, existing, expected, says
):
    told = []
    config = CONFIG.model_copy(update={"orchestrator": mode})
    before = None if existing is None else live(orchestrator=existing == "with")
    assert choose_orchestrator(config, "SKLEARN_SERVER", before, told.append) is expected
    assert bool(told) is says
    if says:
        assert "requests fail until" in told[0]


def separate(obj):
    obj["spec"]["annotations"] = {"seldon.io/engine-separate-pod": "true"}
    return obj


@pytest.mark.parametrize(
    ("mode", "is_separate", "wanted", "said"),
    [
        ("separate", False, True, "the orchestrator gets a pod of its own"),
        ("separate", True, True, None),
        ("always", True, True, "the orchestrator loses a pod of its own"),
        ("never", True, False, "the orchestrator loses a pod of its own"),
        ("auto", True, True, None),
    ],
)
def test_a_move_of_the_orchestrator_says_what_it_costs_and_auto_makes_none(
    mode, is_separate, wanted, said
):
    told = []
    before = live(orchestrator=True)
    before = separate(before) if is_separate else before
    config = keep_own_pod(CONFIG.model_copy(update={"orchestrator": mode}), before)
    assert choose_orchestrator(config, "SKLEARN_SERVER", before, told.append) is wanted
    assert (config.orchestrator == "separate") == (mode in ("separate", "auto"))
    assert [line.partition(":")[0] for line in told] == ([said] if said else [])


def test_a_unit_that_needs_the_orchestrator_brings_it_in_and_says_what_it_costs():
    told = []
    assert choose_orchestrator(CONFIG, "TENSORFLOW_SERVER", live(), told.append)
    assert told


def test_replicas_are_ours_until_another_manager_sets_them():
    told = []
    assert yield_replicas(built(), None, told.append)["spec"]["replicas"] == 1
    assert yield_replicas(built(), live(replicas=4), told.append)["spec"]["replicas"] == 1
    assert told == []
    yielded = yield_replicas(built(), live(replicas=4, scaled_by="kubectl"), told.append)
    assert "replicas" not in yielded["spec"]
    assert told == ["keeping 4 replicas, set by kubectl (through scale); force takes them back"]


def test_yielding_changes_no_argument():
    manifest = built()
    before = deepcopy(manifest)
    yield_replicas(manifest, live(replicas=4, scaled_by="kubectl"), print)
    assert manifest == before


def test_a_stop_remembers_the_replicas_and_a_start_brings_them_back():
    running = live(replicas=3)
    stopped = scale.stopped(running)
    assert stopped["spec"]["replicas"] == 0
    again = deepcopy(running)
    again["spec"]["replicas"] = 0
    again["metadata"]["annotations"] = stopped["metadata"]["annotations"]
    fields = again["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"]["f:annotations"]
    fields[f"f:{scale.REPLICAS_ANNOTATION}"] = {}
    # Stopping what is stopped forgets nothing.
    assert scale.stopped(again) == stopped
    started = scale.started(again)
    assert started["spec"]["replicas"] == 3
    assert scale.REPLICAS_ANNOTATION not in started["metadata"]["annotations"]
    assert scale.started(running)["spec"] == running["spec"]


def test_ours_is_what_carries_our_label_and_our_models_name():
    check_ours(live(), "iris", adopt=False)
    with pytest.raises(InvalidName):
        check_ours(live(), "IRIS", adopt=True)
    foreign = live()
    foreign["metadata"]["labels"] = {}
    with pytest.raises(OwnershipError, match="is not ours"):
        check_ours(foreign, "iris", adopt=False)
    check_ours(foreign, "iris", adopt=True)


def test_a_manifest_that_seldon_would_fail_on_is_not_sent():
    check_manifest(built())
    wrong = built()
    wrong["spec"]["predictors"][0]["graph"].pop("modelUri")
    wrong["spec"]["predictors"][0]["name"] = "With.Dots"
    with pytest.raises(ManifestError) as caught:
        check_manifest(wrong)
    assert "modelUri required" in caught.value.why
    assert "With.Dots" in caught.value.why


def test_what_seldon_serves_otherwise_than_one_would_think_is_warned_of(caplog):
    check_manifest(built())
    assert caplog.messages == []
    odd = built()
    odd["spec"]["predictors"][0]["engineResources"] = {"requests": {"cpu": "1"}}
    check_manifest(odd)
    [told] = caplog.messages
    assert told.startswith("spec.predictors[0].engineResources: is never read")
