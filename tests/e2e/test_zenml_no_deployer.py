"""A pipeline whose stack has no model deployer of ours is told before anything runs, and how."""

import shlex

import pytest
from zenml_store import ZenMLStore

# Composed, and run where nothing keeps it from that.
PIPELINES = """
from zenml import pipeline, step
from zenml.client import Client
from seldon_deployer.errors import ConfigError
from seldon_deployer.steps import (
    CustomDeployParameters, seldon_custom_model_deployer_step, seldon_model_deployer_step,
)

@step(enable_cache=False)
def train() -> dict:
    return {"weight": 2.0}

@pipeline(enable_cache=False)
def plain():
    seldon_model_deployer_step(model=train(), model_name="told")

@pipeline(enable_cache=False)
def custom():
    seldon_custom_model_deployer_step(
        model=train(),
        custom_deploy_parameters=CustomDeployParameters(predict_function="scoring.score"),
        model_name="told",
    )

def told(composed):
    try:
        composed()
    except ConfigError as error:
        return {"why": error.why, "hint": error.hint}

def runs():
    return Client().list_pipeline_runs().total
"""
OTHER = """
from zenml.model_deployers import BaseModelDeployer
from zenml.model_deployers.base_model_deployer import (
    BaseModelDeployerConfig, BaseModelDeployerFlavor,
)

class Other(BaseModelDeployer):
    get_model_server_info = None
    perform_deploy_model = None
    perform_stop_model = None
    perform_start_model = None
    perform_delete_model = None

class OtherFlavor(BaseModelDeployerFlavor):
    name = "other"
    config_class = BaseModelDeployerConfig
    implementation_class = Other
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with ZenMLStore(tmp_path_factory.mktemp("zenml-none")) as store:
        work = store.folder / "work"
        (work / "scoring.py").write_text("def score(model, request):\n    return request\n")
        (work / "others.py").write_text(OTHER)
        yield store


def is_composed(store):
    """Whether it can be composed by now, seen by a new process: ZenML keeps what it once read."""
    script = store.folder / "work" / "compose.py"
    script.write_text(PIPELINES + "print('told:', told(plain.prepare), told(custom.prepare))")
    return "told: None None" in store.done("python", str(script))


def test_what_to_try_leads_to_a_stack_that_will_do(store):
    tell = "answer({'plain': told(plain), 'custom': told(custom), 'runs': runs()})"
    seen = store.script(PIPELINES + tell)
    assert seen["plain"]["why"] == "the active stack default has no model deployer"
    assert seen["custom"] == seen["plain"]
    assert seen["runs"] == 0

    for command in seen["plain"]["hint"].split("; "):
        store.done(*shlex.split(command))
    assert is_composed(store)


def test_a_stack_that_has_one_already_is_named(store):
    seen = store.script(
        PIPELINES
        + """
client = Client()
client.activate_stack("default")
known = told(plain)["hint"]
parts = {
    kind: [component.id for component in found]
    for kind, found in client.get_stack("default").components.items()
}
client.create_stack(name="bare", components=parts)
client.delete_stack("seldon_stack")
client.activate_stack("bare")
answer([known, told(plain)["hint"]])
"""
    )
    assert seen == ["zenml stack set seldon_stack", "zenml stack update bare -d seldon"]
    store.done(*shlex.split(seen[1]))
    assert is_composed(store)


def test_a_model_deployer_of_another_flavor_is_named(store):
    seen = store.script(
        PIPELINES
        + """
from zenml.enums import StackComponentType
client = Client()
client.create_flavor("others.OtherFlavor", component_type=StackComponentType.MODEL_DEPLOYER)
client.create_stack_component(
    name="strange", flavor="other", component_type=StackComponentType.MODEL_DEPLOYER,
    configuration={},
)
parts = {
    kind: [component.id for component in found]
    for kind, found in client.get_stack("default").components.items()
}
parts[StackComponentType.MODEL_DEPLOYER] = "strange"
client.create_stack(name="strange", components=parts)
client.activate_stack("strange")
answer(told(custom)["why"])
"""
    )
    assert seen == "strange of the active stack strange is of the flavor other"
