"""Which cluster is connected to, read from kubeconfigs of every shape. Nothing is requested."""

from __future__ import annotations

import pytest
import yaml

from seldon_deployer.cluster import connect, has_kubeconfig
from seldon_deployer.cluster.client import without_nulls
from seldon_deployer.errors import ConfigError, SeldonDeployerError


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A machine without any kubeconfig, proxies or pod credentials."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(path, *names, current=None, server="http://10.0.0.1:6443", namespace=None):
    context = {"namespace": namespace} if namespace else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": name, **context}} for name in names
        ],
        "clusters": [{"name": name, "cluster": {"server": server}} for name in names],
        "users": [{"name": name, "user": {"token": "hunter2"}} for name in names],
    }
    if current:
        body["current-context"] = current
    path.write_text(yaml.safe_dump(body))
    return path


def test_nothing_to_connect_to_says_so(home):
    assert not has_kubeconfig()
    with pytest.raises(ConfigError, match="no cluster to connect to") as caught:
        connect()
    assert "--runtime=local" in caught.value.hint


def test_the_users_own_kubeconfig_is_found(home):
    write(home / ".kube" / "config", "mine", current="mine", namespace="models")
    assert has_kubeconfig()
    cluster = connect()
    assert cluster.namespace == "models"
    assert "mine" in cluster.description
    assert "hunter2" not in cluster.description


def test_several_files_are_merged_and_missing_ones_left_out(home, monkeypatch):
    one = write(home / "one", "first", current="first")
    two = write(home / "two", "second")
    monkeypatch.setenv("KUBECONFIG", f"{one}:{home / 'missing'}:{two}")
    assert "first" in connect().description
    assert "second" in connect(context="second").description


@pytest.mark.parametrize("names", [["missing"], ["missing", "gone"], ["."]])
def test_a_kubeconfig_of_which_no_file_is_there_is_an_error_that_names_it(home, monkeypatch, names):
    path = ":".join(str(home / name) for name in names)
    monkeypatch.setenv("KUBECONFIG", path)
    assert has_kubeconfig()
    for given in ({}, {"context": "any"}):
        with pytest.raises(ConfigError, match="there is no kubeconfig at") as caught:
            connect(**given)
        assert path in caught.value.what
    with pytest.raises(ConfigError, match="there is no kubeconfig at") as caught:
        connect(kubeconfig=home / "given")
    assert str(home / "given") in caught.value.what
    assert "KUBECONFIG" not in str(caught.value)


def test_an_empty_kubeconfig_variable_is_as_none(home, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "")
    assert not has_kubeconfig()
    write(home / ".kube" / "config", "mine", current="mine")
    assert has_kubeconfig()
    assert "mine" in connect().description


def test_a_context_that_is_not_there_lists_those_that_are(home):
    path = write(home / "config", "one", "two", current="one")
    with pytest.raises(ConfigError, match="no context 'three'") as caught:
        connect(kubeconfig=path, context="three")
    assert "one, two" in caught.value.why


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has none"),
        ("contexts: []", "has none"),
        ("current-context: x\ncontexts: []", "has none"),
        ("just text", "it holds a text where a kubeconfig is a mapping"),
        ("- a", "it holds a list where a kubeconfig is a mapping"),
        ("{unclosed", "it is no valid YAML in line 1, column 10"),
        ("a: b: c", "it is no valid YAML in line 1, column 5"),
        ("\0", "it is no text that YAML allows"),
        ("\ud8ff", "it is no text that YAML allows"),
        ("contexts: all", "contexts is a text, not a list"),
        ("clusters: {a: b}", "clusters is a mapping, not a list"),
        ("users: [me]", "users[0] has no name"),
        ("contexts: [{name: x, context: y}]", "contexts[0].context is a text, not a mapping"),
        (
            "current-context: x\ncontexts: [{name: x, context: {cluster: gone, user: me}}]",
            "gone",
        ),
    ],
)
def test_a_kubeconfig_that_is_none_is_told_in_plain_words(home, text, words):
    path = home / "config"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigError) as caught:
        connect(kubeconfig=path)
    assert words in caught.value.why
    assert str(path) in str(caught.value)
    assert "object has no attribute" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_of_several_files_the_broken_one_is_named(home, monkeypatch):
    good = write(home / "good", "first", current="first")
    (home / "bad").write_text("just text")
    monkeypatch.setenv("KUBECONFIG", f"{good}:{home / 'bad'}")
    with pytest.raises(ConfigError) as caught:
        connect()
    assert str(home / "bad") in caught.value.what
    assert str(good) not in caught.value.what


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("clusters", "certificate-authority-data", "abcde"),
        ("clusters", "certificate-authority", "/none/ca.crt"),
        ("clusters", "server", 5),
        ("users", "client-certificate-data", ["a"]),
        ("users", "exec", "aws"),
    ],
)
def test_a_field_that_is_wrong_is_no_riddle_of_python(home, section, field, value):
    path = write(home / "config", "one", current="one", server="https://10.0.0.1:6443")
    config = yaml.safe_load(path.read_text())
    entry = config[section][0][section[:-1]]
    entry.pop("token", None)
    entry[field] = value
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(SeldonDeployerError) as caught:
        connect(kubeconfig=path)
    assert "object" not in caught.value.why.replace("object with name", "")
    assert "Incorrect padding" not in caught.value.why


def test_without_a_current_context_one_has_to_be_named(home):
    path = write(home / "config", "one")
    with pytest.raises(ConfigError, match="no context is chosen"):
        connect(kubeconfig=path)
    assert connect(kubeconfig=path, context="one").namespace == "default"


def test_a_given_namespace_wins(home):
    path = write(home / "config", "one", current="one", namespace="models")
    assert connect(kubeconfig=path, namespace="mine").namespace == "mine"


def test_nulls_are_left_out_at_every_depth():
    given = {"a": None, "b": [None, {"c": None, "d": 0}], "e": {"f": None}, "g": "", "h": False}
    assert without_nulls(given) == {"b": [{"d": 0}], "e": {}, "g": "", "h": False}
