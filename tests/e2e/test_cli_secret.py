"""`secret apply` as a person at a shell uses it, with the embedded runtime."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import yaml

from seldon_deployer.cluster import SECRETS, connect
from seldon_deployer.local import lifecycle

CANARY = "canary7Qx"
FILE = f"""
name: storage
schema: seldon_s3
rclone_config_s3_access_key_id: AKIA{CANARY}
rclone_config_s3_secret_access_key: '{CANARY}/+='
"""


def test_a_secret_from_stdin_lands_in_a_new_namespace_and_its_values_nowhere_else(tmp_path: Path):
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-m", "seldon_deployer", "secret", "apply", "-", "-n", "team", "--debug"],
        cwd=tmp_path,
        env={
            **os.environ,
            "SELDON_DEPLOYER_HOME": str(home),
            # No cluster: neither by the variable nor in the home folder.
            "KUBECONFIG": "",
            "HOME": str(tmp_path),
        },
        input=FILE,
        capture_output=True,
        text=True,
        timeout=120,
    )
    try:
        assert done.returncode == 0, done.stderr
        assert yaml.safe_load(done.stdout)["metadata"]["namespace"] == "team"
        cluster = connect(kubeconfig=lifecycle.ensure_running(home).kubeconfig, namespace="team")
        data = cluster.get(SECRETS, "storage")["data"]
        cluster.close()
        secret_key = base64.b64decode(data["RCLONE_CONFIG_S3_SECRET_ACCESS_KEY"]).decode()
        assert secret_key == f"{CANARY}/+="
    finally:
        lifecycle.stop(home)
    hidden = [CANARY, *data.values()]
    left = [path for path in home.rglob("*") if path.is_file() and ".db" not in path.name]
    texts = [done.stdout, done.stderr, *(path.read_text(errors="replace") for path in left)]
    # `s3` and `false` are no secrets, and too short to be looked for.
    assert not [value for value in hidden if len(value) > 8 and any(value in t for t in texts)]
    assert left
