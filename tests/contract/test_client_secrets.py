"""`secret apply` against both ends: what it makes, keeps, refuses, and never shows."""

from __future__ import annotations

import base64
import json
import logging

import pytest
import yaml
from client import Client

from seldon_deployer.cli.run import run
from seldon_deployer.cluster import SECRETS, Resource, connect
from seldon_deployer.deployer.secret import apply_secret
from seldon_deployer.errors import Conflict, OwnershipError, PermissionDenied
from seldon_deployer.secrets import build_secret, parse_credentials

CANARY = "canary7Qx"
KEYS = {
    "rclone_config_s3_access_key_id": f"AKIA{CANARY}",
    "rclone_config_s3_secret_access_key": f"secret/{CANARY}",
    "rclone_config_s3_session_token": CANARY,
}
OURS = {"app.kubernetes.io/managed-by": "seldon-deployer"}


@pytest.fixture
def apply(end, cluster, tmp_path):
    """Runs `secret apply` on a file with these keys; returns the exit code."""

    def run_command(*options, **keys):
        file = tmp_path / "s3.yaml"
        file.write_text(yaml.safe_dump({"name": "storage", "schema": "seldon_s3", **keys}))
        connection = ["--kubeconfig", str(end.kubeconfig), "-n", cluster.namespace]
        return run(["secret", "apply", str(file), *connection, *options])

    return run_command


def secret_of(cluster, **keys):
    credentials = parse_credentials("seldon_s3", keys or KEYS)
    return build_secret("storage", cluster.namespace, credentials)


def live_of(cluster):
    return cluster.get(SECRETS, "storage")


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def assert_hidden(*texts):
    """No value is there: neither plain nor as it stands in the Secret."""
    for text in texts:
        for value in (CANARY, *KEYS.values(), *map(encoded, KEYS.values())):
            assert value not in text


def test_the_secret_is_there_and_shown_without_values(apply, cluster, capsys):
    assert apply(**KEYS) == 0
    told = capsys.readouterr()
    live = live_of(cluster)
    values = {key: base64.b64decode(value).decode() for key, value in live["data"].items()}
    assert values == {
        "RCLONE_CONFIG_S3_TYPE": "s3",
        "RCLONE_CONFIG_S3_PROVIDER": "AWS",
        "RCLONE_CONFIG_S3_ENV_AUTH": "false",
        **{key.upper(): value for key, value in KEYS.items()},
    }
    assert live["type"] == "Opaque"
    shown = yaml.safe_load(told.out)
    assert shown["metadata"] == {
        "name": "storage",
        "namespace": cluster.namespace,
        "labels": OURS,
    }
    assert shown["data"] == dict.fromkeys(live["data"], "<redacted>")
    assert "the Secret storage in namespace" in told.err
    assert "is created" in told.err
    assert_hidden(told.out, told.err)


def test_values_are_in_the_data_and_nowhere_else_in_the_object(apply, cluster):
    assert apply(**KEYS) == 0
    assert apply(**KEYS) == 0
    live = live_of(cluster)
    del live["data"]
    assert_hidden(json.dumps(live))
    assert "stringData" not in json.dumps(live)
    assert "annotations" not in live["metadata"]


def test_the_same_again_changes_nothing(apply, cluster, capsys):
    assert apply(**KEYS) == 0
    before = live_of(cluster)
    assert apply(**KEYS) == 0
    assert live_of(cluster) == before
    assert "is unchanged" in capsys.readouterr().err


def test_new_values_arrive_and_keys_left_out_vanish(apply, cluster, capsys):
    assert apply(**KEYS) == 0
    uid = live_of(cluster)["metadata"]["uid"]
    rotated = {**KEYS, "rclone_config_s3_secret_access_key": "rotated"}
    del rotated["rclone_config_s3_session_token"]
    assert apply(**rotated) == 0
    live = live_of(cluster)
    assert live["metadata"]["uid"] == uid
    assert live["data"]["RCLONE_CONFIG_S3_SECRET_ACCESS_KEY"] == encoded("rotated")
    assert "RCLONE_CONFIG_S3_SESSION_TOKEN" not in live["data"]
    assert "is updated" in capsys.readouterr().err


def test_json_is_for_programs(apply, capsys):
    assert apply("--output", "json", **KEYS) == 0
    shown = json.loads(capsys.readouterr().out)
    assert set(shown["data"].values()) == {"<redacted>"}


def test_a_dry_run_shows_the_secret_and_writes_nothing(apply, cluster, capsys):
    assert apply("--dry-run", **KEYS) == 0
    told = capsys.readouterr()
    assert yaml.safe_load(told.out)["kind"] == "Secret"
    assert "dry run" in told.err
    assert live_of(cluster) is None
    assert_hidden(told.out, told.err)


def test_a_dry_run_over_our_own_secret_leaves_it(apply, cluster):
    assert apply(**KEYS) == 0
    before = live_of(cluster)
    assert apply("--dry-run", rclone_config_s3_env_auth=True) == 0
    assert live_of(cluster) == before


