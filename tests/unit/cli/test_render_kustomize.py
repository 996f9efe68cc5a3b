"""`render --kustomize`: files for Git, written again safely."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from seldon_deployer.cli.run import run

IRIS = ["render", "--name", "iris", "--model-uri", "s3://m/1", "--implementation", "SKLEARN_SERVER"]
ARGOCD = ["--argocd-repo", "https://git.example.com/models.git"]


def read(folder: Path) -> dict[str, Any]:
    return {path.name: yaml.safe_load(path.read_text()) for path in folder.iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "iris"


def test_a_kustomization_names_the_deployment_which_has_no_namespace(capsys, folder) -> None:
    assert run([*IRIS, "-n", "models", "--secret-name", "creds", "--kustomize", str(folder)]) == 0

    assert capsys.readouterr().out.splitlines() == [
        str(folder / "iris.yaml"),
        str(folder / "kustomization.yaml"),
    ]
    files = read(folder)
    assert files["kustomization.yaml"]["resources"] == ["iris.yaml"]
    assert files["iris.yaml"]["metadata"].keys() == {"name", "labels", "annotations"}
    assert files["iris.yaml"]["spec"]["predictors"][0]["graph"]["envSecretRefName"] == "creds"


def test_writing_the_same_again_touches_nothing(folder) -> None:
    written = [*IRIS, "--kustomize", str(folder), *ARGOCD, "--argocd-path", "iris"]
    run(written)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}

    assert run(written) == 0

    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_change_is_written_and_a_second_deployment_joins_the_first(folder) -> None:
    run([*IRIS, "--kustomize", str(folder)])
    run([*IRIS, "--kustomize", str(folder), "--replicas", "2"])
    run(["render", "--name", "wine", "--image", "me/wine:1", "--kustomize", str(folder)])

    files = read(folder)
    assert files["iris.yaml"]["spec"]["replicas"] == 2
    assert files["kustomization.yaml"]["resources"] == ["iris.yaml", "wine.yaml"]


@pytest.mark.parametrize("name", ["iris.yaml", "kustomization.yaml", "iris.application.yaml"])
def test_what_somebody_else_wrote_stays_and_nothing_is_half_written(capsys, folder, name) -> None:
    folder.mkdir()
    (folder / name).write_text("mine: true\n")
    wanted = [*IRIS, "--kustomize", str(folder), *ARGOCD, "--argocd-path", "iris"]

    assert run(wanted) == 2

    assert f"{folder / name} is somebody else's" in capsys.readouterr().err
    assert read(folder) == {name: {"mine": True}}
    assert run([*wanted, "--force"]) == 0
    assert len(read(folder)) == 3


def test_an_application_follows_the_folder_into_the_namespace(folder) -> None:
    more = ["--argocd-path", "deploy/iris", "--argocd-revision", "v1", "-n", "models"]
    assert run([*IRIS, "--kustomize", str(folder), *ARGOCD, *more]) == 0

    application = read(folder)["iris.application.yaml"]
    assert application["apiVersion"] == "argoproj.io/v1alpha1"
    assert application["spec"]["source"] == {
        "repoURL": "https://git.example.com/models.git",
        "path": "deploy/iris",
        "targetRevision": "v1",
    }
    assert application["spec"]["destination"]["namespace"] == "models"
    # It is no part of what it follows.
    assert read(folder)["kustomization.yaml"]["resources"] == ["iris.yaml"]


def test_a_relative_folder_is_its_own_path_in_the_repository(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder.parent)

    assert run([*IRIS, "--kustomize", "iris", *ARGOCD]) == 0

    assert read(folder)["iris.application.yaml"]["spec"]["source"]["path"] == "iris"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (ARGOCD, "are for --kustomize DIR"),
        (["--force"], "are for --kustomize DIR"),
        (["--kustomize", "/nowhere", *ARGOCD], "give --argocd-path"),
        (["--ignore", "nothing"], "there is no rule 'nothing'"),
    ],
)
def test_options_that_say_nothing_are_wrong_usage(capsys, more, words) -> None:
    assert run([*IRIS, *more]) == 2
    assert words in capsys.readouterr().err


def test_a_rule_of_advice_is_silenced(capsys) -> None:
    v2 = [*IRIS, "--protocol", "v2", "-p", "n=predict"]
    assert run(v2) == 0
    assert "reads none under protocol v2" in capsys.readouterr().err

    assert run([*v2, "--ignore", "unread-parameters"]) == 0

    assert capsys.readouterr().err == ""
