"""Models in a real S3 server, served by the embedded runtime with the credentials of a Secret."""

from __future__ import annotations

import io
import itertools
import logging
import pickle

import cloudpickle
import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
from storage.s3_server import S3Server
from storage.servers import minio

from seldon_deployer import Deployer, DeploymentConfig, DeploymentFailed
from seldon_deployer.cluster import SECRETS, SELDON_DEPLOYMENTS
from seldon_deployer.deployer import StorageCredentials
from seldon_deployer.deployer.secret import apply_secret
from seldon_deployer.errors import ArtifactError, ManifestError, StorageDenied, StorageMissing
from seldon_deployer.local import lifecycle
from seldon_deployer.secrets import build_secret, parse_credentials

__all__ = ["minio"]

X, y = load_iris(return_X_y=True)
BUCKET = "models"
_NUMBERS = itertools.count()


def trained(depth=2):
    return DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X, y)


def joblib_bytes(model):
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    yield folder
    lifecycle.stop(folder)


@pytest.fixture(scope="module")
def runtime(home):
    return Deployer.local(home=home)


@pytest.fixture
def deployer(runtime, monkeypatch):
    # A machine without an identity of its own.
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield runtime
    for each in runtime.find():
        runtime.delete(each.name)
    left = [each["metadata"]["name"] for each in runtime.cluster.list(SECRETS)[0]]
    for name in left:
        # Not in the next test's way too.
        runtime.cluster.delete(SECRETS, name)
    assert left == []


@pytest.fixture
def folder():
    """A prefix of the bucket that no other test has."""
    return f"iris-{next(_NUMBERS)}"


def credentials(server: S3Server, name="storage", **others):
    keys = {**server.keys(), **others}
    return StorageCredentials(name, parse_credentials("seldon_s3", keys))


def config(folder, **more):
    return DeploymentConfig(model_name=folder, model_uri=f"s3://{BUCKET}/{folder}", **more)


def unit_of(deployer, name):
    live = deployer.cluster.get(SELDON_DEPLOYMENTS, name)
    return live["spec"]["predictors"][0]["graph"]


def versions(minio, prefix):
    answer = minio.client().list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return {each["Key"]: (each["ETag"], each["LastModified"]) for each in answer["Contents"]}


def test_a_model_that_fits_is_served_from_where_it_lies(deployer, minio, folder):
    model = trained()
    minio.put(BUCKET, {f"{folder}/model.joblib": joblib_bytes(model)})
    before = versions(minio, folder)
    service = deployer.deploy(config(folder), credentials=credentials(minio), timeout_seconds=120)
    assert np.allclose(service.predict(X[:5]), model.predict_proba(X[:5]))
    assert unit_of(deployer, folder)["modelUri"] == f"s3://{BUCKET}/{folder}"
    assert unit_of(deployer, folder)["implementation"] == "SKLEARN_SERVER"
    assert versions(minio, folder) == before


@pytest.mark.parametrize("dump", [pickle.dumps, cloudpickle.dumps])
def test_a_model_that_does_not_fit_is_converted_beside_the_original_once(
    deployer, minio, folder, dump
):
    model = trained()
    minio.put(BUCKET, {f"{folder}/artifact.pkl": dump(model)})
    original = versions(minio, folder)
    service = deployer.deploy(config(folder), credentials=credentials(minio), timeout_seconds=120)
    assert np.allclose(service.predict(X[:5]), model.predict_proba(X[:5]))
    served = unit_of(deployer, folder)["modelUri"]
    assert served.startswith(f"s3://{BUCKET}/{folder}.seldon-deployer/")
    assert service.model_uri == f"s3://{BUCKET}/{folder}"
    after = versions(minio, folder)
    assert after.items() > original.items()
    again = deployer.deploy(config(folder), credentials=credentials(minio), timeout_seconds=120)
    assert again.revision == service.revision
    assert versions(minio, folder) == after


