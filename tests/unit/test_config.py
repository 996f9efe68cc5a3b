from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from seldon_deployer.config import DeploymentConfig, parse_config
from seldon_deployer.errors import ConfigError, InvalidName

LEAST = {"model_name": "iris", "model_uri": "s3://models/iris"}


def test_a_name_and_an_address_are_enough() -> None:
    config = DeploymentConfig(model_name="Iris Classifier", model_uri="s3://models/iris")

    assert config.name == "iris-classifier"
    assert (config.protocol, config.replicas, config.orchestrator) == ("seldon", 1, "auto")


def test_a_configuration_does_not_change() -> None:
    config = DeploymentConfig(**LEAST)

    with pytest.raises(ValidationError):
        config.replicas = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model_uri": None}, "give model_uri, or python_class or image"),
        ({"replicas": -1}, "replicas: must be greater than or equal to 0"),
        ({"protocol": "grpc"}, "protocol: "),
        ({"replica": 1}, "replica: there is no such field (did you mean replicas?)"),
        ({"replica_s_": {}, "zzz": 1}, "zzz: there is no such field"),
        (
            {"predictors": [{"name": "a", "trafic": 1}]},
            "predictors.0.trafic: there is no such field (did you mean traffic?)",
        ),
        (
            {"tolerations": [{"key": "a", "efect": "NoSchedule"}]},
            "tolerations.0.efect: there is no such field (did you mean effect?)",
        ),
        ({"tolerations": {"key": "a"}}, "tolerations: must be a list"),
        ({"labels": "a=b"}, "labels: must be a mapping of keys to values"),
        ({"annotations": {"a": 1}}, "annotations.a: must be text: put it in quotes"),
        (
            {"model_uri": object()},
            "model_uri: must be text: save the object, and say where it lies",
        ),
        ({"graph": {"name": "a", "type": "MODEL"}}, "graph: each unit says its kind"),
        ({"python_class": "not a class"}, "python_class: 'not a class' is no name such as"),
        (
            {"python_class": "m.C", "implementation": "SKLEARN_SERVER"},
            "implementation and python_class are two servers",
        ),
        (
            {"model_uri": None, "image": "mine:1", "implementation": "SKLEARN_SERVER"},
            "SKLEARN_SERVER needs a model_uri",
        ),
        ({"resources": {"cpu": {}}}, "resources: 'cpu' is neither requests nor limits"),
        (
            {"resources": {"limits": {"cpu": "half"}}},
            "resources: limits.cpu: 'half' is no quantity such as 500m",
        ),
        ({"env": {"A B": "1"}}, "env: 'A B' is no name of an environment variable"),
        ({"env": {"A": 1}}, "env.A: "),
        (
            {"python_class": "m.C", "env": {"MODEL_NAME": "x"}},
            "env: MODEL_NAME is written for python_class",
        ),
        ({"labels": {"a": "b c"}}, "labels: a: 'b c' is no label value"),
        ({"labels": {"a b": "c"}}, "labels: 'a b' is no key"),
        (
            {"labels": {"app.kubernetes.io/managed-by": "me"}},
            "labels: app.kubernetes.io/managed-by is ours to write",
        ),
        (
            {"annotations": {"seldon-deployer/revision": "1"}},
            "annotations: seldon-deployer/revision is ours to write",
        ),
        (
            {"annotations": {"seldon.io/no-engine": "true"}},
            'annotations: seldon.io/no-engine is written by orchestrator="never"',
        ),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(**{**LEAST, **fields})

    assert message in caught.value.why
    assert caught.value.exit_code == 2


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(**LEAST, replicas=-1, env={"A B": "1"}, foo=1)

    assert [part.partition(":")[0] for part in caught.value.why.split("; ")] == [
        "replicas",
        "env",
        "foo",
    ]


def test_an_unknown_server_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no model server 'SKLEARN'.*SKLEARN_SERVER"):
        parse_config(**LEAST, implementation="SKLEARN")


def test_a_name_that_makes_no_kubernetes_name_is_an_error() -> None:
    with pytest.raises(InvalidName):
        parse_config(model_name="---", model_uri="s3://models/iris")


def test_parameters_keep_their_types() -> None:
    parameters = {"flag": True, "count": 1, "share": 1.0, "text": "1"}

    config = parse_config(**LEAST, parameters=parameters)

    assert {name: type(value) for name, value in config.parameters.items()} == {
        "flag": bool,
        "count": int,
        "share": float,
        "text": str,
    }


def test_a_code_path_is_absolute_whatever_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")

    config = parse_config(model_name="iris", python_class="m.C", code_path="code")

    assert config.code_path == Path("/code")


def test_a_server_that_loads_from_a_hub_needs_no_address() -> None:
    config = parse_config(
        model_name="bert", image="mine:1", implementation="HUGGINGFACE_SERVER", protocol="v2"
    )

    assert config.model_uri is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("model.joblib", str(Path.cwd() / "model.joblib")),
        ("~/models/iris", str(Path.home() / "models" / "iris")),
        ("/models/iris", "/models/iris"),
        ("file:///models/iris", "file:///models/iris"),
        ("s3://models/iris", "s3://models/iris"),
    ],
)
def test_a_models_path_is_kept_whole_as_it_is_read_from_other_folders(
    given: str, kept: str
) -> None:
    assert DeploymentConfig(model_name="iris", model_uri=given).model_uri == kept
