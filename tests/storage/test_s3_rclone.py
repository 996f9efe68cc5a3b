"""What rclone makes of a Secret and an address, the embedded runtime's initializer makes too.

Both get the environment that Seldon's init container has: what the image holds, and the Secret.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from storage.s3_server import REGION, S3Server

from seldon_deployer.secrets import build_secret, parse_credentials
from seldon_deployer.storage import open_folder

IMAGE = {
    "RCLONE_CONFIG_GS_TYPE": "google cloud storage",
    "RCLONE_CONFIG_GS_ANONYMOUS": "true",
    "RCLONE_VERBOSE": "1",
}
# rclone's patience with what is not there.
IMPATIENT = {"RCLONE_RETRIES": "1", "RCLONE_LOW_LEVEL_RETRIES": "1", "RCLONE_CONTIMEOUT": "3s"}
OBJECTS = {
    "iris/model.joblib": b"a model" * 1000,
    "iris/deep/a b%20ü+.txt": b"x",
    "iris/empty": b"",
    "iris/marked/": b"",
    "iris-2/model.joblib": b"of another",
    "alone.txt": b"alone",
}
IRIS = {"model.joblib": b"a model" * 1000, "deep/a b%20ü+.txt": b"x", "empty": b""}
NOBODY = {"access_key_id": "", "secret_access_key": ""}
PUBLIC = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",'
    ' "Action": ["s3:ListBucket", "s3:GetObject"],'
    ' "Resource": ["arn:aws:s3:::public", "arn:aws:s3:::public/*"]}]}'
)


@pytest.fixture(scope="module")
def store(minio: S3Server) -> S3Server:
    minio.put("credentials", OBJECTS)
    minio.put("public", OBJECTS)
    minio.client().put_bucket_policy(Bucket="public", Policy=PUBLIC)
    return minio


def in_secret(schema: str, values: dict[str, Any]) -> dict[str, str]:
    """What the init container has of the Secret that we build."""
    data = build_secret("storage", "models", parse_credentials(schema, values))["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def run(command: list[str], environment: dict[str, str], home: Path) -> tuple[int, str]:
    home.mkdir(exist_ok=True)
    base = {"HOME": str(home), "PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        command, env=base | IMAGE | environment, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


class Both:
    """rclone and our initializer, with one environment."""

    def __init__(self, rclone: str, folder: Path) -> None:
        self._rclone = rclone
        self.folder = folder

    def copy(self, uri: str, environment: dict[str, str]) -> list[int]:
        theirs, ours = self.folder / "theirs", self.folder / "ours"
        module = [sys.executable, "-m", "seldon_deployer.local.initializer", uri, str(ours)]
        runs = [
            run([self._rclone, "copy", uri, str(theirs)], environment | IMPATIENT, self.folder),
            run(module, environment, self.folder),
        ]
        self.words = [words for _, words in runs]
        return [code for code, _ in runs]

    def arrived(self, side: str) -> dict[str, bytes]:
        root = self.folder / side
        return {
            file.relative_to(root).as_posix(): file.read_bytes()
            for file in root.rglob("*")
            if file.is_file()
        }


@pytest.fixture
def both(rclone: str, tmp_path: Path) -> Both:
    return Both(rclone, tmp_path)


def temporary(server: S3Server) -> dict[str, str]:
    """A key with a session token, for a user of the server."""
    given = server.client("sts").assume_role(
        RoleArn="arn:aws:iam::0:role/any", RoleSessionName="test", DurationSeconds=900
    )["Credentials"]
    return {
        "rclone_config_s3_access_key_id": given["AccessKeyId"],
        "rclone_config_s3_secret_access_key": given["SecretAccessKey"],
        "rclone_config_s3_session_token": given["SessionToken"],
    }


KINDS = ("key", "provider not named", "session token", "identity of the pod", "anonymous", "free")


def environment_of(kind: str, server: S3Server) -> dict[str, str]:
    keys = server.keys()
    where = {key: keys[key] for key in keys if not key.endswith(("_key", "_key_id"))}
    match kind:
        case "key":
            return in_secret("seldon_s3", keys)
        case "provider not named":
            del keys["rclone_config_s3_provider"]
            return in_secret("seldon_s3", keys)
        case "session token":
            return in_secret("seldon_s3", keys | temporary(server))
        case "identity of the pod":
            pod = {"AWS_ACCESS_KEY_ID": server.key_id, "AWS_SECRET_ACCESS_KEY": server.secret}
            return in_secret("seldon_s3", where | {"rclone_config_s3_env_auth": True}) | pod
        case "anonymous":
            return in_secret("seldon_s3", where | {"rclone_config_s3_anonymous": True})
        case _:
            values = in_secret("seldon_s3", keys)
            return {key.replace("_S3_", "_MINE_"): value for key, value in values.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_with_every_kind_of_credential_the_model_arrives_at_both(store, both, kind) -> None:
    environment = environment_of(kind, store)
    remote = "mine" if kind == "free" else "s3"
    bucket = "public" if kind == "anonymous" else "credentials"

    assert both.copy(f"{remote}://{bucket}/iris", environment) == [0, 0], both.words

    assert both.arrived("theirs") == IRIS
    assert both.arrived("ours") == IRIS


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "identity of the pod"])
def test_a_check_with_the_secret_reads_what_rclone_reads(store, kind) -> None:
    secret = {key: SecretStr(value) for key, value in environment_of(kind, store).items()}
    remote = "mine" if kind == "free" else "s3"
    bucket = "public" if kind == "anonymous" else "credentials"

    assert open_folder(f"{remote}://{bucket}/iris", secret).check(["model.joblib"])


@pytest.mark.parametrize(
    ("uri", "changes", "code"),
    [
        ("s3://credentials/iris/", {}, 0),
        ("s3:credentials/iris", {}, 0),
        ("s3:///credentials/iris", {}, 0),
        ("s3://credentials/alone.txt", {}, 0),
        ("s3://credentials", {}, 0),
        ("s3://credentials/wrong", {}, 0),
        ("s3://credentials/iri", {}, 0),
        ("s3://nobody/iris", {}, 3),
        ("s3://credentials/iris", {"region": "us-west-2"}, 1),
        ("s3://credentials/iris", {"region": ""}, 1),
        ("s3://credentials/iris", {"secret_access_key": "wrong"}, 1),
        ("s3://credentials/iris", {"secret_access_key": ""}, 1),
        ("s3://credentials/iris", NOBODY, 1),
        ("s3://credentials/iris", NOBODY | {"env_auth": "true"}, 1),
        ("s3://credentials/iris", {"session_token": "wrong"}, 1),
        ("s3://credentials/iris", {"endpoint": "http://127.0.0.1:1"}, 1),
        ("s3://credentials/iris", {"provider": "AWS"}, 1),
        ("s3://credentials/iris", {"provider": "Ceph"}, 0),
        ("s3://credentials/iris", {"provider": "minio"}, 0),
        ("s3://credentials/iris", {"force_path_style": "false"}, 1),
        ("s3://credentials/iris", {"list_version": "1"}, 0),
        ("s3://credentials/iris", {"type": "S3"}, 1),
        ("other://credentials/iris", {}, 1),
        ("/nowhere/at/all", {}, 3),
    ],
)
def test_both_end_alike_and_leave_the_same(store, both, uri, changes, code) -> None:
    values = {key: value.get_secret_value() for key, value in store.environment(**changes).items()}

    assert both.copy(uri, values) == [code, code], both.words

    assert both.arrived("ours") == both.arrived("theirs")


def test_a_wrong_prefix_ends_well_at_both_and_only_our_log_says_why(store, both) -> None:
    values = {key: value.get_secret_value() for key, value in store.environment().items()}

    assert both.copy("s3://credentials/irsi", values) == [0, 0]

    assert all("There was nothing to transfer" in words for words in both.words)
    assert "did you mean iris" in both.words[1]


def test_no_log_of_ours_has_a_secret(store, both) -> None:
    canary = "canary7Qx"
    changes = {"secret_access_key": canary, "session_token": f"{canary}2"}
    values = {key: value.get_secret_value() for key, value in store.environment(**changes).items()}

    assert both.copy("s3://credentials/iris", values) == [1, 1]

    assert canary not in both.words[1]


def test_regions_are_the_servers(store: S3Server) -> None:
    # Or the cases with another region would prove nothing.
    where = store.client().get_bucket_location(Bucket="credentials")["LocationConstraint"]
    assert where == REGION
