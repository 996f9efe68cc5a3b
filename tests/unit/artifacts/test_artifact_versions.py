from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.artifacts.location import local_path
from seldon_deployer.artifacts.versions import RULES, Effect, judge_versions, version_warning
from seldon_deployer.catalogue import find_server
from seldon_deployer.errors import ArtifactError

MLSERVER = find_server("XGBOOST_SERVER").versions["v2"]["xgboost"]
SELDON = find_server("XGBOOST_SERVER").versions["seldon"]["xgboost"]


@pytest.mark.parametrize(
    ("trained", "served"),
    [
        ({}, {"scikit-learn": "0.24.2"}),
        ({"scikit-learn": "1.5.0"}, {}),
        ({"scikit-learn": "0.24.1"}, {"scikit-learn": "0.24.2"}),
        ({"xgboost": "2.0"}, {"scikit-learn": "0.24.2"}),
        ({"pandas": "3.0"}, {"pandas": "1.0"}),
        ({"numpy": "2"}, {"numpy": "1.26.4"}),
        ({"numpy": "1.24.0"}, {"numpy": "2.4.0"}),
        ({"onnx opset": "14"}, {"onnx opset": "<=14"}),
    ],
)
def test_nothing_is_said_where_nothing_matters(
    trained: dict[str, str], served: dict[str, str]
) -> None:
    assert version_warning(trained, served, server="the server") is None


def test_a_difference_is_told_with_both_versions_and_what_to_do() -> None:
    warning = version_warning(
        {"scikit-learn": "1.5.0"}, {"scikit-learn": "0.24.2"}, server="sklearnserver:1.17.1"
    )

    assert warning is not None
    for part in ("scikit-learn 1.5.0", "has 0.24.2", "sklearnserver:1.17.1", "python_class"):
        assert part in warning


# What XGBoost of the version at the top of a column made of the model of the version in the row,
# written as JSON or UBJSON and in the old binary format.
@pytest.mark.parametrize(
    ("trained", "file_format", "seldon", "mlserver"),
    [
        ("1.4.2", "json", Effect.NONE, Effect.NONE),
        ("1.5.2", "json", Effect.NONE, Effect.NONE),
        ("1.6.2", "json", Effect.FAILS, Effect.NONE),
        ("1.7.6", "ubj", Effect.FAILS, Effect.NONE),
        ("2.1.4", "json", Effect.FAILS, Effect.NONE),
        ("2.1.4", "binary", Effect.NONE, Effect.NONE),
        ("3.0.5", "binary", Effect.NONE, Effect.NONE),
        ("3.0.5", "ubj", Effect.FAILS, Effect.NONE),
        ("3.1.3", "json", Effect.FAILS, Effect.WRONG),
        ("3.2.0", "ubj", Effect.FAILS, Effect.WRONG),
    ],
)
def test_what_was_seen_of_xgboost_is_what_is_told(
    trained: str, file_format: str, seldon: Effect, mlserver: Effect
) -> None:
    told = [
        judge_versions({"xgboost": trained}, {"xgboost": served}, file_format).effect
        for served in (SELDON, MLSERVER)
    ]

    assert told == [seldon, mlserver]


@pytest.mark.parametrize(
    ("trained", "served", "effect", "reason"),
    [
        ({"numpy": "2.1.0"}, {"numpy": "<=1.25.0"}, Effect.FAILS, "pickles of numpy 2"),
        ({"onnx opset": "15"}, {"onnx opset": "<=14"}, Effect.FAILS, "operators of later sets"),
        ({"onnx ir": "8"}, {"onnx ir": "<=7"}, Effect.FAILS, "later forms of the file"),
        (
            {"tensorflow": "2.21.0"},
            {"tensorflow": "2.1.0"},
            Effect.UNSUPPORTED,
            "earlier versions only",
        ),
        ({"xgboost": "1.7.6"}, {"xgboost": "3.2.0"}, Effect.FAILS, "old binary format"),
        ({"keras": "3.15.1"}, {"keras": "2.15.0"}, Effect.FAILS, "what Keras 3 writes"),
    ],
)
def test_what_is_known_to_break_says_why(
    trained: dict[str, str], served: dict[str, str], effect: Effect, reason: str
) -> None:
    verdict = judge_versions(trained, served, "binary")

    assert verdict.effect == effect
    assert [reason in each for each in verdict.reasons] == [True]


@pytest.mark.parametrize(
    ("trained", "served", "file_format", "effect"),
    [
        ("2.6.0+cpu", "2.15.0", "export", Effect.MAY_FAIL),
        ("2.15.0", "2.15.1", "export", Effect.NONE),
        ("2.15.0", "2.6.0", "export", Effect.NONE),
        ("2.6.0", "2.15.0", "torchscript", Effect.NONE),
    ],
)
def test_an_exported_program_of_an_earlier_pytorch_may_not_load(
    trained: str, served: str, file_format: str, effect: Effect
) -> None:
    assert judge_versions({"torch": trained}, {"torch": served}, file_format).effect == effect


libraries = st.sampled_from(sorted({rule.library for rule in RULES}))
versions = st.dictionaries(
    libraries, st.from_regex(r"(<=)?[0-9]{1,2}(\.[0-9]{1,2}){0,2}(\+cpu|rc1)?", fullmatch=True)
)


@given(versions, versions, st.sampled_from(["", "json", "ubj", "binary", "pickle", "savedmodel"]))
def test_a_warning_names_each_library_that_matters(
    trained: dict[str, str], served: dict[str, str], file_format: str
) -> None:
    verdict = judge_versions(trained, served, file_format)
    warning = version_warning(trained, served, server="it", file_format=file_format)

    assert (warning is None) == (verdict.effect == Effect.NONE) == (not verdict.reasons)
    assert all(reason in (warning or "") for reason in verdict.reasons)
    assert all(reason.split()[0] in trained or "onnx" in reason for reason in verdict.reasons)


@given(versions)
def test_what_serves_with_the_versions_of_training_is_never_warned_of(
    trained: dict[str, str],
) -> None:
    exact = {library: version.removeprefix("<=") for library, version in trained.items()}

    assert version_warning(exact, exact, server="it") is None


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/store/model", Path("/store/model")),
        ("file:///store/model", Path("/store/model")),
        ("file://localhost/store/my%20model", Path("/store/my model")),
        ("FILE:///store", Path("/store")),
        ("s3://bucket/model", None),
        ("gs://bucket/model", None),
    ],
)
def test_paths_of_this_machine_are_told_from_stores(uri: str, expected: Path | None) -> None:
    assert local_path(uri) == expected


def test_a_relative_path_starts_here() -> None:
    assert local_path("model") == Path.cwd() / "model"


def test_another_machines_file_is_an_error() -> None:
    with pytest.raises(ArtifactError, match="three slashes"):
        local_path("file://store/model")
