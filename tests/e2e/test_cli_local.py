"""The command line against the embedded runtime, as a person at a shell uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import joblib
import pytest
import yaml
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from seldon_deployer.local import lifecycle

FLOWERS = [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]
CLASSES = """
class Times:
    def __init__(self, k=1):
        self.k = k

    def predict(self, X, names):
        return X * self.k
"""


@dataclass
class Shell:
    """Runs `seldon-deployer` in a folder, with a home of its own and no kubeconfig."""

    folder: Path
    home: Path

    def __call__(self, *arguments: str, code: int = 0, stdin: str = "") -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "SELDON_DEPLOYER_HOME": str(self.home),
            # No cluster: neither by the variable nor in the home folder.
            "KUBECONFIG": "",
            "HOME": str(self.folder),
            "COLUMNS": "200",
        }

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "seldon_deployer", *arguments],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def json(self, *arguments: str) -> dict:
        return json.loads(self(*arguments, "--output", "json"))


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("shell")
    (folder / "classes.py").write_text(CLASSES)
    home = folder / "home"
    yield Shell(folder, home)
    lifecycle.stop(home)
    assert not lifecycle.status(home).is_running


def save_model(folder: Path, depth: int = 3) -> DecisionTreeClassifier:
    rows, labels = load_iris(return_X_y=True)
    model = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(rows, labels)
    folder.mkdir(exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    return model


@pytest.fixture(scope="module")
def iris(shell: Shell) -> Iterator[DecisionTreeClassifier]:
    model = save_model(shell.folder / "iris")
    shell("deploy", "--name", "iris", "--model-uri", "iris")
    yield model
    shell("delete", "iris")


def test_a_deployed_model_predicts_as_it_does_here(shell, iris):
    answer = shell("predict", "iris", "--data", json.dumps(FLOWERS))
    assert json.loads(answer) == iris.predict_proba(FLOWERS).tolist()


def test_data_may_come_from_a_file_or_stdin(shell, iris):
    (shell.folder / "rows.json").write_text(json.dumps(FLOWERS))
    from_file = shell("predict", "iris", "--data", "@rows.json")
    assert from_file == shell("predict", "iris", "--data", "-", stdin=json.dumps(FLOWERS))


def test_a_whole_message_is_answered_whole(shell, iris):
    message = {"data": {"ndarray": FLOWERS}, "meta": {"puid": "mine"}}
    answer = json.loads(shell("predict", "iris", "--data", json.dumps(message)))
    assert answer["data"]["ndarray"] == iris.predict_proba(FLOWERS).tolist()
    assert answer["meta"]["puid"] == "mine"


def test_list_and_status_tell_the_same(shell, iris):
    head, row = shell("list").splitlines()
    assert head.split() == ["NAME", "NAMESPACE", "STATE", "REPLICAS", "MODEL", "URI", "URL"]
    [fact] = shell.json("list")
    assert row.split() == [
        fact["name"],
        fact["namespace"],
        fact["state"],
        str(fact["replicas"]),
        fact["model_uri"],
        fact["prediction_url"],
    ]
    assert fact["state"] == "Available"
    assert fact["model_uri"] == str(shell.folder / "iris")
    status = shell.json("status", "iris")
    assert {key: status[key] for key in fact} == fact
    assert status["problem"] is None
    [pod] = status["pods"]
    assert (pod["ready"], pod["status"], pod["restarts"]) == ("1/1", "Running", 0)
    assert pod["revision"] == status["revision"]
    assert pod["pod"] in shell("status", "iris")


def test_logs_are_those_of_the_unit(shell, iris):
    assert "listening on" in shell("logs", "iris", "--tail", "1")
    assert "copied 1 file" in shell("logs", "iris", "--container", "iris-model-initializer")
    shell("logs", "iris", "--container", "nope", code=1)


def test_the_units_refusal_reaches_the_person(shell, iris):
    done = shell.run("predict", "iris", "--data", "[[1, 2]]")
    assert (done.returncode, done.stdout) == (1, "")
    assert "expecting 4 features" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_update_keeps_the_url_and_an_unchanged_one_changes_nothing(shell):
    save_model(shell.folder / "tree", depth=1)
    first = shell.json("deploy", "--name", "tree", "--model-uri", "tree")
    again = shell.json("deploy", "--name", "tree", "--model-uri", "tree")
    assert again == first
    model = save_model(shell.folder / "tree", depth=4)
    updated = shell.json("deploy", "--name", "tree", "--model-uri", "tree")
    assert updated["prediction_url"] == first["prediction_url"]
    assert updated["revision"] != first["revision"]
    answer = json.loads(shell("predict", "tree", "--data", json.dumps(FLOWERS)))
    assert answer == model.predict_proba(FLOWERS).tolist()
    assert shell("delete", "tree") == "tree is deleted\n"


def test_a_namespace_that_is_named_is_made_by_a_deploy_alone(shell, iris):
    refused = shell.run("diff", "--name", "far", "--model-uri", "iris", "-n", "models")
    assert "kubectl create namespace models" in refused.stderr
    shell("deploy", "--name", "far", "--model-uri", "iris", "-n", "models")
    shell("predict", "far", "--data", json.dumps(FLOWERS), "-n", "models")
    shell("delete", "far", "-n", "models")


def test_v2_answers_labels(shell, iris):
    shell("deploy", "--name", "labels", "--model-uri", "iris", "--protocol", "v2")
    answer = json.loads(shell("predict", "labels", "--data", json.dumps(FLOWERS)))
    assert answer == iris.predict(FLOWERS).reshape(-1, 1).tolist()
    assert "/v2/models/labels/infer" in shell("list")
    shell("delete", "labels")


def test_a_class_of_ones_own_is_served_stopped_and_started(shell):
    deploy = ("deploy", "--name", "times", "--python-class", "classes.Times", "--code-path", ".")
    fact = shell.json(*deploy, "-p", "k=3", "--replicas", "2")
    assert fact["replicas"] == 2
    assert json.loads(shell("predict", "times", "--data", "[[1, 2]]")) == [[3, 6]]
    lines = shell("logs", "times", "--tail", "1").splitlines()
    assert len({line.split("/")[0] for line in lines}) == 2
    shell("stop", "times")
    assert shell.json("status", "times")["state"] == "Stopped"
    told = shell.run("predict", "times", "--data", "[[1, 2]]")
    assert told.returncode == 1
    assert "error: times is stopped\ntry:   seldon-deployer start times" in told.stderr
    shell("start", "times")
    assert json.loads(shell("predict", "times", "--data", "[[1, 2]]")) == [[3, 6]]
    assert shell.json("status", "times")["replicas"] == 2
    shell("delete", "times")


def test_followed_logs_come_from_every_pod_until_the_pods_end(shell):
    deploy = ("deploy", "--name", "follow", "--python-class", "classes.Times", "--code-path", ".")
    shell(*deploy, "--replicas", "2")
    with subprocess.Popen(
        [sys.executable, "-m", "seldon_deployer", "logs", "follow", "--follow"],
        cwd=shell.folder,
        env=shell.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        pods = set()
        for line in following.stdout:
            pods.add(line.split("/")[0])
            if len(pods) == 2:
                break
        shell("delete", "follow")
        rest = following.stdout.read()
        assert following.wait(60) == 0
    assert "told to end" in rest


def test_a_class_that_cannot_load_fails_with_its_reason_and_leaves_nothing(shell):
    (shell.folder / "broken.py").write_text(
        "class Broken:\n"
        "    def load(self):\n"
        "        raise RuntimeError('the weights are gone')\n"
        "    def predict(self, X, names):\n"
        "        return X\n"
    )
    deploy = ("deploy", "--name", "broken", "--python-class", "broken.Broken", "--code-path", ".")
    done = shell.run(*deploy)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: broken cannot serve" in done.stderr
    assert "RuntimeError: the weights are gone" in done.stderr
    assert "broken was removed again" in done.stderr
    assert "broken" not in [each["name"] for each in shell.json("list")]
    shell("status", "broken", code=1)


def test_a_deadline_exits_3_and_a_kept_failure_can_be_looked_at(shell):
    (shell.folder / "never.py").write_text(
        "import threading\n"
        "class Never:\n"
        "    def load(self):\n"
        "        threading.Event().wait()\n"
        "    def predict(self, X, names):\n"
        "        return X\n"
    )
    deploy = ("deploy", "--name", "never", "--python-class", "never.Never", "--code-path", ".")
    done = shell.run(*deploy, "--timeout", "2", "--keep-failed")
    assert done.returncode == 3
    assert "never is not ready after 2 s" in done.stderr
    status = shell.json("status", "never")
    assert status["state"] == "Creating"
    assert status["waiting_for"]
    shell("delete", "never")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--model-uri", "/nowhere/at/all"), 1, "there is no artifact at /nowhere/at/all"),
        (("--model-uri", "no-model"), 1, "model.joblib"),
        (("--model-uri", "s3://bucket/model"), 1, "what lies at s3://bucket/model is unknown"),
        (("--image", "somebody/else:1"), 2, "cannot run the image"),
    ],
)
def test_what_cannot_be_served_here_is_refused_before_anything_is_made(
    shell, arguments, code, words
):
    (shell.folder / "no-model").mkdir(exist_ok=True)
    (shell.folder / "no-model" / "model.joblib").write_bytes(b"no model")
    done = shell.run("deploy", "--name", "refused", *arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "refused" not in [each["name"] for each in shell.json("list")]


def test_what_can_never_run_here_is_not_waited_for(shell):
    container = {"name": "c", "image": "registry.example/someone/model:1.0"}
    predictor = {
        "name": "default",
        "graph": {"name": "c", "type": "MODEL"},
        "componentSpecs": [{"spec": {"containers": [container]}}],
    }
    sdep = {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": "foreign"},
        "spec": {"predictors": [predictor]},
    }
    # Longer than the process may take at all.
    done = shell.run("deploy", "--manifest", "-", "--timeout", "3600", stdin=json.dumps(sdep))
    assert done.returncode == 1, done.stderr
    assert "the embedded runtime cannot run it" in done.stderr
    assert container["image"] in done.stderr
    assert "foreign" not in [each["name"] for each in shell.json("list")]


def test_a_rendered_manifest_is_what_was_deployed(shell, iris):
    text = shell("render", "--name", "iris", "--model-uri", "iris", "--runtime", "local")
    rendered = yaml.safe_load(text)
    [predictor] = rendered["spec"]["predictors"]
    revision = predictor["annotations"]["seldon-deployer/revision"]
    assert revision == shell.json("status", "iris")["revision"]


def test_the_runtime_comes_back_with_what_was_deployed(shell, iris):
    before = shell.json("status", "iris")["prediction_url"]
    kubeconfig = Path(shell("local", "kubeconfig").strip())
    assert kubeconfig.stat().st_mode & 0o077 == 0
    assert shell("local", "stop") == f"the embedded runtime in {shell.home} is stopped\n"
    assert shell.json("local", "status")["running"] is False
    started = shell.json("local", "start")
    assert started["running"] is True
    assert before.startswith(started["url"])
    shell("deploy", "--name", "iris", "--model-uri", "iris")
    answer = shell("predict", "iris", "--data", json.dumps(FLOWERS))
    assert json.loads(answer) == iris.predict_proba(FLOWERS).tolist()
