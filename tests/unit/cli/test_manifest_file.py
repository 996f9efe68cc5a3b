"""`--manifest`, and a manifest where a configuration is wanted."""

from __future__ import annotations

import pytest

from seldon_deployer.cli.run import run

MANIFEST = """
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: {name: %s}
spec: {predictors: []}
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"


@pytest.fixture
def written(tmp_path):
    def write(text):
        file = tmp_path / "file.yaml"
        file.write_text(text)
        return str(file)

    return write


@pytest.mark.parametrize("command", ["deploy", "diff", "render"])
def test_a_manifest_given_as_a_configuration_is_told_with_what_to_do(capsys, written, command):
    file = written(MANIFEST % "iris")
    assert run([command, "--file", file]) == 2
    told = capsys.readouterr().err
    assert "holds a SeldonDeployment, and --file takes a configuration" in told
    assert f"--manifest {file}" in told
    assert f"validate {file}" in told


def test_another_resource_given_as_a_configuration_is_kubectls(capsys, written):
    file = written(SECRET)
    assert run(["deploy", "--file", file]) == 2
    assert f"kubectl apply -f {file}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (MANIFEST % "a", ["--name", "b", "--env", "A=1"], "env, model_name: given beside it"),
        (MANIFEST % "a", ["--file", "x.yaml"], "file: given beside it"),
        (SECRET, [], "it holds 0"),
        ("model_name: iris", [], "a configuration is given by --file"),
        (MANIFEST % "a" + "---" + MANIFEST % "b", [], "it holds 2: a, b"),
        ("a: [", [], "is no YAML"),
        ("a: {{ .Values.a }}", [], "helm template . | seldon-deployer"),
        (
            (MANIFEST % "a").replace("Deployment", "Deploymnt"),
            [],
            "did you mean SeldonDeployment?",
        ),
        (
            (MANIFEST % "a").replace("seldon.io/v1", "seldon.o/v1"),
            [],
            "apiVersion: Invalid value: 'machinelearning.seldon.o/v1'",
        ),
        (
            "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: a}\n",
            [],
            "of Seldon Core v2",
        ),
    ],
)
def test_what_is_no_single_manifest_is_wrong_usage(capsys, written, text, options, said):
    assert run(["deploy", "--manifest", written(text), *options]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nowhere.yaml", "there is no such file"),
        ("folder", "it is a folder"),
        ("binary", "it is no text in UTF-8"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [["validate"], ["deploy", "--file"], ["deploy", "--manifest"], ["secret", "check"]],
)
def test_a_file_that_cannot_be_read_is_told_in_plain_words(
    capsys, tmp_path, monkeypatch, command, name, why
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    if command == ["validate"] and name == "folder":
        return  # A folder stands for the files in it.
    if command == ["secret", "check"] and name == "nowhere.yaml":
        name = "./nowhere.yaml"
    assert run([*command, name]) == 2
    told = capsys.readouterr().err
    assert f"cannot read {name}" in told
    assert why in told