@pytest.mark.parametrize("options", [[], ["--dry-run"], ["--force"]])
def test_a_secret_of_somebody_else_is_never_changed(apply, cluster, capsys, options):
    theirs = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "storage", "labels": {"app.kubernetes.io/managed-by": "helm"}},
        "data": {"password": encoded(CANARY)},
    }
    before = cluster.create(SECRETS, theirs)
    assert apply(*options, **KEYS) == 1
    told = capsys.readouterr()
    assert "exists and is not ours" in told.err
    assert told.out == ""
    assert_hidden(told.err)
    assert live_of(cluster) == before
    with pytest.raises(OwnershipError):
        apply_secret(cluster, secret_of(cluster))


def test_a_key_that_somebody_changed_is_a_conflict_until_it_is_forced(apply, cluster, capsys):
    assert apply(**KEYS) == 0
    key = "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY"
    cluster.patch(SECRETS, "storage", {"data": {key: encoded("theirs")}})
    with pytest.raises(Conflict) as caught:
        apply_secret(cluster, secret_of(cluster))
    assert key in caught.value.why
    assert_hidden(str(caught.value), repr(caught.value))
    assert apply(**KEYS) == 1
    assert "--force" in capsys.readouterr().err
    assert live_of(cluster)["data"][key] == encoded("theirs")
    assert apply("--force", **KEYS) == 0
    assert live_of(cluster)["data"][key] == encoded(KEYS[key.lower()])


def test_nothing_is_sent_for_a_file_that_cannot_work(apply, cluster, capsys):
    del (half := dict(KEYS))["rclone_config_s3_secret_access_key"]
    assert apply("--debug", **half) == 2
    told = capsys.readouterr()
    assert "rclone_config_s3_access_key_id is given without" in told.err
    assert_hidden(told.out, told.err)
    assert live_of(cluster) is None


def test_no_value_is_logged_or_traced_when_all_is_shown(apply, cluster, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    assert apply("--debug", **KEYS) == 0
    told = capsys.readouterr()
    assert "PATCH" in told.err
    # A Secret that may not be changed: the API refuses, and would quote what it was sent.
    cluster.patch(SECRETS, "storage", {"immutable": True})
    rotated = {**KEYS, "rclone_config_s3_session_token": f"{CANARY}2"}
    assert apply("--debug", **rotated) == 1
    refused = capsys.readouterr()
    assert "Traceback" in refused.err
    assert_hidden(told.out, told.err, refused.out, refused.err, caplog.text)


def test_a_file_that_cannot_be_read_is_named(end, cluster, tmp_path, capsys):
    missing = str(tmp_path / "none.yaml")
    assert run(["secret", "apply", missing, "--kubeconfig", str(end.kubeconfig)]) == 2
    assert f"cannot read {missing}" in capsys.readouterr().err
    (tmp_path / "latin.yaml").write_bytes(f"name: {CANARY}".encode() + b"\xff")
    assert run(["secret", "apply", str(tmp_path / "latin.yaml"), "--debug"]) == 2
    assert_hidden(capsys.readouterr().err)


ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
_RBAC = "rbac.authorization.k8s.io"
ROLES = Resource(_RBAC, "v1", "roles", "Role")
BINDINGS = Resource(_RBAC, "v1", "rolebindings", "RoleBinding")


def made(resource, name, **parts):
    head = {"apiVersion": resource.api_version, "kind": resource.kind}
    return {**head, "metadata": {"name": name}, **parts}


def wait_until_allowed(user):
    """The API server's authorizer learns of a new binding a moment later."""
    for _ in range(1000):
        try:
            user.get(SECRETS, "storage")
        except PermissionDenied:
            continue
        return
    pytest.fail("the binding has no effect")


@pytest.mark.cluster
def test_get_create_and_patch_are_enough_and_without_them_the_error_says_so(real_end, tmp_path):
    namespace = f"rights-{tmp_path.name.replace('_', '-').lower()[-20:]}"
    client = Client(real_end)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    assert client.post("/api/v1/namespaces", body).status == 201
    admin = connect(kubeconfig=real_end.kubeconfig, namespace=namespace)
    admin.apply(ACCOUNTS, made(ACCOUNTS, "user"))
    token_request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = client.post(ACCOUNTS.path(namespace, "user", "token"), token_request)
    client.close()
    config = yaml.safe_load(real_end.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": answer.body["status"]["token"]}
    written = tmp_path / "kubeconfig"
    written.write_text(yaml.safe_dump(config))
    user = connect(kubeconfig=written, namespace=namespace)
    with pytest.raises(PermissionDenied, match="rbac --manage-secrets"):
        apply_secret(user, secret_of(user))
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "patch"]}
    admin.apply(ROLES, made(ROLES, "secrets", rules=[rule]))
    role = {"apiGroup": _RBAC, "kind": "Role", "name": "secrets"}
    subject = {"kind": "ServiceAccount", "name": "user", "namespace": namespace}
    admin.apply(BINDINGS, made(BINDINGS, "secrets", roleRef=role, subjects=[subject]))
    wait_until_allowed(user)
    first = apply_secret(user, secret_of(user))
    rotated = {**KEYS, "rclone_config_s3_session_token": "rotated"}
    second = apply_secret(user, secret_of(user, **rotated))
    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    user.close()
    admin.close()
