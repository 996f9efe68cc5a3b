"""A configuration from a file: all of its fields, relative to it, with options over it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from seldon_deployer.cli.run import run

FULL = """
model_name: iris
modelUri: s3://models/iris
implementation: SKLEARN_SERVER
replicas: 3
parameters: {method: predict, n: 1}
env:
  - name: A
    value: "1"
  - name: TOKEN
    valueFrom: {secretKeyRef: {name: t, key: k}}
tolerations: [{key: gpu, operator: Exists, tolerationSeconds: 5, effect: NoExecute}]
"""


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(text: str) -> str:
        path = tmp_path / "iris.yaml"
        path.write_text(text)
        return str(path)

    return write


def render(capsys: Any, *arguments: str) -> dict[str, Any]:
    assert run(["render", "--output", "json", *arguments]) == 0, capsys.readouterr().err
    manifest: dict[str, Any] = json.loads(capsys.readouterr().out)
    return manifest


def pod(manifest: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = manifest["spec"]["predictors"][0]["componentSpecs"][0]["spec"]
    return found


def test_all_fields_are_read_in_either_spelling(capsys, written) -> None:
    manifest = render(capsys, "--file", written(FULL))

    assert manifest["spec"]["replicas"] == 3
    assert pod(manifest)["tolerations"][0]["tolerationSeconds"] == 5
    assert [each["name"] for each in pod(manifest)["containers"][0]["env"]] == ["A", "TOKEN"]


def test_options_win_over_the_file_key_by_key(capsys, written) -> None:
    options = ["--replicas", "1", "-p", "n=2", "-e", "A=2", "-e", "B=3", "--label", "team=blue"]

    manifest = render(capsys, "-f", written(FULL), *options)

    assert manifest["spec"]["replicas"] == 1
    parameters = manifest["spec"]["predictors"][0]["graph"]["parameters"]
    assert {each["name"]: each["value"] for each in parameters} == {"method": "predict", "n": "2"}
    env = {each["name"]: each.get("value") for each in pod(manifest)["containers"][0]["env"]}
    assert env == {"A": "2", "B": "3", "TOKEN": None}
    assert manifest["metadata"]["labels"]["team"] == "blue"


def test_the_name_may_come_from_either(capsys, written) -> None:
    file = written("image: mine:1")

    assert render(capsys, "-f", file, "--name", "x")["metadata"]["name"] == "x"
    assert run(["render", "-f", file]) == 2
    assert "the model has no name" in capsys.readouterr().err


def test_stdin_is_read_too(capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(FULL))

    assert render(capsys, "-f", "-")["metadata"]["name"] == "iris"


def test_paths_in_a_file_are_relative_to_it(capsys, written, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir("/")
    graph = {
        "kind": "chain",
        "steps": [
            {"kind": "transformer", "name": "t", "python_class": "m.T", "code_path": "code"},
            {"kind": "model", "name": "m", "python_class": "m.M", "codePath": "code"},
        ],
    }
    graph["steps"][1]["code_path"] = graph["steps"][1].pop("codePath")
    text = yaml.safe_dump({"model_name": "iris", "graph": graph, "parameters": {}})

    manifest = render(capsys, "-f", written(text), "--runtime", "local")

    annotations = manifest["spec"]["predictors"][0]["componentSpecs"][0]["metadata"]["annotations"]
    assert annotations["seldon-deployer/code-path"] == str(tmp_path / "code")


def test_the_users_own_words_are_no_paths(capsys, written) -> None:
    text = FULL.replace("n: 1", "model_uri: here")

    graph = render(capsys, "-f", written(text))["spec"]["predictors"][0]["graph"]

    assert {"name": "model_uri", "value": "here", "type": "STRING"} in graph["parameters"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "is no YAML"),
        ("a: 1\n---\nb: 2", "it holds 2 documents"),
        ("- a", "it holds 1 documents, and one mapping"),
        ("", "it holds 0 documents"),
        ("model_name: a\nmodelName: b", "model_name is given twice"),
        (
            "model_name: a\nimage: i\nreplica: 2",
            "replica: there is no such field (did you mean replicas?)",
        ),
        (
            "model_name: a\nimage: i\nhpa: {maxReplicas: 2, metrics: [{type: Pods}]}",
            "hpa.metrics: 0: a metric of type Pods has the field pods",
        ),
        (
            "model_name: a\nimage: i\nvolumes: [{name: v}, {name: w, emptyDir: {}, nfs: {}}]",
            "volumes.1: a volume has one source",
        ),
        (
            "model_name: a\ngraph: {kind: model, name: A, model_uri: s3://a/b}",
            "graph.name: ",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_told_by_its_path(capsys, written, text, words) -> None:
    assert run(["render", "-f", written(text)]) == 2
    assert words in capsys.readouterr().err


def test_a_missing_file_is_named(capsys) -> None:
    assert run(["render", "-f", "/nowhere.yaml"]) == 2
    assert "cannot read /nowhere.yaml" in capsys.readouterr().err
