"""Which cluster is connected to, read from kubeconfigs of every shape. Nothing is requested."""

from __future__ import annotations

import pytest
import yaml

from seldon_deployer.cluster import connect, has_kubeconfig
from seldon_deployer.cluster.client import without_nulls
from seldon_deployer.errors import ConfigError


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


def test_a_file_of_kubeconfig_that_is_missing_is_none(home, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(home / "missing"))
    assert not has_kubeconfig()
    with pytest.raises(ConfigError, match="there is no kubeconfig at"):
        connect(context="any")


def test_a_context_that_is_not_there_lists_those_that_are(home):
    path = write(home / "config", "one", "two", current="one")
    with pytest.raises(ConfigError, match="no context 'three'") as caught:
        connect(kubeconfig=path, context="three")
    assert "one, two" in caught.value.why


@pytest.mark.parametrize(
    "text",
    ["", "just text", "{unclosed", "contexts: []", "current-context: x\ncontexts: []"],
    ids=["empty", "text", "not YAML", "no contexts", "an unknown current context"],
)
def test_a_kubeconfig_that_is_none_is_an_error_and_no_traceback(home, text):
    path = home / "config"
    path.write_text(text)
    with pytest.raises(ConfigError):
        connect(kubeconfig=path)


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
