"""Which cluster is chosen, and how an answer through the base URL is judged."""

from __future__ import annotations

import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from seldon_deployer.deployer.end import choose_end
from seldon_deployer.deployer.probe import health_url, probe
from seldon_deployer.errors import ConfigError


@pytest.fixture
def kubeconfig(tmp_path, monkeypatch):
    path = tmp_path / "config"
    cluster = {"server": "http://10.0.0.1:1"}
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "mine",
                "contexts": [
                    {"name": name, "context": {"cluster": "c", "user": "u", "namespace": name}}
                    for name in ("mine", "other")
                ],
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": {}}],
            }
        )
    )
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


@pytest.mark.parametrize("runtime", ["auto", "cluster"])
def test_the_current_context_is_used_and_one_line_says_so(kubeconfig, caplog, runtime):
    caplog.set_level(logging.INFO, logger="seldon_deployer")
    end = choose_end(runtime=runtime, base_url="http://ingress/")
    assert not end.is_local
    assert (end.cluster.namespace, end.base_url) == ("mine", "http://ingress/")
    (line,) = caplog.messages
    assert "mine" in line
    assert "the current context of the kubeconfig" in line


def test_a_given_context_and_namespace_win(kubeconfig, caplog):
    caplog.set_level(logging.INFO, logger="seldon_deployer")
    end = choose_end(context="other", namespace="models")
    assert end.cluster.namespace == "models"
    assert "the context other" in caplog.text


def test_the_embedded_runtime_and_a_cluster_exclude_each_other(kubeconfig):
    with pytest.raises(ConfigError, match="exclude each other"):
        choose_end(runtime="local", context="mine")


@pytest.mark.parametrize(
    "base_url", ["", "seldon.example.com", "localhost:8003", "http://", "ftp://x", "http://[::1"]
)
def test_a_base_url_that_is_none_is_refused_before_anything_is_asked(base_url):
    with pytest.raises(ConfigError, match="begin with http:// or https://"):
        choose_end(runtime="cluster", base_url=base_url)


@pytest.fixture
def bare_home(tmp_path, monkeypatch):
    """A machine without a kubeconfig of the user's own, and without pod credentials."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_cluster_that_is_asked_for_has_to_be_there(bare_home):
    with pytest.raises(ConfigError, match="no cluster to connect to"):
        choose_end(runtime="cluster")


@pytest.mark.parametrize("runtime", ["auto", "cluster"])
@pytest.mark.parametrize("own", [False, True], ids=["no config of their own", "one of their own"])
def test_a_kubeconfig_that_is_named_and_missing_is_never_passed_over(
    bare_home, monkeypatch, runtime, own
):
    if own:
        (bare_home / ".kube").mkdir()
        (bare_home / ".kube" / "config").write_text("{}")
    missing = str(bare_home / "tpyo")
    monkeypatch.setenv("KUBECONFIG", missing)
    monkeypatch.setenv("SELDON_DEPLOYER_HOME", str(bare_home / "runtime"))
    with pytest.raises(ConfigError, match="there is no kubeconfig at") as caught:
        choose_end(runtime=runtime)
    assert missing in caught.value.what
    assert "KUBECONFIG" in caught.value.why
    assert "unset it" in caught.value.hint
    assert caught.value.exit_code == 2
    assert not (bare_home / "runtime").exists()


@pytest.fixture
def ingress():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
            self.send_response(answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("answers", "pauses"),
    [([200], 0), ([404, 503, 200], 2), ([401], 0), ([403], 0)],
)
def test_asks_until_the_way_in_answers(ingress, answers, pauses):
    ingress.answers = answers
    waits = []
    url = f"http://127.0.0.1:{ingress.server_port}/"
    assert probe(url, deadline=time.monotonic() + 30, pause=waits.append) is None
    assert len(waits) == pauses


def test_gives_up_at_the_deadline_and_tells_the_last_answer(ingress):
    ingress.answers = [503]
    url = f"http://127.0.0.1:{ingress.server_port}/"
    assert probe(url, deadline=time.monotonic(), pause=print) == "HTTP 503"


def test_nobody_at_the_url_is_told(ingress):
    ingress.answers = [200]
    said = probe("http://127.0.0.1:1/", deadline=time.monotonic(), pause=print)
    assert said.startswith("no answer")


@pytest.mark.parametrize(
    ("protocol", "path"),
    [
        (None, "api/v1.0/health/status"),
        ("seldon", "api/v1.0/health/status"),
        ("v2", "v2/health/ready"),
        ("kfserving", "v2/health/ready"),
    ],
)
def test_the_health_url_is_of_the_protocol(protocol, path):
    deployment = {
        "metadata": {"name": "iris", "namespace": "models"},
        "spec": {"protocol": protocol} if protocol else {},
    }
    assert health_url("http://in/", deployment) == f"http://in/seldon/models/iris/{path}"