def test_new_bytes_under_the_old_address_are_a_new_revision(deployer, minio, folder):
    given = credentials(minio)
    minio.put(BUCKET, {f"{folder}/model.joblib": joblib_bytes(trained(1))})
    first = deployer.deploy(config(folder), credentials=given, timeout_seconds=120)
    deeper = trained(3)
    minio.put(BUCKET, {f"{folder}/model.joblib": joblib_bytes(deeper)})
    second = deployer.deploy(config(folder), credentials=given, timeout_seconds=120)
    assert second.revision != first.revision
    assert np.allclose(second.predict(X[:5]), deeper.predict_proba(X[:5]))


def test_a_wrong_prefix_in_a_right_bucket_is_told_before_anything_is_sent(deployer, minio, folder):
    minio.put(BUCKET, {f"{folder}/model.joblib": joblib_bytes(trained())})
    wanted = DeploymentConfig(model_name="x", model_uri=f"s3://{BUCKET}/{folder}-typo")
    with pytest.raises(StorageMissing, match=f"did you mean {folder}") as caught:
        deployer.deploy(wanted, credentials=credentials(minio), timeout_seconds=120)
    assert caught.value.exit_code == 1
    assert deployer.cluster.get(SELDON_DEPLOYMENTS, "x") is None
    assert deployer.cluster.get(SECRETS, "storage") is None


def test_a_missing_bucket_is_told_before_anything_is_sent(deployer, minio):
    wanted = DeploymentConfig(model_name="x", model_uri="s3://no-such-bucket/iris")
    with pytest.raises(StorageMissing, match="no-such-bucket"):
        deployer.deploy(wanted, credentials=credentials(minio), timeout_seconds=120)
    assert deployer.find() == []


def test_a_folder_without_a_model_is_told_with_what_is_there(deployer, minio, folder):
    minio.put(BUCKET, {f"{folder}/notes.md": b"# nothing"})
    with pytest.raises(ArtifactError, match=r"notes\.md"):
        deployer.deploy(config(folder), credentials=credentials(minio), timeout_seconds=120)
    assert deployer.find() == []


def test_a_key_that_is_refused_is_a_warning_and_under_strict_an_error(
    deployer, minio, folder, caplog
):
    minio.put(BUCKET, {f"{folder}/model.joblib": joblib_bytes(trained())})
    wrong = credentials(minio, rclone_config_s3_secret_access_key="canary-wrong")
    named = config(folder, implementation="SKLEARN_SERVER")
    with pytest.raises(StorageDenied, match="SignatureDoesNotMatch"):
        deployer.deploy(named, credentials=wrong, preflight="strict", timeout_seconds=120)
    assert deployer.find() == []
    with pytest.raises(DeploymentFailed, match="SignatureDoesNotMatch"):
        deployer.deploy(named, credentials=wrong, timeout_seconds=120)
    assert "could not be checked with the credentials of the Secret storage" in caplog.text
    with pytest.raises(ArtifactError, match="is unknown"):
        deployer.deploy(config(folder), credentials=wrong, timeout_seconds=120)
    assert "canary-wrong" not in caplog.text


def test_the_secret_that_is_named_is_the_one_that_is_looked_with(deployer, minio, folder):
    model = trained()
    minio.put(BUCKET, {f"{folder}/model.joblib": joblib_bytes(model)})
    named = config(folder, secret_name="by-hand")
    with pytest.raises(ManifestError, match="there is no Secret by-hand"):
        deployer.deploy(named, timeout_seconds=120)
    other = parse_credentials("seldon_gs", {"rclone_config_gs_anonymous": True})
    deployer.cluster.create(SECRETS, build_secret("by-hand", "default", other))
    with pytest.raises(ManifestError, match="no RCLONE_CONFIG_S3_TYPE"):
        deployer.deploy(named, timeout_seconds=120)
    deployer.cluster.delete(SECRETS, "by-hand")
    secret = build_secret("by-hand", "default", credentials(minio).credentials)
    deployer.cluster.create(SECRETS, secret)
    service = deployer.deploy(named, timeout_seconds=120)
    assert np.allclose(service.predict(X[:5]), model.predict_proba(X[:5]))
    deployer.delete(folder)
    assert deployer.cluster.get(SECRETS, "by-hand")
    deployer.cluster.delete(SECRETS, "by-hand")


