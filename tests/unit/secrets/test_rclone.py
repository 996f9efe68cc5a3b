"""rclone itself, with a Secret's data as its environment: as Seldon's initializer runs it.

This proves that rclone takes every key as the setting it is meant to be and makes the store's
client of them. It reaches no store; what it sends is seen on loopback.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from credential_cases import CANARY, PRINCIPAL_FILE, SERVICE_ACCOUNT, USER_KEY, VALID

from seldon_deployer.secrets import AzureCredentials, build_secret, parse_credentials

AZ = AzureCredentials.prefix
REMOTES = {"seldon_s3": "s3", "seldon_gs": "gs", "seldon_az": "azureblob"}
# What the initializer's image has in its environment before any Secret.
BAKED_IN = {
    "RCLONE_CONFIG_GS_TYPE": "google cloud storage",
    "RCLONE_CONFIG_GS_ANONYMOUS": "true",
    "RCLONE_VERBOSE": "1",
}
# Making this client asks the cloud for a token.
ASKS_THE_CLOUD = {
    "az identity of the pod",
    "az chosen identity of the pod",
    "az service principal file",
}
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
    principal = {"appId": "a", "password": "b", "tenant": "c"}
    (folder / PRINCIPAL_FILE).write_text(json.dumps(principal))
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
    keys = {key.removeprefix(AZ) for key in AzureCredentials.model_fields}
    assert keys - {"type"} <= known


@contextmanager
def recorder() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A server on loopback that keeps what it is sent and answers with a token, or an error."""
    seen: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_HEAD(self) -> None:
            # There is no file of that name, so rclone looks for a folder.
            self.send_error(404)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append((self.path, body))
            token = {"access_token": "new", "token_type": "Bearer", "expires_in": 3600}
            answer = json.dumps(token).encode()
            self.send_response(200 if self.path == "/token" else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


def store_environment(folder: Path, schema: str, values: dict[str, str]) -> dict[str, str]:
    data = build_secret("storage", "models", parse_credentials(schema, values))["data"]
    ours = {key: base64.b64decode(value).decode() for key, value in data.items()}
    # Whatever is not on loopback ends at a closed port.
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "RCLONE_LOW_LEVEL_RETRIES": "1"}
    base = {"HOME": str(folder), "PATH": os.environ["PATH"], "RCLONE_RETRIES": "1"}
    return {**base, **BAKED_IN, **nowhere, **ours}


def test_rclone_renews_the_token_that_a_users_own_google_key_became(rclone, tmp_path):
    with recorder() as (address, seen):
        key = json.dumps({**USER_KEY, "token_uri": f"{address}/token"})
        values = {"rclone_config_gs_service_account_credentials": key}
        environment = store_environment(tmp_path, "seldon_gs", values)
        run(rclone, environment, "lsd", "gs:iris")
    path, body = seen[0]
    form = {name: value[0] for name, value in parse_qs(body.decode()).items()}
    assert path == "/token"
    assert form["grant_type"] == "refresh_token"
    assert form["refresh_token"] == USER_KEY["refresh_token"]


@pytest.mark.parametrize(
    ("path", "form"),
    [("models", "connection_string"), ("models", "sas_url"), ("models/iris", "sas_url")],
)
def test_rclone_asks_for_the_container_with_the_signature_of_every_form(
    rclone, tmp_path, path, form
):
    with recorder() as (address, seen):
        text = f"{address}/{path}?sr=c&sp=rl&sig={CANARY}"
        if form == "connection_string":
            text = f"BlobEndpoint={address}/{path};SharedAccessSignature=sr=c&sp=rl&sig={CANARY}"
        values = {f"{AZ}{form}": text}
        environment = store_environment(tmp_path, "seldon_az", values)
        run(rclone, environment, "ls", "azureblob:iris/model")
    asked = [urlsplit(each) for each, _ in seen]
    listing = next(each for each in asked if "comp=list" in each.query)
    assert listing.path == "/models/iris"
    assert parse_qs(listing.query)["sig"] == [CANARY]
