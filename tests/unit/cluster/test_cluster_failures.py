"""What becomes of a Kubernetes API that is busy, broken, foreign or not there."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import yaml

from seldon_deployer.cluster import (
    PODS,
    SECRETS,
    SELDON_DEPLOYMENTS,
    Cluster,
    connect,
)
from seldon_deployer.cluster.failures import Call, error_of, parse_status
from seldon_deployer.cluster.transport import Transport
from seldon_deployer.errors import (
    ApiMissing,
    ClusterError,
    ClusterUnreachable,
    Conflict,
    ManifestError,
    NotFound,
    PermissionDenied,
)


class BusyServer:
    """Answers the next of `answers`: (HTTP status, retryAfterSeconds)."""

    def __init__(self, url, api_client):
        self.url = url
        self.api_client = api_client
        self.answers = []
        self.body = None


@pytest.fixture
def busy_server(tmp_path):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, after = found.answers.pop(0)
            body = found.body
            if body is None:
                about = {"kind": "Pod"} if status < 300 else {"kind": "Status", "code": status}
                if after is not None:
                    about["details"] = {"retryAfterSeconds": after}
                body = json.dumps(about).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PATCH = do_POST = answer  # noqa: N815

        def log_message(self, *args):
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    found = BusyServer(url, api_client_of(write_kubeconfig(tmp_path, url)))
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def api_client_of(path):
    from kubernetes.config import new_client_from_config

    return new_client_from_config(str(path))


def write_kubeconfig(folder, url, **context):
    path = folder / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", **context}}],
                "clusters": [{"name": "c", "cluster": {"server": url}}],
                "users": [{"name": "u", "user": {}}],
            }
        )
    )
    return path


def test_a_transport_waits_for_an_api_that_says_it_is_busy(busy_server):
    waits = []
    cluster = Cluster(
        Transport(busy_server.api_client, sleep=waits.append), namespace="d", description="busy"
    )
    busy_server.answers = [(429, 2), (503, None), (200, None)]
    assert cluster.get(PODS, "x") == {"kind": "Pod"}
    assert waits == [2, 0.5]
    cluster.close()


def test_a_failure_without_a_reason_is_not_tried_again(busy_server):
    waits = []
    cluster = Cluster(
        Transport(busy_server.api_client, sleep=waits.append), namespace="d", description="busy"
    )
    busy_server.answers = [(500, None)]
    with pytest.raises(ManifestError):
        cluster.apply(PODS, {"metadata": {"name": "x"}})
    busy_server.answers = [(503, None)]
    with pytest.raises(ClusterError):
        cluster.create(PODS, {"metadata": {"name": "x"}})
    assert waits == []
    cluster.close()


def test_an_api_that_stays_busy_is_given_up_on(busy_server):
    waits = []
    cluster = Cluster(
        Transport(busy_server.api_client, sleep=waits.append), namespace="d", description="busy"
    )
    busy_server.answers = [(503, 600)] * 4
    with pytest.raises(ClusterError, match="could not get pods x"):
        cluster.get(PODS, "x")
    assert waits == [5, 5, 5]
    cluster.close()


def test_a_server_that_is_no_kubernetes_api_is_named_and_not_quoted(busy_server):
    cluster = Cluster(Transport(busy_server.api_client), namespace="d", description="html")
    busy_server.body = b"<html>please log in, token=hunter2</html>"
    busy_server.answers = [(200, None)]
    with pytest.raises(ClusterError, match="does not answer like a Kubernetes API") as caught:
        cluster.get(PODS, "x")
    assert "hunter2" not in str(caught.value)
    busy_server.answers = [(302, None)]
    with pytest.raises(ClusterError) as caught:
        cluster.get(PODS, "x")
    assert "hunter2" not in str(caught.value)
    cluster.close()


def test_nobody_there_is_said_and_where(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    path = write_kubeconfig(tmp_path, f"http://127.0.0.1:{port}")
    with pytest.raises(ClusterUnreachable) as caught:
        connect(kubeconfig=path).get(PODS, "x")
    assert f"127.0.0.1:{port}" in caught.value.what
    assert caught.value.why == "Connection refused"
    assert "--runtime=local" in caught.value.hint


def test_a_host_that_does_not_exist_is_unreachable(tmp_path):
    path = write_kubeconfig(tmp_path, "http://no-such-host.invalid:1")
    with pytest.raises(ClusterUnreachable) as caught:
        connect(kubeconfig=path).get(PODS, "x")
    assert "0x" not in str(caught.value)


def status(code, reason="", message="", **details):
    body = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return parse_status(code, json.dumps(body | {"details": details}).encode())


GET_PODS = Call("get", PODS, "x", "models")
PATCH_SDEP = Call("patch", SELDON_DEPLOYMENTS, "iris", "models", is_apply=True)
CANNOT = 'pods "x" is forbidden: User "jo" cannot get resource "pods" in API group ""'
MAPPED = {
    "no credentials": (status(401, "Unauthorized"), GET_PODS, PermissionDenied, "credentials"),
    "no permission": (
        status(403, "Forbidden", CANNOT),
        GET_PODS,
        PermissionDenied,
        "not allowed to get pods x in namespace models",
    ),
    "quota is no question of permission": (
        status(403, "Forbidden", "sdep is forbidden: exceeded quota"),
        PATCH_SDEP,
        ClusterError,
        "kubectl describe resourcequota -n models",
    ),
    "a policy that says cannot is no question of permission": (
        status(
            403,
            "Forbidden",
            'admission webhook "a.b" denied the request: you cannot use the tag latest',
        ),
        PATCH_SDEP,
        ClusterError,
        "ask who keeps it",
    ),
    "a webhook that names no field": (
        status(400, "BadRequest", 'admission webhook "a.b" denied the request: no label'),
        PATCH_SDEP,
        ManifestError,
        "ask who keeps it",
    ),
    "Seldon's webhook names one": (
        status(
            422,
            "Invalid",
            'admission webhook "v1.vseldondeployment.kb.io" denied the request: spec.x: bad',
            causes=[{"field": "spec.x", "message": "bad"}],
        ),
        PATCH_SDEP,
        ManifestError,
        "correct the field",
    ),
    "a webhook that nobody serves": (
        status(500, "InternalError", 'failed calling webhook "a.b": connection refused'),
        PATCH_SDEP,
        ClusterError,
        "what serves the webhook a.b runs",
    ),
    "a server of another kind": (
        parse_status(400, b"Client sent an HTTP request to an HTTPS server."),
        PATCH_SDEP,
        ClusterError,
        "check `server:`",
    ),
    "not there": (
        status(404, "NotFound", 'pods "x" not found', name="x"),
        GET_PODS,
        NotFound,
        "cannot get pods x",
    ),
    "no CRD": (parse_status(404, b"404 page not found"), PATCH_SDEP, ApiMissing, "no SeldonDep"),
    "changed": (status(409, "Conflict", "modified"), PATCH_SDEP, Conflict, "changed in the mean"),
    "invalid": (
        status(422, "Invalid", "spec.x: Required value"),
        PATCH_SDEP,
        ManifestError,
        "spec.x",
    ),
    "unknown field under apply": (
        status(500, "", ".spec.x: field not declared in schema"),
        PATCH_SDEP,
        ManifestError,
        ".spec.x",
    ),
    "internal": (status(500, "InternalError", "etcd"), GET_PODS, ClusterError, "etcd"),
    "a proxy's page": (parse_status(502, b"<html>secret</html>"), GET_PODS, ClusterError, "502"),
}


@pytest.mark.parametrize(("answer", "call", "kind", "words"), MAPPED.values(), ids=MAPPED)
def test_an_answer_becomes_the_error_that_it_means(answer, call, kind, words):
    error = error_of(answer, call)
    assert type(error) is kind
    assert words in str(error)
    assert "secret" not in str(error)


def test_a_conflict_lists_all_owners():
    causes = [
        {"reason": "FieldManagerConflict", "field": f".spec.{field}", "message": message}
        for field, message in (
            ("a", 'conflict with "argo" using machinelearning.seldon.io/v1'),
            ("b", 'conflict with "kubectl" with subresource "scale" using x/v1'),
            ("c", 'conflict with "argo"'),
            ("d", "words of a server to come"),
        )
    ]
    error = error_of(status(409, "Conflict", "two conflicts", causes=causes), PATCH_SDEP)
    assert error.held == (
        (".spec.a", "argo"),
        (".spec.b", "kubectl (through scale)"),
        (".spec.c", "argo"),
        (".spec.d", "words of a server to come"),
    )
    assert ".spec.a, .spec.c of argo; .spec.b of kubectl (through scale)" in error.why


def test_of_a_secret_only_the_reason_is_told():
    error = error_of(status(422, "Invalid", "data: hunter2"), Call("patch", SECRETS, "s3", "d"))
    assert "hunter2" not in str(error)
    assert "Invalid" in error.why


def test_the_hint_for_a_forbidden_secret_asks_for_what_the_shipped_role_lacks():
    forbidden = status(403, "Forbidden", 'User "jo" cannot get resource "secrets"')
    error = error_of(forbidden, Call("get", SECRETS, "s3", "models"))
    assert isinstance(error, PermissionDenied)
    assert "`seldon-deployer rbac --manage-secrets -n models`" in error.hint
    assert "kubectl auth can-i get secrets -n models" in error.hint


def test_a_long_message_is_cut():
    error = error_of(status(422, "Invalid", "x" * 5000), PATCH_SDEP)
    assert len(str(error)) < 1000


def test_an_unreadable_body_gives_the_code_alone():
    for body in (b"", b"[]", b"null", b"\xff", b'{"kind": "Pod"}'):
        assert parse_status(500, body) == SimpleNamespace(code=500) or parse_status(500, body).code
