"""What is told when the credential plugin of a kubeconfig fails; real programs play it."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from seldon_deployer.cluster import PODS, connect
from seldon_deployer.errors import ClusterUnreachable

API = "client.authentication.k8s.io/v1"


@pytest.fixture
def kubeconfig(tmp_path, monkeypatch):
    """Writes a kubeconfig whose user has an `exec` of a command, and gives its path."""
    monkeypatch.setenv("HOME", str(tmp_path))

    def write(command, *args):
        path = tmp_path / "config"
        plugin = {"apiVersion": API, "command": command, "args": list(args)}
        path.write_text(
            yaml.safe_dump(
                {
                    "current-context": "c",
                    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
                    "users": [{"name": "u", "user": {"exec": plugin}}],
                }
            )
        )
        return path

    return write


def credential(**status):
    return json.dumps({"apiVersion": API, "kind": "ExecCredential", "status": status})


@pytest.mark.parametrize(
    ("program", "words", "why"),
    [
        (
            "import sys; sys.exit('one\\nthe session has expired\\n')",
            "exited with 1",
            "the session has expired",
        ),
        ("import sys; sys.exit(7)", "exited with 7", "it said nothing"),
        ("print('hello')", "gave no credentials", "failed to decode process output"),
        (f"print('{credential()}')", "gave no credentials", "missing token"),
    ],
)
def test_a_plugin_that_fails_is_told_with_its_last_words(
    kubeconfig, capfd, caplog, program, words, why
):
    handlers = list(logging.getLogger().handlers)
    with pytest.raises(ClusterUnreachable, match=words) as caught:
        connect(kubeconfig=kubeconfig(sys.executable, "-c", program))
    assert sys.executable in caught.value.what
    assert why in caught.value.why
    assert "one" not in caught.value.why.split()
    assert "log in" in caught.value.hint
    assert "ERROR" not in capfd.readouterr().err
    assert not caplog.messages
    assert logging.getLogger().handlers == handlers


def test_a_plugin_that_is_not_installed_is_named(kubeconfig, capfd):
    with pytest.raises(ClusterUnreachable, match=r"plugin aws-of-none .* cannot be run") as caught:
        connect(kubeconfig=kubeconfig("aws-of-none"))
    assert caught.value.why == "No such file or directory"
    assert "install it" in caught.value.hint
    assert capfd.readouterr().err == ""


def test_a_plugin_that_gives_a_token_is_used_in_silence(kubeconfig, caplog):
    program = f"print('{credential(token='t')}')"
    assert connect(kubeconfig=kubeconfig(sys.executable, "-c", program)).namespace == "default"
    assert not caplog.messages


def test_a_plugin_that_fails_when_the_token_has_expired_is_told_as_well(kubeconfig, tmp_path):
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    answer = tmp_path / "answer"
    answer.write_text(credential(token="t", expirationTimestamp=past))
    cluster = connect(
        kubeconfig=kubeconfig(sys.executable, "-c", f"print(open({str(answer)!r}).read())")
    )
    answer.unlink()
    with pytest.raises(ClusterUnreachable, match="exited with 1") as caught:
        cluster.get(PODS, "any")
    assert "FileNotFoundError" in caught.value.why
