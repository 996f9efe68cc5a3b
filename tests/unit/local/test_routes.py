import base64
import json

import pytest

from seldon_deployer.local.orchestrator import ENGINE_CONTAINER
from seldon_deployer.local.pod_folder import PORTS_ANNOTATION
from seldon_deployer.local.ready_pod import read_pod
from seldon_deployer.local.routes import Routes


def sdep(name="iris", **traffic) -> dict:
    predictors = [{"name": key, "traffic": value} for key, value in (traffic or {"a": 0}).items()]
    metadata = {"name": name, "namespace": "default", "uid": f"sdep-{name}"}
    return {"metadata": metadata, "spec": {"predictors": predictors}}


def engine_container(graph, protocol="seldon", predictor="a", **env) -> dict:
    """An orchestrator's container as far as the gateway reads it."""
    text = base64.b64encode(json.dumps({"name": predictor, "graph": graph}).encode()).decode()
    variables = {"ENGINE_PREDICTOR": text, **env}
    return {
        "name": ENGINE_CONTAINER,
        "args": ["--sdep", "iris", "--protocol", protocol],
        "env": [{"name": name, "value": value} for name, value in variables.items()],
    }


def pod(uid, *, port=20001, ready=True, deleting=False, predictor="a", engine=None, **notes):
    env = {"PREDICTIVE_UNIT_ID": "unit", "SELDON_DEPLOYMENT_ID": "iris", "PREDICTOR_ID": predictor}
    containers = [
        {"name": "unit", "env": [{"name": key, "value": value} for key, value in env.items()]}
    ]
    labels = {"seldon-app": f"iris-{predictor}", "seldon-app-svc-unit": f"iris-{predictor}-unit"}
    if engine:
        graph = {"name": "unit", "type": "MODEL", "endpoint": {"service_host": "localhost"}}
        containers.append(engine_container(graph, engine, predictor))
    annotations = {PORTS_ANNOTATION: json.dumps({"unit": {"http": port}}), **notes}
    metadata = {
        "name": uid,
        "namespace": "default",
        "uid": uid,
        "labels": labels,
        "annotations": annotations,
    }
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    return {
        "metadata": metadata,
        "spec": {"containers": containers},
        "status": {"conditions": [condition]},
    }


@pytest.fixture
def gone():
    return []


@pytest.fixture
def routes(gone):
    routes = Routes(gone.append, chance=lambda: 0.0)
    routes.set_sdep(sdep())
    return routes


def test_a_ready_pod_is_picked_and_one_that_goes_is_not(routes, gone):
    routes.set_pod(pod("one"))
    assert routes.pick("default", "iris").uid == "one"

    routes.set_pod(pod("one", deleting=True))

    assert routes.pick("default", "iris") is None
    assert gone == [20001]


def test_an_unready_pod_is_never_picked(routes):
    routes.set_pod(pod("one", ready=False))

    assert routes.pick("default", "iris") is None


def test_what_is_unknown_is_told_from_what_is_not_ready(routes):
    assert routes.is_known("default", "iris")
    assert not routes.is_known("default", "rose")
    with pytest.raises(KeyError):
        routes.pick("default", "rose")


def test_the_pod_with_the_fewest_open_requests_is_picked(routes):
    routes.set_pod(pod("busy", port=1))
    routes.set_pod(pod("idle", port=2))
    routes.pick("default", "iris", tried={"idle"}).outstanding = 1

    assert routes.pick("default", "iris").uid == "idle"


def test_a_tried_pod_is_left_out(routes):
    routes.set_pod(pod("one"))

    assert routes.pick("default", "iris", tried={"one"}) is None


@pytest.mark.parametrize(("point", "predictor"), [(0.0, "main"), (0.74, "main"), (0.76, "new")])
def test_traffic_is_shared_between_predictors(gone, point, predictor):
    routes = Routes(gone.append, chance=lambda: point)
    routes.set_sdep(sdep(main=75, new=25))
    routes.set_pod(pod("one", port=1, predictor="main"))
    routes.set_pod(pod("two", port=2, predictor="new"))

    assert routes.pick("default", "iris").predictor == predictor


def test_a_fresh_list_drops_what_is_gone(routes):
    routes.set_pod(pod("one"))

    routes.keep_only(set(), set())

    assert routes.count() == (0, 0)


def test_a_recreated_deployment_is_not_dropped_by_the_end_of_the_old_one(routes):
    again = sdep()
    again["metadata"]["uid"] = "sdep-again"
    routes.set_sdep(again)

    routes.drop_sdep("sdep-iris")

    assert routes.is_known("default", "iris")


def test_a_pod_tells_its_protocol_its_orchestrator_and_its_timeout():
    target = read_pod(pod("one", engine="v2", **{"seldon.io/rest-timeout": "1500"})).target

    assert (target.protocol, target.has_orchestrator, target.timeout_seconds) == ("v2", True, 1.5)


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "\N{SUPERSCRIPT TWO}"])
def test_a_timeout_that_is_no_number_is_no_timeout(text):
    target = read_pod(pod("one", engine="seldon", **{"seldon.io/rest-timeout": text})).target

    assert target.timeout_seconds is None


def test_an_orchestrator_flag_without_its_value_is_not_there():
    edited = pod("one", engine="v2")
    edited["spec"]["containers"][1]["args"] = ["--sdep", "iris", "--protocol"]

    assert read_pod(edited).target.protocol == "seldon"


def test_a_pod_that_is_not_seldons_has_no_target():
    other = pod("one")
    other["spec"]["containers"][0]["env"] = []

    assert read_pod(other) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"unit": 1}', '{"unit": {"http": "x"}}'])
def test_an_edited_note_of_ports_hides_the_pod_and_breaks_nothing(text):
    edited = pod("one")
    edited["metadata"]["annotations"][PORTS_ANNOTATION] = text

    assert read_pod(edited) is None
