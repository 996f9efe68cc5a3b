"""The model deployer's decisions on real parts: what fails, what stays, whose it is."""

import textwrap

import pytest
from zenml_store import ZenMLStore

pytestmark = pytest.mark.xdist_group("zenml")

# Shared by the scripts: a trained model as ZenML writes it, and a deployer to serve it.
PRELUDE = textwrap.dedent("""
    import pathlib
    import cloudpickle
    import numpy as np
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from zenml.client import Client
    from seldon_deployer.errors import SeldonDeployerError
    from seldon_deployer.zenml_plugin import SeldonDeploymentConfig

    deployer = Client().active_stack.model_deployer

    def artifact(name, model):
        folder = pathlib.Path.cwd() / "artifacts" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "artifact.pkl").write_bytes(cloudpickle.dumps(model))
        return str(folder)

    def classifier(strength=1.0):
        return LogisticRegression(C=strength, max_iter=1000).fit(*load_iris(return_X_y=True))

    def deploy(name, uri, **fields):
        options = {key: fields.pop(key) for key in ("replace", "timeout") if key in fields}
        config = SeldonDeploymentConfig(model_name=name, model_uri=uri, **fields)
        return deployer.deploy_model(config, **options)

    def refused(call, *args, **kwargs):
        try:
            call(*args, **kwargs)
        except SeldonDeployerError as error:
            return [type(error).__name__, str(error)]
        return ["no error", ""]

    def left(name):
        return {
            "rows": len(deployer.find_model_server(model_name=name)),
            "deployments": [one.name for one in deployer.deployer.find(model_name=name)],
        }
""")
NOTHING = {"rows": 0, "deployments": []}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with ZenMLStore(tmp_path_factory.mktemp("zenml-deployer")) as store:
        store.set_up_local_stack()
        yield store


def test_two_models_are_two_services_and_a_new_version_takes_the_place_of_the_old(store):
    seen = store.script(
        PRELUDE
        + """
first = deploy("one", artifact("one-1", classifier(1.0)))
other = deploy("two", artifact("two-1", classifier(1.0)))
again = deploy("one", artifact("one-2", classifier(0.01)), replicas=1)
flower = np.array([[6.0, 2.9, 4.8, 1.6]])
answer({
    "uuids": [str(one.uuid) for one in (first, other, again)],
    "urls": [one.prediction_url for one in (first, other, again)],
    "same": np.allclose(other.predict(flower), again.predict(flower)),
    "uri": again.config.model_uri,
    "rows": len(deployer.find_model_server()),
})
"""
    )
    assert seen["uuids"][0] == seen["uuids"][2] != seen["uuids"][1]
    assert seen["urls"][0] == seen["urls"][2] != seen["urls"][1]
    assert seen["same"] is False
    assert seen["uri"].endswith("one-2")
    assert seen["rows"] == 2


def test_without_replace_a_served_name_is_left_alone(store):
    seen = store.script(
        PRELUDE
        + """
uri = artifact("kept", classifier())
first = deploy("kept", uri)
same = deploy("kept", uri, replace=False)
refusal = refused(deploy, "kept", artifact("kept-2", classifier(0.01)), replace=False)
answer({
    "same": first.uuid == same.uuid,
    "refusal": refusal,
    "uri": deployer.find_model_server(model_name="kept")[0].config.model_uri == uri,
})
"""
    )
    assert seen["same"] is True
    assert seen["uri"] is True
    assert seen["refusal"][0] == "DeploymentError"
    assert "replace=True" in seen["refusal"][1]


@pytest.mark.parametrize(
    ("name", "model", "fields", "said"),
    [
        ("no-model", "'just text'", {}, "predict"),
        ("no-server", "classifier()", {"implementation": "NOPE_SERVER"}, "NOPE_SERVER"),
    ],
)
def test_what_cannot_be_served_raises_and_leaves_nothing(store, name, model, fields, said):
    seen = store.script(
        PRELUDE
        + f"""
refusal = refused(deploy, {name!r}, artifact({name!r}, {model}), timeout=60, **{fields!r})
answer({{"refusal": refusal, "left": left({name!r})}})
"""
    )
    assert seen["refusal"][0] != "no error"
    assert said in seen["refusal"][1]
    assert seen["left"] == NOTHING


def test_a_failed_update_leaves_the_old_model_serving(store):
    seen = store.script(
        PRELUDE
        + """
class Broken:
    def __getstate__(self):
        return {"state": 1}
    def __setstate__(self, state):
        raise RuntimeError("this model cannot be loaded")
    def predict(self, rows):
        return rows

good = artifact("steady", classifier())
service = deploy("steady", good)
flower = np.array([[6.0, 2.9, 4.8, 1.6]])
before = np.asarray(service.predict(flower)).tolist()
refusal = refused(
    deploy, "steady", artifact("steady-2", Broken()), implementation="SKLEARN_SERVER", timeout=60
)
[found] = deployer.find_model_server(model_name="steady")
answer({
    "refusal": refusal,
    "same": np.asarray(found.predict(flower)).tolist() == before,
    "uri": found.config.model_uri == good,
    "again": deploy("steady", good).status.state.value,
})
"""
    )
    assert seen["refusal"][0] != "no error"
    assert "cannot be loaded" in seen["refusal"][1]
    assert seen["same"] is True
    assert seen["uri"] is True
    assert seen["again"] == "active"


