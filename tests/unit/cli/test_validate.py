"""`seldon-deployer validate`: its lines, its JSON, its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seldon_deployer.cli.run import run

GOOD = """\
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata:
  name: iris
spec:
  replicas: 1
  predictors:
  - name: default
    graph:
      name: classifier
      implementation: SKLEARN_SERVER
      modelUri: s3://models/iris
"""
BAD = GOOD.replace("name: iris", "name: worse").replace("modelUri: s3://models/iris", "logger: {}")
OTHER = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n"
NO_URI = (
    'spec.predictors[0].graph: Invalid value: "classifier": '
    "Predictive unit modelUri required when using standalone servers"
)
NO_MODE = 'spec.predictors[0].graph: Invalid value: "": No logger mode specified'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(GOOD)
    Path("bad.yaml").write_text(f"{OTHER}---\n{BAD}---\n{GOOD}")
    return tmp_path


def test_a_valid_manifest_is_told_in_one_line(folder, capsys):
    assert run(["validate", "good.yaml"]) == 0
    assert capsys.readouterr().out == "good.yaml: iris: valid\n"


def test_each_violation_is_a_line_and_other_resources_are_passed_over(folder, capsys):
    assert run(["validate", "bad.yaml", "good.yaml"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"bad.yaml: worse: invalid: {NO_URI}",
        f"bad.yaml: worse: invalid: {NO_MODE}",
        "bad.yaml: iris: valid",
        "good.yaml: iris: valid",
    ]


def test_json_says_the_same(folder, capsys):
    assert run(["validate", "bad.yaml", "--output", "json"]) == 1
    worse, iris = json.loads(capsys.readouterr().out)
    assert (worse["file"], worse["name"], worse["valid"]) == ("bad.yaml", "worse", False)
    assert [f"{each['field']}: {each['message']}" for each in worse["violations"]] == [
        NO_URI,
        NO_MODE,
    ]
    assert iris == {
        "file": "bad.yaml",
        "name": "iris",
        "valid": True,
        "violations": [],
        "warnings": [],
    }


def test_advice_is_warned_of_or_invalid_and_can_be_silenced(folder, capsys):
    Path("odd.yaml").write_text(
        GOOD.replace("  replicas: 1\n", "").replace("name: classifier", "name: my_unit")
    )
    assert run(["validate", "odd.yaml"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        (
            'odd.yaml: iris: invalid: spec.predictors[0].graph.name: "my_unit" cannot be part of a '
            "Service's name: lower-case letters, digits and hyphens, a letter first, a letter or "
            "digit last (name-characters)"
        ),
        (
            "odd.yaml: iris: warning: no-replicas: spec.predictors[0].replicas: "
            "no replicas are given here or at spec.replicas"
        ),
    ]
    assert run(["validate", "odd.yaml", "--ignore", "name-characters", "-o", "json"]) == 0
    [iris] = json.loads(capsys.readouterr().out)
    assert iris["violations"] == []
    [warning] = iris["warnings"]
    assert warning["rule"] == "no-replicas"
    assert warning["reason"].startswith("with none given anywhere, the operator")
    arguments = ["--ignore", "name-characters", "--ignore", "no-replicas"]
    assert run(["validate", "odd.yaml", *arguments]) == 0
    assert capsys.readouterr().out == "odd.yaml: iris: valid\n"


def test_the_rules_are_listed_and_an_unknown_one_is_wrong_usage(folder, capsys):
    assert run(["validate", "--rules"]) == 0
    assert "name-characters" in capsys.readouterr().out
    assert run(["validate", "good.yaml", "--ignore", "nonsense"]) == 2
    assert "there is no rule 'nonsense'" in capsys.readouterr().err


def test_a_text_that_is_no_yaml_is_invalid_at_its_line(folder, capsys):
    Path("broken.yaml").write_text(f"{GOOD}---\na: 1\nb: }}\n")
    assert run(["validate", "broken.yaml"]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first == "broken.yaml: iris: valid"
    assert second.startswith(f"broken.yaml: -: invalid: line {GOOD.count(chr(10)) + 3}: ")


def test_a_folder_stands_for_its_manifests(folder, capsys):
    (folder / "deep").mkdir()
    (folder / "deep" / "one.json").write_text(GOOD)
    (folder / "deep" / "notes.txt").write_text("no manifest: [")
    assert run(["validate", "."]) == 1
    files = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert files == ["bad.yaml", "bad.yaml", "bad.yaml", "deep/one.json", "good.yaml"]


def test_stdin_is_a_file_called_dash():
    shown = subprocess.run(
        [sys.executable, "-m", "seldon_deployer", "validate", "-"],
        input=GOOD,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert shown.stdout == "-: iris: valid\n"


@pytest.mark.parametrize("arguments", [[], ["nowhere.yaml"], ["good.yaml", "nowhere.yaml"]])
def test_no_file_is_wrong_usage_and_no_half_answer(folder, capsys, arguments):
    assert run(["validate", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")


def test_bytes_that_are_no_text_are_wrong_usage(folder, capsys):
    Path("binary.yaml").write_bytes(b"\xff\xfe\x00")
    assert run(["validate", "binary.yaml"]) == 2
    assert "cannot read binary.yaml" in capsys.readouterr().err


def test_a_file_of_a_folder_that_is_no_text_is_invalid_and_the_others_are_judged(folder, capsys):
    (folder / "deep").mkdir()
    (folder / "deep" / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (folder / "deep" / "good.yaml").write_text(GOOD)
    assert run(["validate", "deep"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "deep/binary.yaml: -: invalid: file: cannot be read: it is no text in UTF-8",
        "deep/good.yaml: iris: valid",
    ]


def test_a_misspelt_kind_is_invalid(folder, capsys):
    Path("odd.yaml").write_text(GOOD.replace("SeldonDeployment", "SeldonDeploymnt"))
    assert run(["validate", "odd.yaml"]) == 1
    assert capsys.readouterr().out == (
        "odd.yaml: iris: invalid: kind: Invalid value: 'SeldonDeploymnt': "
        "did you mean SeldonDeployment?\n"
    )


@pytest.mark.parametrize(
    "wrong", ["machinelearning.seldon.o/v1", "machinelearnin.seldon.io/v1alpha2", "v1"]
)
def test_a_misspelt_group_is_invalid(folder, capsys, wrong):
    Path("odd.yaml").write_text(GOOD.replace("machinelearning.seldon.io/v1", wrong))
    assert run(["validate", "odd.yaml"]) == 1
    assert capsys.readouterr().out == (
        f"odd.yaml: iris: invalid: apiVersion: Invalid value: '{wrong}': "
        "a SeldonDeployment is of machinelearning.seldon.io/v1\n"
    )


def test_a_template_says_how_it_is_rendered(folder, capsys):
    Path("helm.yaml").write_text(GOOD.replace("name: iris", "name: {{ .Values.name }}"))
    assert run(["validate", "helm.yaml"]) == 1
    assert "helm template . | seldon-deployer validate -" in capsys.readouterr().out


def test_a_file_without_seldon_deployments_says_so_on_stderr(folder, capsys):
    Path("other.yaml").write_text(OTHER)
    assert run(["validate", "other.yaml"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("no SeldonDeployment found in other.yaml (")


def test_validating_loads_neither_models_nor_client(folder):
    code = (
        "import sys; from seldon_deployer.cli.run import run; run(['validate', 'good.yaml'])\n"
        "heavy = ('kubernetes', 'pydantic', 'rich', 'urllib3', 'aiohttp', 'zenml')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        timeout=60,
        check=True,
    )
    assert shown.stdout.splitlines() == ["good.yaml: iris: valid", "[]"]
