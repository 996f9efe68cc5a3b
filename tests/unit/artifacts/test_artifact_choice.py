"""Which server a model gets, where nobody named one."""

from __future__ import annotations

from pathlib import Path

import pytest
from frameworks import models
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from trained import write_zenml_artifact

from seldon_deployer.artifacts.detect import detect
from seldon_deployer.artifacts.frameworks import TITLES
from seldon_deployer.artifacts.layout import prepare
from seldon_deployer.artifacts.layouts import CONVERTERS
from seldon_deployer.artifacts.names import Candidate
from seldon_deployer.artifacts.plans import (
    CONVERSIONS,
    Needs,
    choose_server,
    explain_choice,
    find_plan,
)
from seldon_deployer.catalogue import known_servers
from seldon_deployer.errors import ArtifactError


def chosen(
    framework: str, kind: str, trained: dict[str, str], protocol: str, *, is_local: bool
) -> str:
    model = Candidate(framework, kind, f"model.{kind}")
    server = choose_server(model, protocol=protocol, is_local=is_local, needs=Needs(trained))
    return server.name


@pytest.mark.parametrize(
    ("framework", "kind", "trained", "protocol", "on_cluster"),
    [
        ("sklearn", "pickle", {"scikit-learn": "0.24.2"}, "seldon", "SKLEARN_SERVER"),
        # It may load, so it is tried, with a warning.
        ("sklearn", "pickle", {"scikit-learn": "1.5.0"}, "seldon", "SKLEARN_SERVER"),
        ("sklearn", "pickle", {"numpy": "2"}, "seldon", "OUR_SKLEARN_SERVER"),
        ("xgboost", "json", {}, "seldon", "XGBOOST_SERVER"),
        ("xgboost", "json", {"xgboost": "1.5.2"}, "seldon", "XGBOOST_SERVER"),
        ("xgboost", "json", {"xgboost": "2.1.0"}, "seldon", "OUR_XGBOOST_SERVER"),
        ("xgboost", "json", {"xgboost": "2.1.0"}, "v2", "XGBOOST_SERVER"),
        ("xgboost", "ubj", {"xgboost": "3.2.0"}, "v2", "OUR_XGBOOST_SERVER"),
        ("xgboost", "pickle", {}, "v2", "OUR_SKLEARN_SERVER"),
        ("tensorflow", "savedmodel", {"tensorflow": "2.1.0"}, "seldon", "TENSORFLOW_SERVER"),
        ("tensorflow", "savedmodel", {"tensorflow": "2.21.0"}, "seldon", "KERAS_SERVER"),
        ("tensorflow", "savedmodel", {}, "v2", "KERAS_SERVER"),
        ("onnx", "onnx", {"onnx opset": "14", "onnx ir": "7"}, "v2", "TRITON_SERVER"),
        ("onnx", "onnx", {"onnx opset": "18", "onnx ir": "8"}, "v2", "ONNX_SERVER"),
        ("onnx", "onnx", {}, "seldon", "ONNX_SERVER"),
    ],
)
def test_a_cluster_gets_seldons_server_where_that_can_read_the_model(
    framework: str, kind: str, trained: dict[str, str], protocol: str, on_cluster: str
) -> None:
    assert chosen(framework, kind, trained, protocol, is_local=False) == on_cluster


def test_a_server_of_seldons_that_is_passed_over_is_told_with_the_reason() -> None:
    model, needs = Candidate("xgboost", "json", "model.json"), Needs({"xgboost": "3.2.0"})
    server = choose_server(model, protocol="v2", is_local=False, needs=needs)

    told = explain_choice(model, server, protocol="v2", needs=needs)

    for part in (
        "XGBOOST_SERVER cannot read",
        "3.2.0",
        "<=1.7.6",
        "OUR_XGBOOST_SERVER serves",
        "image context",
    ):
        assert part in told


