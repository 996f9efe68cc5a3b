"""Credentials are in Secrets, and nowhere else: what a run leaves behind is searched for them."""

from __future__ import annotations

import io
import json
import logging
import os
import sqlite3
import subprocess
import sys

import joblib
import psutil
import pytest
import yaml
from canary import CANARIES, canaries_in, canaries_in_files, told_by
from embedded import processes_of
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
from storage.servers import minio, moto

from seldon_deployer import Deployer, DeploymentConfig
from seldon_deployer.cluster import (
    DEPLOYMENTS,
    EVENTS,
    PODS,
    SECRETS,
    SELDON_DEPLOYMENTS,
    SERVICES,
)
from seldon_deployer.deployer import StorageCredentials
from seldon_deployer.errors import SeldonDeployerError
from seldon_deployer.local import lifecycle
from seldon_deployer.secrets import parse_credentials

__all__ = ["minio", "moto"]

DATABASE = "cluster.db"


def trained():
    buffer = io.BytesIO()
    joblib.dump(DecisionTreeClassifier(max_depth=2).fit(*load_iris(return_X_y=True)), buffer)
    return buffer.getvalue()


def keys(server):
    access, secret, token = CANARIES
    return {
        **server.keys(),
        "rclone_config_s3_access_key_id": access,
        "rclone_config_s3_secret_access_key": secret,
        "rclone_config_s3_session_token": token,
    }


def credentials(server):
    return StorageCredentials("storage", parse_credentials("seldon_s3", keys(server)))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    yield folder
    lifecycle.stop(folder)


@pytest.fixture(scope="module")
def deployer(home):
    return Deployer.local(home=home)


@pytest.fixture
def listing():
    """Collects the command lines of all processes each time that something is told."""

    class Listing(list):
        def look(self, text):
            self.append(text)
            for process in psutil.process_iter():
                try:
                    self.append(" ".join(process.cmdline()))
                except psutil.Error:
                    continue

    return Listing()


def objects_of(cluster):
    """Every object but the data of Secrets, as the API shows it."""
    for resource in (SELDON_DEPLOYMENTS, DEPLOYMENTS, PODS, EVENTS, SERVICES, SECRETS):
        for each in cluster.list(resource)[0]:
            yield json.dumps({key: value for key, value in each.items() if key != "data"})


def assert_clean(deployer, home, *texts):
    for text in (*texts, *objects_of(deployer.cluster)):
        assert canaries_in(text) == []
    assert canaries_in_files(home, but=[DATABASE]) == []
    rows = 0
    with sqlite3.connect(home / DATABASE) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master")]
        for table in tables:
            for row in database.execute(f'select * from "{table}"'):
                text = " ".join(
                    each.decode(errors="replace") if isinstance(each, bytes) else str(each)
                    for each in row
                )
                rows += 1
                if '"kind":"Secret"' in text.replace(" ", "") or "secrets" in row:
                    continue
                assert canaries_in(text) == [], table
    assert rows


def test_a_deployment_that_serves_leaves_them_in_the_secret_alone(
    deployer, home, moto, caplog, listing
):
    caplog.set_level(logging.DEBUG)
    moto.put("canary", {"iris/artifact.pkl": trained()})
    service = deployer.deploy(
        DeploymentConfig(model_name="serves", model_uri="s3://canary/iris"),
        credentials=credentials(moto),
        timeout_seconds=120,
        progress=listing.look,
    )
    data = deployer.cluster.get(SECRETS, "storage")["data"]
    # The search would find them: they are where they belong.
    assert canaries_in(json.dumps(data))
    assert_clean(
        deployer,
        home,
        caplog.text,
        *listing,
        repr(service),
        repr(credentials(moto)),
        *service.logs(),
    )
    units = [line for line in processes_of(home) if "seldon_deployer.server" in line]
    assert units
    for process in psutil.process_iter():
        try:
            if "seldon_deployer.server" in " ".join(process.cmdline()):
                # The initializer alone is given them, and it has ended.
                assert canaries_in(str(process.environ())) == []
        except psutil.Error:
            continue
    deployer.delete("serves")


@pytest.mark.parametrize("preflight", ["strict", "warn", "off"])
@pytest.mark.parametrize("trouble", ["wrong key", "missing bucket", "no model", "crash"])
def test_whatever_breaks_tells_none_of_them(
    deployer, home, moto, minio, caplog, listing, trouble, preflight
):
    caplog.set_level(logging.DEBUG)
    server = minio if trouble == "wrong key" else moto
    moto.put("canary", {"junk/model.joblib": b"no model", "iris/model.joblib": trained()})
    uri = {
        "wrong key": "s3://canary/iris",
        "missing bucket": "s3://nothing-of-that-name/iris",
        "no model": "s3://canary/irs",
        "crash": "s3://canary/junk",
    }[trouble]
    config = DeploymentConfig(model_name="breaks", model_uri=uri, implementation="SKLEARN_SERVER")
    with pytest.raises(SeldonDeployerError) as caught:
        deployer.deploy(
            config,
            credentials=credentials(server),
            preflight=preflight,
            timeout_seconds=120,
            progress=listing.look,
        )
    assert_clean(deployer, home, caplog.text, told_by(caught.value), *listing)
    assert deployer.find() == []


def test_the_command_line_tells_none_of_them(deployer, home, minio, tmp_path):
    file = tmp_path / "credentials" / "s3.yaml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump({"name": "by-hand", "schema": "seldon_s3", **keys(minio)}))
    environment = {
        **os.environ,
        "SELDON_DEPLOYER_HOME": str(home),
        # No cluster: neither by the variable nor in the home folder.
        "KUBECONFIG": "",
        "HOME": str(tmp_path),
    }
    model = ["--name", "breaks", "--model-uri", "s3://canary/iris", "--secret-name", "by-hand"]
    model += ["--implementation", "SKLEARN_SERVER"]
    local = ["--runtime", "local"]
    said = []
    for arguments, code in (
        (["secret", "apply", str(file), *local], 0),
        (["secret", "check", str(file)], 1),
        (["secret", "check", "by-hand", "--uri", "s3://canary/iris", *local], 1),
        (["render", *model], 0),
        (["diff", *model, *local], 1),
        (["deploy", *model, *local, "--preflight", "strict"], 1),
        (["deploy", *model, *local], 1),
        (["secret", "apply", str(file), "--restart", *local], 0),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "seldon_deployer", *arguments, "--debug"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == code, done.stderr
        said += [done.stdout, done.stderr]
    assert_clean(deployer, home, *said)
    deployer.cluster.delete(SECRETS, "by-hand")
