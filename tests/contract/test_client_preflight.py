"""What is asked of both ends before anything is sent, and what is not."""

from __future__ import annotations

import base64
from collections import Counter

import pytest
from client import Client
from scripted_operator import ScriptedOperator

from seldon_deployer.cli.run import run
from seldon_deployer.cluster import SECRETS, SELDON_DEPLOYMENTS, Resource, connect
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer import Deployer, StorageCredentials
from seldon_deployer.deployer.end import End as DeployerEnd
from seldon_deployer.errors import (
    ManifestError,
    NotFound,
    PermissionDenied,
    StorageMissing,
    UsageError,
)
from seldon_deployer.secrets import parse_credentials

TRANSPORT = "seldon_deployer.cluster.transport"
ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")


@pytest.fixture
def deployer(cluster):
    return Deployer(DeployerEnd(cluster, is_local=False, base_url=None))


def config(**more):
    """A model on a volume: nobody can look into one from here, so no store is asked."""
    fields = {
        "model_name": "iris",
        "model_uri": "pvc://claim/m",
        "implementation": "SKLEARN_SERVER",
    }
    return DeploymentConfig(**{**fields, **more})


def in_s3(**more):
    # Never asked: its bucket's name is none, which the client finds before it connects.
    return config(model_uri="s3://m/1", **more)


def secret(name, data):
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded}


def sent_by_us(caplog):
    sent = [each for each in caplog.records if each.name == TRANSPORT]
    return [each.getMessage() for each in sent if each.threadName != "operator"]


def ignore_claims(**more):
    return {"timeout_seconds": 30, "ignore": ["missing-claim"], **more}


def test_a_secret_that_is_not_there_is_told_before_anything_is_sent(deployer, cluster):
    with pytest.raises(ManifestError, match="there is no Secret missing") as caught:
        deployer.deploy(in_s3(secret_name="missing"), timeout_seconds=30)
    assert "preflight=off" in caught.value.hint
    assert cluster.get(SELDON_DEPLOYMENTS, "iris") is None


def test_a_secret_of_another_store_is_told(deployer, cluster):
    cluster.create(SECRETS, secret("gs", {"RCLONE_CONFIG_GS_TYPE": "google cloud storage"}))
    with pytest.raises(ManifestError, match="says nothing of s3://"):
        deployer.deploy(in_s3(secret_name="gs"), timeout_seconds=30)
    assert cluster.get(SELDON_DEPLOYMENTS, "iris") is None


def test_a_namespace_that_is_not_there_is_what_is_missing(end):
    cluster = connect(kubeconfig=end.kubeconfig, namespace="modles")
    deployer = Deployer(DeployerEnd(cluster, is_local=False, base_url=None))
    with pytest.raises(NotFound, match="kubectl create namespace modles"):
        deployer.deploy(in_s3(secret_name="missing"), timeout_seconds=30)
    cluster.close()


def test_what_several_parts_want_is_told_once(deployer, cluster):
    canary = {"name": "canary", "traffic": 10, "model_uri": "pvc://claim/n"}
    wanted = config(env_from_secrets={"TOKEN": "tokens/key"}, predictors=[canary])
    with pytest.raises(ManifestError) as caught:
        deployer.deploy(wanted, **ignore_claims())
    assert caught.value.why.count("there is no Secret tokens") == 1


def test_secrets_and_keys_that_variables_name_have_to_be_there(deployer, cluster):
    wanted = config(env_from_secrets={"TOKEN": "tokens/key"})
    with pytest.raises(ManifestError, match="there is no Secret tokens"):
        deployer.deploy(wanted, **ignore_claims())
    cluster.create(SECRETS, secret("tokens", {"other": "x"}))
    with pytest.raises(ManifestError, match="the Secret tokens has no key key"):
        deployer.deploy(wanted, **ignore_claims())
    assert cluster.get(SELDON_DEPLOYMENTS, "iris") is None


