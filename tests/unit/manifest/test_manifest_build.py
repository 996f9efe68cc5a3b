from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.catalogue import OUR_IMAGE, SERVERS
from seldon_deployer.config import DeploymentConfig, parse_config
from seldon_deployer.errors import ConfigError
from seldon_deployer.manifest.admission import check_admission
from seldon_deployer.manifest.advice import check_advice
from seldon_deployer.manifest.build import build_manifest, needs_orchestrator
from seldon_deployer.manifest.crd import resource_schema
from seldon_deployer.manifest.schema import check_schema, prune, unknown_fields

URI = "s3://models/iris"
SCHEMA = resource_schema()


def build(
    *,
    orchestrator: bool = False,
    implementation: str | None = "SKLEARN_SERVER",
    fingerprint: str = "f",
    python: str | None = None,
    **fields: Any,
) -> dict[str, Any]:
    config = parse_config(**{"model_name": "Iris Model", "model_uri": URI, **fields})
    return build_manifest(
        config,
        namespace="models",
        orchestrator=orchestrator,
        uri=config.model_uri,
        implementation=implementation,
        fingerprint=fingerprint,
        python=python,
    )


def first(manifest: dict[str, Any]) -> dict[str, Any]:
    return manifest["spec"]["predictors"][0]


def container(manifest: dict[str, Any]) -> dict[str, Any]:
    return first(manifest)["componentSpecs"][0]["spec"]["containers"][0]


def test_the_manifest_of_a_scikit_learn_model() -> None:
    manifest = build()
    revision = first(manifest)["annotations"].pop("seldon-deployer/revision")

    assert len(revision) == 16
    assert manifest == {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {
            "name": "iris-model",
            "namespace": "models",
            "labels": {
                "app.kubernetes.io/managed-by": "seldon-deployer",
                "seldon-deployer/model-name": "Iris-Model",
            },
            "annotations": {
                "seldon-deployer/model-name": "Iris Model",
                "seldon-deployer/model-uri": URI,
            },
        },
        "spec": {
            "protocol": "seldon",
            "replicas": 1,
            "predictors": [
                {
                    "name": "default",
                    "annotations": {"seldon.io/no-engine": "true"},
                    "graph": {
                        "name": "iris-model",
                        "type": "MODEL",
                        "implementation": "SKLEARN_SERVER",
                        "modelUri": URI,
                    },
                    "componentSpecs": [
                        {
                            "spec": {
                                "containers": [
                                    {
                                        "name": "iris-model",
                                        "readinessProbe": {
                                            "httpGet": {"path": "/health/status", "port": "http"},
                                            "periodSeconds": 1,
                                            "timeoutSeconds": 5,
                                            "failureThreshold": 5,
                                        },
                                        "startupProbe": {
                                            "httpGet": {"path": "/health/status", "port": "http"},
                                            "periodSeconds": 1,
                                            "timeoutSeconds": 5,
                                            "failureThreshold": 1800,
                                        },
                                    }
                                ]
                            }
                        }
                    ],
                }
            ],
        },
    }


def test_parameters_have_seldons_types_and_an_order() -> None:
    manifest = build(parameters={"s": "1", "i": 2, "f": 0.5, "b": True, "n": -1, "a": False})

    assert first(manifest)["graph"]["parameters"] == [
        {"name": "a", "value": "false", "type": "BOOL"},
        {"name": "b", "value": "true", "type": "BOOL"},
        {"name": "f", "value": "0.5", "type": "FLOAT"},
        {"name": "i", "value": "2", "type": "INT"},
        {"name": "n", "value": "-1", "type": "INT"},
        {"name": "s", "value": "1", "type": "STRING"},
    ]


def test_with_an_orchestrator_there_is_no_annotation_at_all() -> None:
    assert "seldon.io/no-engine" not in first(build(orchestrator=True))["annotations"]


def test_a_python_class_is_a_container_of_our_image() -> None:
    manifest = build(
        implementation=None,
        model_uri=None,
        python_class="models.iris.Model",
        code_path="/code",
        env={"B": "2", "A": "1"},
    )

    graph, served = first(manifest)["graph"], container(manifest)
    assert graph == {"name": "iris-model", "type": "MODEL"}
    assert served["image"] == OUR_IMAGE
    assert served["env"] == [
        {"name": "MODEL_NAME", "value": "models.iris.Model"},
        {"name": "SERVICE_TYPE", "value": "MODEL"},
        {"name": "A", "value": "1"},
        {"name": "B", "value": "2"},
    ]
    assert served["readinessProbe"]["httpGet"]["path"] == "/health/status"
    assert first(manifest)["annotations"]["seldon-deployer/code-path"] == "/code"


def test_v2_servers_are_asked_on_their_own_path() -> None:
    manifest = build(protocol="v2")

    assert manifest["spec"]["protocol"] == "v2"
    assert container(manifest)["startupProbe"]["httpGet"]["path"] == "/v2/health/ready"


def test_an_image_of_unknown_make_is_only_connected_to() -> None:
    manifest = build(implementation=None, image="mine:1")

    assert container(manifest)["image"] == "mine:1"
    assert container(manifest)["readinessProbe"]["tcpSocket"] == {"port": "http"}


def test_resources_secret_and_account_go_where_the_operator_reads_them() -> None:
    resources = {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}}
    manifest = build(resources=resources, secret_name="creds", service_account_name="reader")

    assert container(manifest)["resources"] == resources
    assert first(manifest)["graph"]["envSecretRefName"] == "creds"
    assert first(manifest)["graph"]["serviceAccountName"] == "reader"