def test_nothing_is_told_where_no_server_was_passed_over() -> None:
    for framework, kind in (("xgboost", "json"), ("lightgbm", "text"), ("xgboost", "pickle")):
        model = Candidate(framework, kind, "model")
        server = choose_server(model, protocol="seldon", is_local=False)

        assert explain_choice(model, server, protocol="seldon", needs=Needs()) == ""


def test_a_pickle_of_more_than_seldons_image_has_goes_to_ours(tmp_path: Path) -> None:
    parts = [("scale", StandardScaler()), ("model", models.train_xgboost_classifier().model)]
    artifact = write_zenml_artifact(tmp_path / "7", Pipeline(parts))

    on_cluster, here = prepare(artifact, is_local=False), prepare(artifact)

    assert (on_cluster.implementation, here.implementation) == (
        "OUR_SKLEARN_SERVER",
        "SKLEARN_SERVER",
    )
    assert "not known to have xgboost" in on_cluster.reason
    assert here.reason == ""
    # The layout is one: a copy serves both.
    assert on_cluster.path == here.path


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
@pytest.mark.parametrize("framework", sorted(set(TITLES) - {"triton"}))
def test_the_embedded_runtime_gets_a_server_that_it_has(framework: str, protocol: str) -> None:
    name = chosen(framework, "", {"xgboost": "3.2.0", "numpy": "2"}, protocol, is_local=True)

    assert known_servers()[name].local_class is not None


@pytest.mark.parametrize(
    ("framework", "kind", "protocol", "name"),
    [
        ("onnx", "onnx", "v2", "ONNX_SERVER"),
        ("onnx", "onnx", "seldon", "ONNX_SERVER"),
        ("triton", "triton", "v2", "TRITON_SERVER"),
        ("xgboost", "booster", "v2", "XGBOOST_SERVER"),
        ("tensorflow", "savedmodel", "v2", "KERAS_SERVER"),
    ],
)
def test_the_embedded_runtime_turns_no_model_into_another_that_it_can_serve_as_it_is(
    framework: str, kind: str, protocol: str, name: str
) -> None:
    assert chosen(framework, kind, {}, protocol, is_local=True) == name


def test_of_several_onnx_files_the_one_is_meant_that_its_server_looks_for() -> None:
    found = detect(["encoder.onnx", "model.onnx"], protocol="v2")

    assert (found.file, found.implementation, found.fits) == ("model.onnx", "ONNX_SERVER", True)


def test_a_protocol_that_no_server_speaks_is_an_error_that_names_the_other() -> None:
    with pytest.raises(ArtifactError, match="set protocol to v2"):
        chosen("triton", "triton", {}, "seldon", is_local=False)


@pytest.mark.parametrize("is_local", [True, False])
def test_a_hugging_face_folder_has_a_server_for_each_protocol(is_local: bool) -> None:
    names = [
        chosen("huggingface", "huggingface", {}, each, is_local=is_local)
        for each in ("seldon", "v2")
    ]

    assert names == ["OUR_HUGGINGFACE_SERVER", "HUGGINGFACE_SERVER"]


def test_every_conversion_that_is_planned_can_be_done() -> None:
    planned = {
        (framework, wanted)
        for framework, turned in CONVERSIONS.items()
        for formats in turned.values()
        for wanted in formats
    }

    assert planned == set(CONVERTERS)


formats = sorted({each for server in known_servers().values() for each in server.formats})


@given(
    st.sampled_from(sorted(known_servers())),
    st.sampled_from(sorted(TITLES)),
    st.sampled_from([*formats, "module", "booster"]),
    st.sampled_from(["model", "iris", "1/model"]),
    st.sampled_from(["seldon", "v2"]),
)
def test_a_plan_ends_where_nothing_is_left_to_do(
    name: str, framework: str, kind: str, stem: str, protocol: str
) -> None:
    server = known_servers()[name]
    plan = find_plan(Candidate(framework, kind, f"{stem}.x"), server, protocol)
    if plan is None or not plan.target:
        return
    reached = Candidate(framework, plan.converted_to or kind, plan.target)
    again = find_plan(reached, server, protocol)

    assert again is not None
    assert again.fits(plan.target)
