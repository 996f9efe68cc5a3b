"""Without a Secret the embedded runtime reads S3 as this machine's own tools would."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import psutil
import pytest
from e2e.embedded import processes_of
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
from storage.s3_server import REGION, S3Server

from seldon_deployer import Deployer, DeploymentConfig, DeploymentFailed
from seldon_deployer.errors import StorageDenied
from seldon_deployer.local import lifecycle
from seldon_deployer.storage import open_folder

FEATURES, TARGET = load_iris(return_X_y=True)
MODEL = DecisionTreeClassifier(max_depth=2, random_state=0).fit(FEATURES, TARGET)
PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": ["*"]},
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": ["arn:aws:s3:::public", "arn:aws:s3:::public/*"],
        }
    ],
}


@pytest.fixture(scope="module")
def store(minio: S3Server) -> S3Server:
    file = io.BytesIO()
    joblib.dump(MODEL, file)
    for bucket in ("own", "public"):
        minio.put(bucket, {"iris/model.joblib": file.getvalue()})
    minio.client().put_bucket_policy(Bucket="public", Policy=json.dumps(PUBLIC))
    return minio


@pytest.fixture
def nobody(store: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that knows the store's address, and nobody on it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    lifecycle.stop(tmp_path / "home")
    assert processes_of(tmp_path / "home") == []


def served(home: Path, bucket: str) -> tuple[Deployer, str]:
    """Deploys the model of a bucket without a Secret; gives the log of its initializer."""
    deployer = Deployer.local(home=home)
    config = DeploymentConfig(model_name="iris", model_uri=f"s3://{bucket}/iris")
    service = deployer.deploy(config, timeout_seconds=120)
    assert np.allclose(service.predict(FEATURES[:5]), MODEL.predict_proba(FEATURES[:5]))
    kept = [each for each in (home / "pods").rglob("*") if "model-initializer" in str(each)]
    return deployer, "".join(each.read_text() for each in kept if each.is_file())


@pytest.mark.parametrize("is_profile", [False, True], ids=["variables", "profile"])
def test_a_model_is_read_with_the_credentials_of_this_machine(
    store, nobody, home, tmp_path, monkeypatch, is_profile
) -> None:
    if is_profile:
        lines = f"aws_access_key_id = {store.key_id}\naws_secret_access_key = {store.secret}\n"
        (tmp_path / "credentials").write_text(f"[laptop]\n{lines}")
        monkeypatch.setenv("AWS_PROFILE", "laptop")
    else:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", store.key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", store.secret)

    deployer, log = served(home, "own")

    assert "no Secret was given: the model is read with this machine's own credentials" in log
    assert "copied 1 files" in log
    # They reached the initializer, and neither the unit nor anything that is kept.
    units = [each for each in psutil.process_iter() if _is_unit(each, home)]
    assert units
    assert not [name for each in units for name in each.environ() if name.startswith("AWS_")]
    kept = [each for each in home.rglob("*") if each.is_file()]
    assert not [each for each in kept if store.secret.encode() in each.read_bytes()]
    deployer.delete("iris")


def test_a_public_bucket_is_read_by_nobody(nobody, home) -> None:
    deployer, log = served(home, "public")

    assert "copied 1 files" in log
    deployer.delete("iris")


def test_nobody_is_told_what_to_do_where_a_bucket_is_not_public(nobody, home, caplog) -> None:
    with pytest.raises(StorageDenied, match="set AWS_PROFILE"):
        open_folder("s3://own/iris").check()

    config = DeploymentConfig(
        model_name="iris", model_uri="s3://own/iris", implementation="SKLEARN_SERVER"
    )
    with pytest.raises(DeploymentFailed, match="No Secret was given") as failed:
        Deployer.local(home=home).deploy(config, timeout_seconds=120)

    assert "start the runtime again" in str(failed.value)
    assert "no identity for AWS" in caplog.text


def _is_unit(process: psutil.Process, home: Path) -> bool:
    try:
        return f"{home}/pods" in process.cwd()
    except psutil.Error:
        return False
