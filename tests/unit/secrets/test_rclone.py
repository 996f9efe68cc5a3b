"""rclone itself, with a Secret's data as its environment: as Seldon's initializer runs it.

This proves that rclone takes every key as the setting it is meant to be and makes the store's
client of them. It reaches no store.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from credential_cases import SERVICE_ACCOUNT, VALID

from seldon_deployer.secrets import build_secret, parse_credentials

REMOTES = {"seldon_s3": "s3", "seldon_gs": "gs", "seldon_az": "azureblob"}
# What the initializer's image has in its environment before any Secret.
BAKED_IN = {
    "RCLONE_CONFIG_GS_TYPE": "google cloud storage",
    "RCLONE_CONFIG_GS_ANONYMOUS": "true",
    "RCLONE_VERBOSE": "1",
}
# Making this client asks the cloud's own metadata server for a token.
ASKS_THE_CLOUD = {"az identity of the pod"}
_SETTING = re.compile(r'Setting (\w+)=(".*") for "(\w+)" from environment variable')


@pytest.fixture(scope="module")
def rclone() -> str:
    path = shutil.which("rclone")
    if path is None:
        pytest.skip("rclone is not installed (apt-get install rclone)")
    return path


def environment_of(case: str, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The whole environment of the initializer, and the part that is from the Secret."""
    data = build_secret("storage", "models", parse_credentials(*VALID[case]))["data"]
    ours = {key: base64.b64decode(value).decode() for key, value in data.items()}
    # The identity of the pod, where the case is about it.
    account = folder / "account.json"
    account.write_text(json.dumps(SERVICE_ACCOUNT))
    pod = {"GOOGLE_APPLICATION_CREDENTIALS": str(account), "AWS_ACCESS_KEY_ID": "pod"}
    pod["AWS_SECRET_ACCESS_KEY"] = "pod"
    base = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    return {**base, **BAKED_IN, **pod, **ours}, ours


def run(rclone: str, environment: dict[str, str], *arguments: str):
    return subprocess.run(
        [rclone, *arguments], env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("case", VALID)
def test_rclone_finds_the_remote_with_its_type(rclone, case, tmp_path):
    environment, _ = environment_of(case, tmp_path)
    credentials = parse_credentials(*VALID[case])
    done = run(rclone, environment, "listremotes", "--long")
    assert done.returncode == 0, done.stderr
    remotes = dict(re.findall(r"^(\w+): +(.+)$", done.stdout, re.MULTILINE))
    assert remotes[REMOTES[credentials.schema_name]] == credentials.remote_type


@pytest.mark.parametrize("case", [case for case in VALID if case not in ASKS_THE_CLOUD])
def test_rclone_takes_every_key_and_makes_the_client_of_the_store(rclone, case, tmp_path):
    environment, ours = environment_of(case, tmp_path)
    remote = REMOTES[VALID[case][0]]
    bucket = "iris"
    done = run(rclone, environment, "backend", "features", f"{remote}:{bucket}", "-vv")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Root"] == bucket
    taken = {
        f"RCLONE_CONFIG_{name}_{key}".upper(): json.loads(value)
        for key, value, name in _SETTING.findall(done.stderr)
    }
    assert ours.items() <= taken.items()
    assert "not known" not in done.stderr


def test_rclone_knows_the_keys_that_only_a_cloud_can_answer(rclone):
    done = run(rclone, {"PATH": os.environ["PATH"]}, "help", "backend", "azureblob")
    known = set(re.findall(r"Config: +(\w+)", done.stdout))
    assert {"account", "key", "sas_url", "use_msi"} <= known
