"""Every kind of credential, from the keys that users write to a model that arrives.

The Secret that is made of them is the whole environment of rclone, beside what the image of
Seldon's initializer has; the embedded runtime's initializer, a process of its own as well, gets
the same.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import (
    AccountSasPermissions,
    ContainerSasPermissions,
    ResourceTypes,
    generate_account_sas,
    generate_container_sas,
)
from storage.clouds.azure_server import CLIENT_ID, IDENTITY, TENANT, Azure
from storage.clouds.gcs_server import FORBIDDEN, PUBLIC, Google
from storage.clouds.internet import Internet
from storage.clouds.servers import CANARY
from storage.clouds.stores import AzureStore, GoogleStore

from seldon_deployer.local.initializer import BAKED_IN
from seldon_deployer.secrets import build_secret, parse_credentials

OPEN = "open-models"
CLOSED = "models"
HOUR = timedelta(hours=1)
Keys = dict[str, Any]
Case = tuple[str, str, Keys, Mapping[str, str]]


def key_file(google: Google, folder: Path, **changes: str) -> str:
    """A file with the key of the service account."""
    path = folder / "account.json"
    path.write_text(json.dumps({**google.account, **changes}))
    return str(path)


def user_key(google: Google) -> str:
    """What `gcloud auth application-default login` leaves."""
    return json.dumps(
        {
            "type": "authorized_user",
            "client_id": "models.apps.googleusercontent.com",
            "client_secret": google.client_secret,
            "refresh_token": google.refresh_token,
            "token_uri": google.token_address,
        }
    )


def token(google: Google) -> str:
    """A token that somebody else was given."""
    end = datetime.now(UTC) + HOUR
    return json.dumps(
        {"access_token": google.access_token, "token_type": "Bearer", "expiry": end.isoformat()}
    )


# name -> bucket, keys without their prefix, what the pod has besides
GOOGLE: dict[str, Callable[[Google, Path], tuple[str, Keys, Mapping[str, str]]]] = {
    "service account": lambda google, _: (
        CLOSED,
        {"service_account_credentials": google.account},
        {},
    ),
    "user key": lambda google, _: (
        CLOSED,
        {"service_account_credentials": user_key(google)},
        {},
    ),
    "token": lambda google, _: (CLOSED, {"token": token(google)}, {}),
    "public bucket": lambda _, __: (PUBLIC, {"anonymous": True}, {}),
    "identity of the pod, from a file": lambda google, folder: (
        CLOSED,
        {"anonymous": False},
        {"GOOGLE_APPLICATION_CREDENTIALS": key_file(google, folder)},
    ),
    "identity of the pod, from its machine": lambda google, _: (
        CLOSED,
        {"anonymous": False},
        # By name for Go, by address for Python's first question.
        {"GCE_METADATA_HOST": google.machine_host, "GCE_METADATA_IP": google.machine_host},
    ),
}


def account_signature(azure: Azure) -> str:
    """May read and list all that the account has."""
    return generate_account_sas(
        azure.account,
        azure.key,
        ResourceTypes(container=True, object=True),
        AccountSasPermissions(read=True, list=True),
        datetime.now(UTC) + HOUR,
    )


def container_signature(azure: Azure) -> str:
    """May read and list one container."""
    permission = ContainerSasPermissions(read=True, list=True)
    end = datetime.now(UTC) + HOUR
    return generate_container_sas(
        azure.account, CLOSED, account_key=azure.key, permission=permission, expiry=end
    )


def principal_file(azure: Azure, folder: Path) -> str:
    """As `az ad sp create-for-rbac` writes it."""
    path = folder / "principal.json"
    path.write_text(json.dumps({"appId": CLIENT_ID, "password": azure.password, "tenant": TENANT}))
    return str(path)


AZURE: dict[str, Callable[[Azure, Path], tuple[str, Keys]]] = {
    "key": lambda azure, _: (CLOSED, {"account": azure.account, "key": azure.key}),
    "SAS URL of the account": lambda azure, _: (
        CLOSED,
        {"sas_url": f"{azure.address}/?{account_signature(azure)}"},
    ),
    "SAS URL of the container": lambda azure, _: (
        CLOSED,
        {"sas_url": f"{azure.address}/{CLOSED}?{container_signature(azure)}"},
    ),
    "SAS token of the account": lambda azure, _: (
        CLOSED,
        {"account": azure.account, "sas_token": account_signature(azure)},
    ),
    "SAS token of the container": lambda azure, _: (
        CLOSED,
        {"account": azure.account, "sas_token": f"?{container_signature(azure)}"},
    ),
    "connection string with a key": lambda azure, _: (
        CLOSED,
        {"connection_string": azure.connection_string},
    ),
    "connection string with a signature": lambda azure, _: (
        CLOSED,
        {
            "connection_string": f"BlobEndpoint={azure.address}/;"
            f"SharedAccessSignature={account_signature(azure)}"
        },
    ),
    "emulator": lambda azure, _: (
        CLOSED,
        {"use_emulator": True, "endpoint": f"https://127.0.0.1:{azure.port}/devstoreaccount1"},
    ),
    "public container": lambda azure, _: (OPEN, {"account": azure.account, "anonymous": True}),
    "identity of the pod": lambda azure, _: (
        CLOSED,
        {"account": azure.account, "use_msi": True},
    ),
    "chosen identity of the pod": lambda azure, _: (
        CLOSED,
        {"account": azure.account, "use_msi": True, "msi_client_id": IDENTITY},
    ),
    "service principal": lambda azure, folder: (
        CLOSED,
        {
            "account": azure.account,
            "service_principal_file": principal_file(azure, folder),
        },
    ),
}


@pytest.fixture(params=[*(f"gs {name}" for name in GOOGLE), *(f"az {name}" for name in AZURE)])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    """The address's bucket, the schema, the keys as users write them, and the pod's environment."""
    cloud, _, name = request.param.partition(" ")
    home = tmp_path / "pod"
    home.mkdir()
    if cloud == "gs":
        bucket, keys, pod = GOOGLE[name](request.getfixturevalue("google"), home)
        return f"gs://{bucket}", "seldon_gs", prefixed("rclone_config_gs_", keys), pod
    container, keys = AZURE[name](request.getfixturevalue("azure"), home)
    keys = prefixed("rclone_config_azureblob_", keys)
    return f"azureblob://{container}", "seldon_az", keys, {}


def prefixed(prefix: str, keys: Keys) -> Keys:
    """The keys as users write them."""
    return {prefix + key: value for key, value in keys.items()}


@pytest.fixture(scope="session")
def filled(request: pytest.FixtureRequest) -> dict[str, bytes]:
    """The files of the model `iris/1` in every bucket of the tests."""
    return {
        "model.joblib": bytes(range(256)) * 40,
        "variables/weights 1+1=2.bin": os.urandom(300_000),
    }


@pytest.fixture(autouse=True)
def fill(filled: dict[str, bytes], request: pytest.FixtureRequest) -> None:
    if "case" not in request.fixturenames:
        return
    if "gs:" in request.getfixturevalue("case")[0]:
        google = request.getfixturevalue("google")
        stores = [GoogleStore(google, CLOSED), GoogleStore(google, PUBLIC)]
    else:
        azure = request.getfixturevalue("azure")
        stores = [AzureStore(azure, CLOSED), AzureStore(azure, OPEN, public_access="container")]
        emulated = AzureStore(emulator(azure), CLOSED)
        stores.append(emulated)
    for store in stores:
        there = store.keys()
        for path, data in filled.items():
            if f"iris/1/{path}" not in there:
                store.put(f"iris/1/{path}", data)


def emulator(azure: Azure) -> Azure:
    """The account that every emulator has, where this one is."""
    from seldon_deployer.secrets.connection_string import EMULATOR_ACCOUNT, EMULATOR_KEY

    return Azure(EMULATOR_ACCOUNT, EMULATOR_KEY, "", azure.port, azure.token_requests)


def secret_environment(schema: str, keys: Keys) -> dict[str, str]:
    """What a pod gets of the Secret that is made of the keys."""
    data = build_secret("storage", "models", parse_credentials(schema, keys))["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def run(
    command: list[str], internet: Internet, *environments: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run an initializer with the environment of the pod alone."""
    environment: dict[str, str] = {"HOME": os.environ["HOME"], "PATH": os.environ["PATH"]}
    for each in (internet.environment, BAKED_IN, *environments):
        environment |= each
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def files_of(folder: Path) -> dict[str, bytes]:
    """The files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_rclone_brings_the_model_with_the_secret(rclone, case, filled, internet, tmp_path):
    address, schema, keys, pod = case
    secret = secret_environment(schema, keys)
    target = tmp_path / "models"
    command = [rclone, "copy", f"{address}/iris/1", str(target), "--retries", "1", "-v"]
    done = run(command, internet, pod, secret)
    assert done.returncode == 0, done.stderr
    assert files_of(target) == filled


def test_the_embedded_initializer_brings_the_model_with_the_same_secret(
    case, filled, internet, tmp_path
):
    address, schema, keys, pod = case
    secret = secret_environment(schema, keys)
    target = tmp_path / "models"
    command = [sys.executable, "-m", "seldon_deployer.local.initializer"]
    done = run([*command, f"{address}/iris/1", str(target)], internet, pod, secret)
    assert done.returncode == 0, done.stderr
    assert files_of(target) == filled
    assert CANARY not in done.stdout + done.stderr


@pytest.mark.parametrize("bucket", [CLOSED, FORBIDDEN])
def test_who_may_not_is_refused_by_both(rclone, google, internet, tmp_path, bucket):
    GoogleStore(google, CLOSED)
    keys: Keys = {"rclone_config_gs_anonymous": True}
    if bucket == FORBIDDEN:
        keys = {"rclone_config_gs_service_account_credentials": google.account}
    secret = secret_environment("seldon_gs", keys)
    python = [sys.executable, "-m", "seldon_deployer.local.initializer"]
    for command in ([rclone, "copy", "--retries", "1"], python):
        address = f"gs://{bucket}/iris/1"
        done = run([*command, address, str(tmp_path / "models")], internet, secret)
        assert done.returncode == 1
        assert CANARY not in done.stdout + done.stderr
        assert files_of(tmp_path / "models") == {}


def test_a_key_that_google_does_not_know_is_told_as_google_tells_it(google, internet, tmp_path):
    account = {**google.account, "client_email": "nobody@models.iam.gserviceaccount.com"}
    keys = {"rclone_config_gs_service_account_credentials": account}
    command = [sys.executable, "-m", "seldon_deployer.local.initializer"]
    secret = secret_environment("seldon_gs", keys)
    done = run([*command, "gs://models/iris/1", str(tmp_path / "models")], internet, secret)
    assert done.returncode == 1
    assert "invalid_grant" in done.stderr


def test_a_service_principal_with_a_wrong_password_is_refused(azure, internet, tmp_path):
    AzureStore(azure, CLOSED)
    path = Path(principal_file(azure, tmp_path))
    path.write_text(path.read_text().replace(azure.password, f"{CANARY}-other"))
    values = {"account": azure.account, "service_principal_file": str(path)}
    secret = secret_environment("seldon_az", prefixed("rclone_config_azureblob_", values))
    command = [sys.executable, "-m", "seldon_deployer.local.initializer"]
    address = f"azureblob://{CLOSED}/iris/1"
    done = run([*command, address, str(tmp_path / "models")], internet, secret)
    assert done.returncode == 1
    assert CANARY not in done.stdout + done.stderr
