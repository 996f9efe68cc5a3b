"""The flavor from the command lines: ours registers it, ZenML's own uses it."""

import pytest
from zenml_store import ZenMLStore

ALL_OPTIONS = {
    "kubernetes_context": "kind",
    "kubernetes_namespace": "models",
    "base_url": "http://localhost:8080",
    "storage_secret": "s3",
    "kubernetes_secret_name": "storage",
    "runtime": "cluster",
    "preflight": "strict",
    "server_image": "registry.example.com/server:1",
}
DEFAULTS = dict.fromkeys(ALL_OPTIONS) | {"runtime": "auto", "preflight": "warn"}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with ZenMLStore(tmp_path_factory.mktemp("zenml-cli")) as store:
        yield store


@pytest.fixture(scope="module")
def registered(store):
    return store.done("seldon-deployer", "zenml", "register")


def test_registering_the_flavor_twice_is_fine(store, registered):
    assert "seldon_core" in registered
    assert "seldon_core" in store.done("seldon-deployer", "zenml", "register")


@pytest.mark.parametrize("options", [{}, {"runtime": "local"}, ALL_OPTIONS])
def test_zenml_registers_a_model_deployer_with_any_options(store, registered, options):
    name = f"deployer-{len(options)}"
    flags = [f"--{option}={value}" for option, value in options.items()]
    store.done("zenml", "model-deployer", "register", name, "--flavor=seldon_core", *flags)
    stored = store.script(f"""
        from zenml.client import Client
        from zenml.stack import StackComponent
        model = Client().get_stack_component("model_deployer", {name!r})
        component = StackComponent.from_model(model)
        answer({{
            "given": model.configuration,
            "whole": component.config.model_dump(),
            "requirements": list(component.requirements),
        }})
    """)
    assert stored["given"] == options
    assert stored["whole"] == DEFAULTS | options
    assert any(need.startswith("seldon-deployer") for need in stored["requirements"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--runtime=laptop"], "'auto', 'cluster' or 'local'"),
        (["--preflight=none"], "'strict', 'warn' or 'off'"),
        (["--runtime=local", "--kubernetes_context=kind"], "leave one out"),
    ],
)
def test_options_that_cannot_hold_are_refused_at_registration(store, registered, options, said):
    result = store.run(
        *("zenml", "model-deployer", "register", "wrong", "--flavor=seldon_core"), *options
    )
    assert result.returncode != 0
    assert said in result.stdout + result.stderr
