"""The step at the end of a pipeline: what it is told, what it names, when it fails."""

import pytest
from zenml_scripts import NOTHING, PIPELINE, PRELUDE
from zenml_store import ZenMLStore


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with ZenMLStore(tmp_path_factory.mktemp("zenml-step")) as store:
        store.set_up_local_stack()
        yield store


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


def test_wrong_values_are_told_before_anything_runs(store):
    seen = store.script(
        PRELUDE
        + PIPELINE
        + """
@pipeline(enable_cache=False)
def mistaken(fields: dict):
    seldon_model_deployer_step(model=train(), **fields)

before = Client().list_pipeline_runs().total
said = [
    refused(mistaken, fields=fields)
    for fields in (
        {"model_name": "wrong", "protocol": "grpc", "resources": {"request": {"cpu": "1"}}},
        {"replicas": "many"},
        {"implementation": "SKLERN_SERVER"},
        {"model_name": "!!!"},
        {"config": SeldonDeploymentConfig(model_name="wrong", hpa={"max_replica": 3})},
        {"parameters": [{"name": "method", "type": "INT", "value": "predict"}]},
        {"config": "wrong"},
    )
]
preset = seldon_model_deployer_step.with_options(parameters={"replicas": "many"})

@pipeline(enable_cache=False)
def preset_wrong():
    preset(model=train())

said.append(refused(preset_wrong))
answer({"said": said, "runs": Client().list_pipeline_runs().total - before})
"""
    )
    wanted = [
        ["ConfigError", "protocol: must be 'seldon' or 'v2'"],
        ["ConfigError", "replicas: must be a whole number"],
        ["ConfigError", "did you mean SKLEARN_SERVER?"],
        ["InvalidName", "no ASCII letter or digit is left of it"],
        ["ConfigError", "hpa.max_replica: there is no such field"],
        ["ConfigError", "the parameter 'method' cannot be of type INT"],
        ["ConfigError", "config is of type str, which has no fields of a deployment"],
        ["ConfigError", "replicas: must be a whole number"],
    ]
    assert seen["runs"] == 0
    for (kind, said), (wanted_kind, words) in zip(seen["said"], wanted, strict=True):
        assert kind == wanted_kind
        assert words in said
    assert "resources.request: there is no such field" in seen["said"][0][1]


def test_wrong_values_that_a_step_gives_fail_the_deploying_step_with_an_error_that_names_each(
    store,
):
    seen = store.script(
        PRELUDE
        + PIPELINE
        + """
@step(enable_cache=False)
def choose() -> str:
    return "grpc"

@pipeline(enable_cache=False)
def mistaken():
    seldon_model_deployer_step(
        model=train(), model_name="wrong", protocol=choose(), replicas=choose()
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
    assert "protocol: must be 'seldon' or 'v2'" in seen["said"]
    assert "replicas: must be a whole number" in seen["said"]
    assert seen["left"] == NOTHING


def test_what_a_configuration_file_sets_is_judged_before_anything_runs(store):
    seen = store.script(
        PRELUDE
        + PIPELINE
        + """
import yaml

@pipeline(enable_cache=False)
def filed(fields: dict):
    seldon_model_deployer_step(model=train(), **fields)

def with_file(**parameters):
    path = pathlib.Path("run.yaml")
    steps = {"seldon_model_deployer_step": {"parameters": parameters}}
    path.write_text(yaml.safe_dump({"steps": steps}))
    return filed.with_options(config_path=str(path))

before = Client().list_pipeline_runs().total
# What only the whole of the fields says is not told where they are composed.
filed.prepare(fields={"replicas": 2, "hpa": {"max_replicas": 3}})
said = [
    refused(with_file(replicas="many"), fields={"model_name": "filed"}),
    refused(with_file(model_name="!!!"), fields={}),
    refused(with_file(hpa={"max_replicas": 3}), fields={"replicas": 2}),
]
runs = Client().list_pipeline_runs().total - before
served = outcome(with_file(model_name="filed", replicas=2)(fields={}).id).output.load()
left_running = [served.name, served.status.replicas]
deployer.delete_model_server(served.uuid)
answer({"said": said, "runs": runs, "served": left_running})
"""
    )
    wanted = [
        ["ConfigError", "replicas: must be a whole number"],
        ["InvalidName", "no ASCII letter or digit is left of it"],
        ["ConfigError", "hpa decides how many replicas there are"],
    ]
    for (kind, said), (wanted_kind, words) in zip(seen["said"], wanted, strict=True):
        assert kind == wanted_kind
        assert words in said
    assert seen["runs"] == 0
    assert seen["served"] == ["filed", 2]


def test_what_contradicts_a_value_of_another_step_is_left_to_the_run(store):
    seen = store.script(
        PRELUDE
        + PIPELINE
        + """
@step(enable_cache=False)
def choose() -> dict:
    return {"max_replicas": 3}

@pipeline(enable_cache=False)
def half():
    seldon_model_deployer_step(model=train(), model_name="half", replicas=2, hpa=choose())

before = Client().list_pipeline_runs().total
try:
    half()
except Exception:
    pass
run = Client().list_pipeline_runs(sort_by="desc:created").items[0]
answer({
    "runs": Client().list_pipeline_runs().total - before,
    "said": outcome(run.id).exception_info.traceback,
    "left": left("half"),
})
"""
    )
    assert seen["runs"] == 1
    assert "hpa decides how many replicas there are" in seen["said"]
    assert seen["left"] == NOTHING


def test_what_needs_the_configuration_that_another_step_makes_is_left_to_the_run(store):
    seen = store.script(
        PRELUDE
        + PIPELINE
        + """
@step(enable_cache=False)
def choose() -> SeldonDeploymentConfig:
    return SeldonDeploymentConfig(model_name="mounted", volumes=[{"name": "scratch"}])

@pipeline(enable_cache=False)
def mounting():
    mounts = [{"name": "scratch", "mount_path": "/scratch"}]
    seldon_model_deployer_step(model=train(), config=choose(), volume_mounts=mounts)

served = outcome(mounting().id).output.load()
name = served.name
deployer.delete_model_server(served.uuid)
answer(name)
"""
    )
    assert seen == "mounted"


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


def test_what_zenml_noted_of_the_artifact_is_read_by_its_address(store):
    seen = store.script(
        PRELUDE
        + PIPELINE
        + """
import sklearn
from seldon_deployer.zenml_plugin.artifact_record import read_artifact_record

@pipeline(enable_cache=False)
def noted():
    train()

run = noted()
uri = Client().get_pipeline_run(run.id).steps["train"].output.uri
record = read_artifact_record(uri)
answer({
    "materializer": record.materializer,
    "data_type": record.data_type,
    "is_installed": record.versions["scikit-learn"] == sklearn.__version__,
    "elsewhere": read_artifact_record(uri + "/x").versions,
})
"""
    )
    assert seen["materializer"].endswith("SklearnMaterializer")
    assert seen["data_type"] == "sklearn.linear_model._logistic.LogisticRegression"
    assert seen["is_installed"] is True
    assert seen["elsewhere"] == {}