def test_annotations_of_seldon_go_where_seldon_reads_them() -> None:
    manifest = build(
        annotations={
            "seldon.io/rest-timeout": "5000",
            "seldon.io/svc-name": "front",
            "team": "blue",
        }
    )

    assert manifest["spec"]["annotations"] == {"seldon.io/rest-timeout": "5000"}
    assert first(manifest)["annotations"]["seldon.io/svc-name"] == "front"
    assert manifest["metadata"]["annotations"]["team"] == "blue"
    assert "seldon.io/rest-timeout" not in manifest["metadata"]["annotations"]


def test_the_interpreter_is_named_for_the_embedded_runtime_only() -> None:
    assert "seldon-deployer/python" not in first(build())["annotations"]
    named = first(build(python="/venv/bin/python"))["annotations"]
    assert named["seldon-deployer/python"] == "/venv/bin/python"


def test_the_prepared_address_is_served_and_the_given_one_is_told() -> None:
    config = parse_config(model_name="iris", model_uri="/store/artifact")

    manifest = build_manifest(
        config,
        namespace="models",
        orchestrator=False,
        uri="file:///store/artifact.seldon-deployer/0",
        implementation="SKLEARN_SERVER",
        fingerprint="",
    )

    assert first(manifest)["graph"]["modelUri"] == "file:///store/artifact.seldon-deployer/0"
    assert manifest["metadata"]["annotations"]["seldon-deployer/model-uri"] == "/store/artifact"


def test_nothing_to_serve_with_is_an_error() -> None:
    with pytest.raises(ConfigError, match="nothing to serve"):
        build(implementation=None)


def test_a_server_that_does_not_speak_the_protocol_is_an_error() -> None:
    with pytest.raises(ConfigError, match="does not speak"):
        build(implementation="TRITON_SERVER")


@pytest.mark.parametrize(
    ("fields", "implementation", "expected"),
    [
        ({}, "SKLEARN_SERVER", False),
        ({}, None, False),
        ({"orchestrator": "always"}, None, True),
        ({"orchestrator": "never", "image": "mine:1"}, None, False),
        ({"image": "mine:1"}, None, True),
        ({"image": "mine:1", "python_class": "m.C"}, None, False),
        ({"image": "mine:1"}, "SKLEARN_SERVER", False),
        ({"python_class": "m.C"}, None, False),
        ({}, "TENSORFLOW_SERVER", True),
    ],
)
def test_the_orchestrator_comes_only_where_it_is_needed(
    fields: dict[str, Any], implementation: str | None, expected: bool
) -> None:
    config = parse_config(model_name="iris", model_uri=URI, **fields)

    assert needs_orchestrator(config, implementation) is expected


@st.composite
def configs(draw: st.DrawFn) -> tuple[DeploymentConfig, str | None]:
    """A configuration that can be deployed, and the server that was found for it."""
    words = st.sampled_from(["a", "b-c", "x1", "Some Text", "é"])
    fields: dict[str, Any] = {
        "model_name": draw(st.from_regex(r"[A-Za-z][A-Za-z0-9 _.-]{0,40}", fullmatch=True)),
        "replicas": draw(st.integers(0, 5)),
        "protocol": draw(st.sampled_from(["seldon", "v2"])),
        "parameters": draw(
            st.dictionaries(words, st.booleans() | st.integers() | st.floats() | words, max_size=3)
        ),
        "env": draw(st.dictionaries(st.sampled_from(["A", "b_1", "C.D"]), words, max_size=2)),
        "annotations": draw(st.dictionaries(st.sampled_from(["a", "seldon.io/x"]), words)),
        "labels": draw(st.dictionaries(st.sampled_from(["l", "d.e/f"]), st.just("v"))),
        "resources": draw(st.sampled_from([None, {"limits": {"cpu": "1"}}])),
        "secret_name": draw(st.sampled_from([None, "creds"])),
    }
    kind = draw(st.sampled_from(["server", "class", "image"]))
    if kind == "class":
        return DeploymentConfig(python_class="m.C", **fields), None
    if kind == "image":
        return DeploymentConfig(image="mine:1", **fields), None
    speaking = [one.name for one in SERVERS.values() if one.image(fields["protocol"])]
    return DeploymentConfig(model_uri=URI, **fields), draw(st.sampled_from(speaking))


@given(configs(), st.booleans())
def test_every_manifest_is_accepted_complete_and_repeatable(
    choice: tuple[DeploymentConfig, str | None], orchestrator: bool
) -> None:
    config, implementation = choice

    def once() -> dict[str, Any]:
        return build_manifest(
            config,
            namespace="models",
            orchestrator=orchestrator,
            uri=config.model_uri,
            implementation=implementation,
            fingerprint="f",
        )

    manifest = once()

    assert check_schema(SCHEMA, manifest) == []  # no nulls among it
    assert unknown_fields(SCHEMA, manifest) == []
    assert prune(SCHEMA, manifest) == manifest
    assert check_admission(manifest) == []
    # What only the user can say stays to be said.
    needed = SERVERS[implementation].needed if implementation else ()
    unsaid = {"missing-parameters"} if set(needed) - set(config.parameters) else set()
    found = {each.rule for each in check_advice(manifest)}
    assert found - {"unread-parameters", "untaken-parameters"} == unsaid
    assert json.dumps(once()) == json.dumps(manifest)
