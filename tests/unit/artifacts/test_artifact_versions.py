from __future__ import annotations

from pathlib import Path

import pytest

from seldon_deployer.artifacts.location import local_path
from seldon_deployer.artifacts.versions import version_warning
from seldon_deployer.errors import ArtifactError


@pytest.mark.parametrize(
    ("trained", "served"),
    [
        ({}, {"scikit-learn": "0.24.2"}),
        ({"scikit-learn": "1.5.0"}, {}),
        ({"scikit-learn": "0.24.1"}, {"scikit-learn": "0.24.2"}),
        ({"xgboost": "2.0"}, {"scikit-learn": "0.24.2"}),
    ],
)
def test_nothing_is_said_where_nothing_differs(
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
