"""Services as ZenML knows them: stopped, gone, many, strange; and what looking at them costs."""

import pytest
from zenml_scripts import NOTHING, PRELUDE
from zenml_store import ZenMLStore


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with ZenMLStore(tmp_path_factory.mktemp("zenml-services")) as store:
        store.set_up_local_stack()
        yield store


def test_a_stopped_service_stays_listed_and_starts_again(store):
    seen = store.script(
        PRELUDE
        + """
service = deploy("pausing", artifact("pausing", classifier()))
flower = [[6.0, 2.9, 4.8, 1.6]]
before = np.asarray(service.predict(flower)).tolist()
deployer.stop_model_server(service.uuid)
[stopped] = deployer.find_model_server(model_name="pausing")
unreachable = refused(stopped.predict, flower)
deployer.start_model_server(service.uuid)
[started] = deployer.find_model_server(model_name="pausing", running=True)
answer({
    "stopped": stopped.status.state.value,
    "unreachable": unreachable[0],
    "same": np.asarray(started.predict(flower)).tolist() == before,
})
"""
    )
    assert seen == {"stopped": "inactive", "unreachable": "PredictionError", "same": True}


def test_a_service_that_was_loaded_stops_and_starts_itself(store):
    seen = store.script(
        PRELUDE
        + """
def told(service):
    row = Client().get_service(service.uuid)
    return [service.status.state.value, service.is_running, row.state.value, row.admin_state.value]

service = deploy("breaks", artifact("breaks", classifier()), replicas=2)
[other] = deployer.find_model_server(model_name="breaks")
other.stop()
stopped = [told(other), refused(other.predict, [[6.0, 2.9, 4.8, 1.6]])[1]]
other.start(timeout=60)
started = [told(other), other.status.replicas, len(other.predict([[6.0, 2.9, 4.8, 1.6]]))]
service.update_status()
seen_elsewhere = service.is_running
deployer.delete_model_server(service.uuid)
answer({
    "stopped": stopped, "started": started, "seen_elsewhere": seen_elsewhere,
    "gone": [refused(other.stop)[0], refused(other.start)[0]],
})
"""
    )
    assert seen == {
        "stopped": [
            ["inactive", False, "inactive", "inactive"],
            "breaks is stopped. Try: seldon-deployer start breaks",
        ],
        "started": [["active", True, "active", "active"], 2, 1],
        "seen_elsewhere": True,
        "gone": ["NotFound", "NotFound"],
    }


def test_a_service_whose_resource_is_gone_is_shown_inactive_and_can_be_deleted(store):
    seen = store.script(
        PRELUDE
        + """
service = deploy("gone", artifact("gone", classifier()))
deployer.deployer.delete("gone")
[found] = deployer.find_model_server(model_name="gone")
running = deployer.find_model_server(model_name="gone", running=True)
deployer.delete_model_server(service.uuid)
answer({"state": found.status.state.value, "running": len(running), "left": left("gone")})
"""
    )
    assert seen == {"state": "inactive", "running": 0, "left": NOTHING}


def test_more_services_than_a_page_are_all_found_and_a_strange_row_hides_none(store):
    seen = store.script(
        PRELUDE
        + """
from zenml.models import ServiceRequest
from seldon_deployer.zenml_plugin import SeldonDeploymentService
from seldon_deployer.zenml_plugin.rows import ensure_service, forget_service, list_services

namespace = deployer.namespace
before = len(list_services(deployer.id, namespace))
client = Client()
made = []
for number in range(25):
    config = SeldonDeploymentConfig(model_name=f"many-{number}")
    made.append(ensure_service(config, deployer.id, namespace)[0].uuid)
for source, config in [
    ("nowhere.Service", {"model_deployer_id": str(deployer.id), "n": 1}),
    (SeldonDeploymentService.__module__ + ".SeldonDeploymentService",
     {"model_deployer_id": str(deployer.id), "no_such_field": 1}),
    (SeldonDeploymentService.__module__ + ".SeldonDeploymentService",
     {"model_deployer_id": str(deployer.id), "model_name": "???"}),
]:
    made.append(client.zen_store.create_service(ServiceRequest(
        name="strange",
        service_type=SeldonDeploymentService.SERVICE_TYPE,
        service_source=source,
        config=config,
        project=client.active_project.id,
    )).id)
found = len(list_services(deployer.id, namespace))
twice = ensure_service(SeldonDeploymentConfig(model_name="many-3"), deployer.id, namespace)
for uuid in made:
    forget_service(uuid)
answer({"found": found - before, "created_again": twice[1]})
"""
    )
    assert seen == {"found": 25, "created_again": False}


def test_deploying_one_name_from_many_places_at_once_makes_one_row(store):
    seen = store.script(
        PRELUDE
        + """
from concurrent.futures import ThreadPoolExecutor
from seldon_deployer.zenml_plugin.rows import ensure_service, forget_service

config = SeldonDeploymentConfig(model_name="crowd")
namespace = deployer.namespace
with ThreadPoolExecutor(6) as pool:
    made = list(pool.map(lambda _: ensure_service(config, deployer.id, namespace), range(6)))
answer({"rows": len(deployer.find_model_server(service_name="zenml-crowd"))})
for service, _ in made:
    forget_service(service.uuid)
"""
    )
    assert seen == {"rows": 1}


def test_listing_is_one_request_and_predicting_asks_the_service_alone(store):
    seen = store.script(
        PRELUDE
        + """
import logging

class Requests(logging.Handler):
    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []
    def emit(self, record):
        if "HTTP/1.1" in record.getMessage():
            self.lines.append(record.getMessage())

for number in range(3):
    deploy(f"count-{number}", artifact(f"count-{number}", classifier()))
fresh = Client().active_stack.model_deployer
fresh.deployer.find()
requests = Requests()
log = logging.getLogger("urllib3.connectionpool")
log.addHandler(requests)
log.setLevel(logging.DEBUG)
found = fresh.find_model_server()
listing = list(requests.lines)
requests.lines.clear()
for service in found:
    if service.name.startswith("count-"):
        service.predict([[6.0, 2.9, 4.8, 1.6]])
predicting = list(requests.lines)
log.removeHandler(requests)
log.setLevel(logging.WARNING)
for service in found:
    if service.name.startswith("count-"):
        fresh.delete_model_server(service.uuid)
answer({"found": len(found), "listing": listing, "predicting": predicting})
"""
    )
    assert seen["found"] >= 3
    assert len(seen["listing"]) == 1
    assert len(seen["predicting"]) == 3
    assert all("/api/v1.0/predictions" in line for line in seen["predicting"])