@pytest.mark.cluster
@pytest.mark.parametrize("kind", ["account", "claim"])
def test_accounts_and_claims_have_to_be_there(real_end, request, kind):
    client = Client(real_end)
    name = f"pre-{abs(hash(request.node.name)) % 10**8}"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    assert client.post("/api/v1/namespaces", namespace).status == 201
    client.close()
    cluster = connect(kubeconfig=real_end.kubeconfig, namespace=name)
    deployer = Deployer(DeployerEnd(cluster, is_local=False, base_url=None))
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "claim"},
        "spec": {
            "accessModes": ["ReadOnlyMany"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader"}}
    wanted = config(service_account_name="reader")
    cluster.create(ACCOUNTS, account) if kind == "claim" else cluster.create(CLAIMS, claim)
    missing = "volume claim claim" if kind == "claim" else "service account reader"
    with pytest.raises(ManifestError, match=f"there is no {missing}"):
        deployer.deploy(wanted, timeout_seconds=30)
    cluster.create(CLAIMS, claim) if kind == "claim" else cluster.create(ACCOUNTS, account)
    with ScriptedOperator(connect(kubeconfig=real_end.kubeconfig, namespace=name)):
        assert deployer.deploy(wanted, timeout_seconds=60).name == "iris"
    cluster.close()


def test_off_asks_neither_the_store_nor_for_what_is_named(deployer, operator, caplog):
    caplog.set_level("DEBUG", logger=TRANSPORT)
    deployer.deploy(
        in_s3(secret_name="missing", service_account_name="none"),
        preflight="off",
        timeout_seconds=30,
    )
    asked = " ".join(sent_by_us(caplog))
    assert "/secrets" not in asked
    assert "/serviceaccounts" not in asked


def test_what_is_not_named_is_not_asked_for(deployer, operator, caplog):
    caplog.set_level("DEBUG", logger=TRANSPORT)
    wanted = DeploymentConfig(model_name="iris", python_class="a.B", image="mine:1")
    deployer.deploy(wanted, timeout_seconds=30)
    kinds = Counter("watch=true" in each for each in sent_by_us(caplog))
    assert kinds[False] <= 10
    assert kinds[True] == 2
    assert "/secrets" not in " ".join(sent_by_us(caplog))


def test_a_secret_to_be_made_counts_as_there(deployer, operator, cluster):
    keys = {
        "rclone_config_s3_access_key_id": "a",
        "rclone_config_s3_secret_access_key": "b",
        "rclone_config_s3_endpoint": "http://127.0.0.1:9",
    }
    made = StorageCredentials("made", parse_credentials("seldon_s3", keys))
    deployer.deploy(config(model_uri="s3://models/1"), credentials=made, timeout_seconds=60)
    assert cluster.get(SECRETS, "made")


def test_a_dry_run_makes_no_secret(deployer, cluster):
    keys = {"rclone_config_s3_env_auth": True, "rclone_config_s3_endpoint": "http://127.0.0.1:9"}
    made = StorageCredentials("made", parse_credentials("seldon_s3", keys))
    difference = deployer.diff(config(model_uri="s3://models/1"), credentials=made, preflight="off")
    assert "envSecretRefName: made" in str(difference)
    assert cluster.list(SECRETS)[0] == []


def test_credentials_for_what_lies_in_no_store_make_no_secret(deployer, operator, cluster):
    made = StorageCredentials(
        "made", parse_credentials("seldon_s3", {"rclone_config_s3_env_auth": True})
    )
    wanted = DeploymentConfig(model_name="iris", python_class="a.B", image="mine:1")
    deployer.deploy(wanted, credentials=made, timeout_seconds=30)
    assert cluster.get(SECRETS, "made") is None


def test_traffic_that_nothing_splits_is_warned_of_until_it_is_silenced(deployer, operator, caplog):
    # The scripted operator plays one predictor: what is sent is all that is looked at.
    wanted = config(predictors=[{"name": "canary", "traffic": 10, "model_uri": "pvc://claim/n"}])
    deployer.diff(wanted, ignore=["missing-claim"])
    assert "neither Istio nor Ambassador" in caplog.text
    caplog.clear()
    deployer.diff(wanted, ignore=["missing-claim", "traffic-without-mesh"])
    assert "neither Istio nor Ambassador" not in caplog.text


def test_a_rule_that_there_is_not_is_told(deployer):
    with pytest.raises(UsageError, match="did you mean missing-secret"):
        deployer.deploy(config(), ignore=["mising-secret"])


@pytest.mark.cluster
def test_a_secret_that_we_may_not_read_is_a_warning_and_under_strict_an_error(
    real_end, request, tmp_path, caplog
):
    from test_client_permissions import account_of

    admin_of = connect(kubeconfig=real_end.kubeconfig)
    namespace = f"pre-{abs(hash(request.node.name)) % 10**8}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    admin_of.create(Resource("", "v1", "namespaces", "Namespace", namespaced=False), body)
    admin_of.close()
    cluster = account_of(real_end, namespace, tmp_path)
    deployer = Deployer(DeployerEnd(cluster, is_local=False, base_url=None))
    wanted = in_s3(secret_name="hidden")
    with pytest.raises(ManifestError, match="is not known"):
        deployer.diff(wanted, preflight="strict")
    assert deployer.diff(wanted)
    assert "whether there is a Secret hidden is not known" in caplog.text
    made = StorageCredentials(
        "made", parse_credentials("seldon_s3", {"rclone_config_s3_env_auth": True})
    )
    with pytest.raises(PermissionDenied, match="secrets made"):
        deployer.diff(in_s3(), credentials=made)
    cluster.close()


def test_the_command_silences_rules_too(end, cluster, tmp_path, capsys):
    arguments = ["diff", "--name", "iris", "--model-uri", "s3://m/1"]
    arguments += ["--implementation", "SKLEARN_SERVER", "--secret-name", "missing"]
    arguments += ["--kubeconfig", str(end.kubeconfig), "-n", cluster.namespace]
    assert run(arguments) == 2
    assert "there is no Secret missing" in capsys.readouterr().err
    assert run([*arguments, "--preflight", "off"]) == 1
    assert run([*arguments, "--ignore", "missing-secret"]) == 1


def test_a_volume_that_is_mounted_here_too_is_looked_at(
    deployer, operator, cluster, tmp_path, monkeypatch
):
    monkeypatch.setenv("SELDON_DEPLOYER_VOLUMES", str(tmp_path))
    claim = tmp_path / "claim"
    claim.mkdir()
    for missing in ("nothing at pvc://claim/m", r"model\.joblib"):
        with pytest.raises(StorageMissing, match=missing):
            deployer.deploy(config(), **ignore_claims())
        assert cluster.get(SELDON_DEPLOYMENTS, "iris") is None
        (claim / "m").mkdir(exist_ok=True)
        (claim / "m" / "model.txt").write_text("")
    (claim / "m" / "model.joblib").write_bytes(b"x")
    deployer.deploy(config(), **ignore_claims())
    # What is there is served as it lies.
    assert sorted(each.name for each in claim.iterdir()) == ["m"]


def test_a_volume_that_is_not_mounted_here_is_taken_as_it_is(
    deployer, operator, cluster, tmp_path, monkeypatch, caplog
):
    caplog.set_level("INFO")
    monkeypatch.setenv("SELDON_DEPLOYER_VOLUMES", str(tmp_path))
    deployer.deploy(config(), **ignore_claims(), preflight="strict")
    told = [each for each in caplog.messages if "was not looked at" in each]
    assert told == [
        "pvc://claim/m was not looked at: it is mounted into pods of its namespace, and not here"
    ]
