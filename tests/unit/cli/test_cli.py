"""The command line by itself: usage, forms of errors and results, what it loads."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import click
import pytest
import yaml

from seldon_deployer.cli.commands import cli
from seldon_deployer.cli.run import run

KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:9"}}],
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
    "users": [{"name": "none", "user": {}}],
    "current-context": "none",
}


@pytest.fixture
def nowhere(tmp_path: Path) -> str:
    """A kubeconfig of a cluster that nobody answers for."""
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(KUBECONFIG))
    return str(path)


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bogus"], "No such command 'bogus'"),
        (["deploy"], "the model has no name"),
        (["deploy", "--name", "a", "--replicas", "-1"], "--replicas"),
        (["deploy", "--name", "a", "--protocol", "grpc"], "--protocol"),
        (["deploy", "--name", "a"], "give model_uri, or python_class or image"),
        (["deploy", "--name", "???", "--model-uri", "s3://a"], "cannot become a Kubernetes name"),
        (
            ["deploy", "--name", "a", "--model-uri", "s3://a", "--implementation", "NOPE"],
            "NOPE",
        ),
        (["deploy", "--name", "a", "--model-uri", "s3://a", "-p", "x"], "'x' is no KEY=VALUE"),
        (["predict", "a", "--data", "[1,"], "--data is no JSON"),
        (["predict", "a", "--data", "@/nowhere"], "cannot read /nowhere"),
        (["local", "start", "--output", "xml"], "--output"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_is_wrong(capsys, arguments, words):
    assert run(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert words in told.err


def test_an_error_says_what_why_and_what_to_try(capsys, nowhere):
    assert run(["list", "--kubeconfig", nowhere]) == 1
    what, why, hint = capsys.readouterr().err.splitlines()
    assert what.startswith("error: ")
    assert why.startswith("why:   ")
    assert hint.startswith("try:   ")


@pytest.mark.parametrize("arguments", [["--debug", "list"], ["list", "--debug"]])
def test_a_traceback_is_shown_with_debug_alone(capsys, nowhere, arguments):
    assert run([*arguments, "--kubeconfig", nowhere]) == 1
    assert "Traceback" in capsys.readouterr().err
    assert run(["list", "--kubeconfig", nowhere]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_missing_kubeconfig_is_named(capsys, tmp_path):
    assert run(["list", "--kubeconfig", str(tmp_path / "none")]) != 0
    assert str(tmp_path / "none") in capsys.readouterr().err


def test_the_version_and_the_help_are_told(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("seldon-deployer ")
    assert run(["deploy", "--help"]) == 0
    assert "--model-uri URI" in capsys.readouterr().out
    assert run([]) == 2


def test_wrong_usage_is_told_with_a_click_that_has_fewer_kinds_of_errors(monkeypatch, capsys):
    of_8_1 = (
        "Abort BadArgumentUsage BadOptionUsage BadParameter ClickException Exit FileError "
        "MissingParameter NoSuchOption UsageError"
    )
    for name, kind in list(vars(click.exceptions).items()):
        if isinstance(kind, type) and issubclass(kind, Exception) and name not in of_8_1:
            monkeypatch.delattr(click.exceptions, name)
    assert run(["bogus"]) == 2
    assert "No such command 'bogus'" in capsys.readouterr().err
    assert run(["deploy", "--name", "a", "--replicas", "-1"]) == 2


@pytest.mark.parametrize(
    "command",
    [name for name in cli.list_commands(click.Context(cli)) if name != "serve"],
)
def test_every_command_has_help_with_debug(capsys, command):
    assert run([command, "--help"]) == 0
    assert "--debug" in capsys.readouterr().out


def test_render_writes_yaml_and_json_of_one_manifest(capsys):
    arguments = ["render", "--name", "Iris Flowers", "--model-uri", "s3://models/iris"]
    arguments += ["--implementation", "SKLEARN_SERVER", "-n", "models", "--replicas", "3"]
    arguments += ["-p", "method=predict", "-e", "LEVEL=1", "--request", "cpu=100m"]
    assert run(arguments) == 0
    manifest = yaml.safe_load(capsys.readouterr().out)
    assert run([*arguments, "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == manifest
    assert manifest["metadata"]["name"] == "iris-flowers"
    assert manifest["metadata"]["namespace"] == "models"
    assert manifest["spec"]["replicas"] == 3
    [predictor] = manifest["spec"]["predictors"]
    assert predictor["graph"]["parameters"] == [
        {"name": "method", "value": "predict", "type": "STRING"}
    ]
    [container] = predictor["componentSpecs"][0]["spec"]["containers"]
    assert {"name": "LEVEL", "value": "1"} in container["env"]
    assert container["resources"] == {"requests": {"cpu": "100m"}}


def test_render_for_a_cluster_refuses_what_it_cannot_read(capsys, tmp_path):
    assert run(["render", "--name", "a", "--model-uri", str(tmp_path)]) == 1
    assert "the cluster cannot read" in capsys.readouterr().err


def test_parameters_keep_their_types(capsys):
    arguments = ["render", "--name", "a", "--image", "me/a:1", "-o", "json"]
    for pair in ("n=3", "rate=0.5", "on=true", "text=abc", 'quoted="3"', "empty="):
        arguments += ["-p", pair]
    assert run(arguments) == 0
    graph = json.loads(capsys.readouterr().out)["spec"]["predictors"][0]["graph"]
    types = {each["name"]: each["type"] for each in graph["parameters"]}
    assert types["n"] == "INT"
    assert types["on"] == "BOOL"
    assert types["text"] == types["quoted"] == types["empty"] == "STRING"


def test_help_loads_no_command_and_no_library_of_theirs():
    loaded = python(
        """
        import sys
        from seldon_deployer.cli.run import run
        run(["--help"])
        heavy = ("kubernetes", "pydantic", "rich", "yaml", "urllib3", "numpy", "zenml", "uvicorn")
        print([name for name in heavy if name in sys.modules])
        """
    )
    assert loaded.stdout.splitlines()[-1] == "[]"


def test_serve_loads_no_client():
    loaded = python(
        """
        import sys
        from seldon_deployer.cli.run import run
        assert run(["serve", "nowhere.Model", "--http-port", "0"]) == 1
        print([name for name in ("kubernetes", "pydantic", "rich", "urllib3", "zenml")
               if name in sys.modules])
        """
    )
    assert loaded.stdout.strip() == "[]"
    assert loaded.stderr.splitlines()[-1].startswith("error: the module nowhere is not there")


def test_an_unexpected_error_is_told_without_a_traceback():
    told = python(
        """
        import sys
        from seldon_deployer.cli.run import run
        run(["--version"])
        raise ZeroDivisionError("of ours")
        """
    )
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    assert "ZeroDivisionError: of ours" in told.stderr
    assert "--debug" in told.stderr


def test_a_reader_that_has_seen_enough_ends_the_command_quietly():
    with subprocess.Popen(
        [sys.executable, "-m", "seldon_deployer", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


def test_status_of_the_runtime_starts_nothing(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("SELDON_DEPLOYER_HOME", str(tmp_path / "home"))
    assert run(["local", "status", "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["running"] is False
    assert run(["local", "kubeconfig"]) == 1
    assert "seldon-deployer local start" in capsys.readouterr().err
    assert run(["local", "stop"]) == 0
    assert not (tmp_path / "home").exists()


def test_rbac_prints_the_role_for_a_namespace(capsys):
    assert run(["rbac", "-n", "models-2"]) == 0
    printed = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [each["kind"] for each in printed] == ["ServiceAccount", "Role", "RoleBinding"]
    assert {each["metadata"]["namespace"] for each in printed} == {"models-2"}


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        ([], []),
        (["--manage-secrets"], [(None, ["get", "patch", "delete"]), (None, ["create"])]),
        (
            ["--secret-name", "a", "--secret-name", "b.c"],
            [(["a", "b.c"], ["get", "patch", "delete"]), (None, ["create"])],
        ),
    ],
)
def test_rbac_gives_rights_on_secrets_where_they_are_asked_for(capsys, options, rules):
    assert run(["rbac", *options]) == 0
    role = list(yaml.safe_load_all(capsys.readouterr().out))[1]
    given = [each for each in role["rules"] if each["resources"] == ["secrets"]]
    assert [(each.get("resourceNames"), each["verbs"]) for each in given] == rules


@pytest.mark.parametrize("options", [["-n", "A: b"], ["--secret-name", "a]"]])
def test_rbac_takes_names_of_kubernetes_alone(capsys, options):
    assert run(["rbac", *options]) == 2
    assert "is no name of a Kubernetes object" in capsys.readouterr().err


def commands_of(group, path=()):
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if isinstance(command, click.Group):
            yield from commands_of(command, (*path, name))
        else:
            yield pytest.param(command, id=" ".join((*path, name)))


@pytest.mark.parametrize("command", list(commands_of(cli)))
def test_every_command_says_what_it_does_and_what_each_option_is_for(command):
    assert command.help
    silent = [
        each.name
        for each in command.params
        if isinstance(each, click.Option) and not each.hidden and not each.help
    ]
    assert silent == []


@pytest.mark.parametrize("command", ["deploy", "stop", "start", "delete"])
def test_a_time_to_wait_is_more_than_none(capsys, command):
    assert run([command, *([] if command == "deploy" else ["iris"]), "--timeout", "0"]) == 2
    assert "0" in capsys.readouterr().err