def test_credentials_for_reading_leave_the_conversion_to_this_machines_own(
    deployer, minio, folder, monkeypatch
):
    model = trained()
    minio.put(BUCKET, {f"{folder}/artifact.pkl": pickle.dumps(model)})
    reader = _reader(minio, f"reader-{folder}")
    with pytest.raises(StorageDenied, match="neither the Secret's credentials nor"):
        deployer.deploy(config(folder), credentials=reader, timeout_seconds=120)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", minio.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", minio.secret)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", minio.endpoint)
    service = deployer.deploy(config(folder), credentials=reader, timeout_seconds=120)
    assert np.allclose(service.predict(X[:5]), model.predict_proba(X[:5]))


def test_a_store_that_is_down_starts_no_rollout(deployer, minio, folder, caplog):
    minio.put(BUCKET, {f"{folder}/artifact.pkl": pickle.dumps(trained())})
    first = deployer.deploy(config(folder), credentials=credentials(minio), timeout_seconds=120)
    down = credentials(minio, rclone_config_s3_endpoint="http://127.0.0.1:9")
    told = []
    again = deployer.deploy(
        config(folder), credentials=down, timeout_seconds=120, progress=told.append
    )
    assert again.revision == first.revision
    assert f"{folder} is unchanged" in told
    assert "could not be checked" in caplog.text
    fresh = DeploymentConfig(model_name="fresh", model_uri=f"s3://{BUCKET}/{folder}")
    with pytest.raises(ArtifactError, match="is unknown"):
        deployer.deploy(fresh, credentials=down, timeout_seconds=120)


def test_new_credentials_reach_the_pods_on_a_restart_and_stay(deployer, minio, folder, caplog):
    caplog.set_level(logging.INFO)
    minio.put(BUCKET, {f"{folder}/model.joblib": joblib_bytes(trained())})
    given = credentials(minio)
    first = deployer.deploy(config(folder), credentials=given, timeout_seconds=120)
    secret = deployer.cluster.get(SECRETS, "storage")
    assert deployer.restart_users(secret, timeout_seconds=120) == [folder]
    second = deployer.get(folder)
    assert second.revision == f"{first.revision}.{secret['metadata']['resourceVersion']}"
    assert deployer.restart_users(secret, timeout_seconds=120) == [folder]
    assert deployer.get(folder).revision == second.revision
    assert deployer.deploy(config(folder), credentials=given).revision == second.revision
    wrong = credentials(minio, rclone_config_s3_secret_access_key="wrong")
    wrong_secret = build_secret("storage", "default", wrong.credentials)
    applied = apply_secret(deployer.cluster, wrong_secret)
    with pytest.raises(DeploymentFailed, match="SignatureDoesNotMatch"):
        deployer.restart_users(applied, timeout_seconds=120)
    assert deployer.get(folder).revision == second.revision
    assert deployer.get(folder).predict(X[:1]) is not None
    deployer.delete(folder)
    # It was applied by hand meanwhile, so it stays.
    deployer.cluster.delete(SECRETS, "storage")


def _reader(minio, name):
    """Credentials that may list and read, and no more: those of a service account of MinIO."""
    import json

    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation"],
                "Resource": ["arn:aws:s3:::*"],
            }
        ],
    }
    answer = minio.client("sts").assume_role(
        RoleArn="arn:aws:iam::x:role/x", RoleSessionName=name, Policy=json.dumps(policy)
    )["Credentials"]
    return credentials(
        minio,
        rclone_config_s3_access_key_id=answer["AccessKeyId"],
        rclone_config_s3_secret_access_key=answer["SecretAccessKey"],
        rclone_config_s3_session_token=answer["SessionToken"],
    )