def test_a_deployment_of_somebody_else_is_neither_taken_over_nor_deleted(store):
    seen = store.script(
        PRELUDE
        + """
from seldon_deployer import DeploymentConfig
uri = artifact("theirs", classifier())
deployer.deployer.deploy(DeploymentConfig(model_name="theirs", model_uri=uri))
refusal = refused(deploy, "theirs", artifact("theirs-2", classifier(0.01)))
answer({
    "refusal": refusal,
    "rows": len(deployer.find_model_server(model_name="theirs")),
    "uri": deployer.deployer.get("theirs").model_uri == uri,
})
"""
    )
    assert seen["refusal"][0] == "OwnershipError"
    assert seen["rows"] == 0
    assert seen["uri"] is True


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


def test_a_python_class_of_ones_own_serves_too(store):
    seen = store.script(
        PRELUDE
        + """
(pathlib.Path.cwd() / "doubler.py").write_text(
    "class Doubler:\\n"
    "    def __init__(self, factor=2):\\n"
    "        self.factor = factor\\n"
    "    def predict(self, X, names, meta=None):\\n"
    "        return X * self.factor\\n"
)
service = deploy(
    "doubler", "", python_class="doubler.Doubler", code_path=str(pathlib.Path.cwd()),
    parameters={"factor": 3},
)
[found] = deployer.find_model_server(config={"python_class": "doubler.Doubler"})
answer({"prediction": np.asarray(found.predict([[1.0, 2.0]])).tolist()})
"""
    )
    assert seen == {"prediction": [[3.0, 6.0]]}


def test_options_that_are_not_offered_yet_say_so_at_the_deployment(store):
    seen = store.script(
        PRELUDE
        + """
from zenml.enums import StackComponentType
from zenml.stack import StackComponent
client = Client()
model = client.create_stack_component(
    name="with-secret", flavor="seldon_core",
    component_type=StackComponentType.MODEL_DEPLOYER,
    configuration={"runtime": "local", "storage_secret": "s3"},
)
deployer = StackComponent.from_model(client.get_stack_component("model_deployer", "with-secret"))
answer({"refusal": refused(deploy, "secret", artifact("s", classifier())), "left": left("secret")})
"""
    )
    assert seen["refusal"][0] == "ConfigError"
    assert "storage_secret" in seen["refusal"][1]
    assert "kubernetes_secret_name" in seen["refusal"][1]
    assert seen["left"] == NOTHING


PIPELINE = """
from zenml import pipeline, step
from sklearn.base import ClassifierMixin
from seldon_deployer.steps import seldon_model_deployer_step

@step(enable_cache=False)
def train() -> ClassifierMixin:
    return classifier()

@step(enable_cache=False)
def write_a_poem() -> str:
    return "no model at all"

def outcome(run_id):
    run = Client().get_pipeline_run(run_id)
    return run.steps["seldon_model_deployer_step"]
"""


def test_a_model_that_is_none_fails_the_step(store):
    seen = store.script(
        PRELUDE
        + PIPELINE
        + """
@pipeline(enable_cache=False)
def poetry():
    seldon_model_deployer_step(model=write_a_poem(), model_name="poem")

try:
    poetry()
    raised = False
except Exception:
    raised = True
run = Client().list_pipeline_runs(sort_by="desc:created").items[0]
answer({
    "raised": raised,
    "run": run.status.value,
    "step": outcome(run.id).status.value,
    "left": left("poem"),
})
"""
    )
    assert seen == {"raised": True, "run": "failed", "step": "failed", "left": NOTHING}


def test_wrong_values_fail_the_step_with_an_error_that_names_each(store):
    seen = store.script(
        PRELUDE
        + PIPELINE
        + """
@pipeline(enable_cache=False)
def mistaken():
    seldon_model_deployer_step(
        model=train(), model_name="wrong", protocol="grpc", resources={"request": {"cpu": "1"}}
    )

try:
    mistaken()
except Exception:
    pass
run = Client().list_pipeline_runs(sort_by="desc:created").items[0]
answer({"said": outcome(run.id).exception_info.traceback, "left": left("wrong")})
"""
    )
    assert "errors.ConfigError: the deployment cannot be built from this config" in seen["said"]
    assert "protocol: Input should be 'seldon' or 'v2'" in seen["said"]
    assert "resources.request: Extra inputs are not permitted" in seen["said"]
    assert seen["left"] == NOTHING


def test_the_step_names_the_model_after_the_pipeline_and_keeps_it_without_a_decision(store):
    seen = store.script(
        PRELUDE
        + PIPELINE
        + """
@pipeline(enable_cache=False)
def nightly_flowers(decision: bool):
    seldon_model_deployer_step(model=train(), deploy_decision=decision)

declined = outcome(nightly_flowers(decision=False).id).output.load()
nothing = left("nightly_flowers")
served = outcome(nightly_flowers(decision=True).id).output.load()
uri = served.config.model_uri
run = Client().list_pipeline_runs(sort_by="desc:created").items[0]
kept = outcome(nightly_flowers(decision=False).id).output.load()
[found] = deployer.find_model_server(
    pipeline_name="nightly_flowers",
    pipeline_step_name="seldon_model_deployer_step",
    pipeline_run_id=str(run.id),
)
answer({
    "declined": declined,
    "nothing": nothing,
    "name": found.name,
    "same": str(kept.uuid) == str(served.uuid) == str(found.uuid),
    "not_the_new_one": found.config.model_uri == outcome(run.id).run_metadata[
        "seldon_deployment"]["model_uri"],
    "other_pipeline": len(deployer.find_model_server(pipeline_name="daily_flowers")),
})
"""
    )
    assert seen == {
        "declined": None,
        "nothing": NOTHING,
        "name": "nightly-flowers",
        "same": True,
        "not_the_new_one": True,
        "other_pipeline": 0,
    }
