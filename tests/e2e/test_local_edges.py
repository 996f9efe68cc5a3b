"""The embedded runtime at its edges, through the Deployer: names, odd values, odd code."""

from __future__ import annotations

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from seldon_deployer import Deployer, DeploymentConfig
from seldon_deployer.cluster import Resource
from seldon_deployer.errors import DeploymentFailed, ManifestError, NotFound, StorageMissing
from seldon_deployer.local import lifecycle

CODE = """
class Double:
    def predict(self, X, names):
        return X * 2
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("runtime") / "a home, für alle"


@pytest.fixture(scope="module")
def deployer(home):
    yield Deployer.local(home=home)
    lifecycle.stop(home)


@pytest.fixture(scope="module")
def code_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("code") / "mein code"
    folder.mkdir()
    (folder / "double.py").write_text(CODE)
    return folder


@pytest.mark.parametrize(
    "name", ["n" * 26, "n" * 27, "n" * 63, "n" * 64, "a--b", "9 lives", "Größe/Übung %2F"]
)
def test_what_a_model_was_called_finds_it_again(deployer, code_path, name):
    config = DeploymentConfig(model_name=name, python_class="double.Double", code_path=code_path)
    service = deployer.deploy(config, timeout_seconds=60)

    assert np.array_equal(service.predict(np.array([[1.0]])), [[2.0]])
    assert deployer.get(name).model_name == name

    deployer.delete(name)
    with pytest.raises(NotFound, match="there is no SeldonDeployment"):
        deployer.get(name)


def test_a_service_account_has_to_be_there_as_on_a_cluster(deployer, code_path):
    accounts = Resource("", "v1", "serviceaccounts", "ServiceAccount")
    config = DeploymentConfig(
        model_name="accounted",
        python_class="double.Double",
        code_path=code_path,
        service_account_name="reader",
    )
    with pytest.raises(ManifestError, match="there is no service account reader"):
        deployer.deploy(config, timeout_seconds=60)
    with pytest.raises(DeploymentFailed, match='serviceaccount "reader" not found'):
        deployer.deploy(config, timeout_seconds=60, preflight="off")

    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader"}}
    deployer.cluster.create(accounts, account)
    service = deployer.deploy(config, timeout_seconds=60)
    assert np.array_equal(service.predict(np.array([[1.0]])), [[2.0]])
    deployer.delete("accounted")


def test_a_claim_is_looked_into_before_anything_is_sent(deployer, home, tmp_path, monkeypatch):
    # What this process says of volumes is nothing to a runtime that runs already.
    monkeypatch.setenv("SELDON_DEPLOYER_VOLUMES", str(tmp_path))
    config = DeploymentConfig(
        model_name="claimed", implementation="SKLEARN_SERVER", model_uri="pvc://claim/iris"
    )
    claim = home / "volumes" / "claim"
    with pytest.raises(ManifestError, match=f"no volume claim claim .*{claim}"):
        deployer.deploy(config, timeout_seconds=60)
    claim.mkdir(parents=True)
    with pytest.raises(StorageMissing, match="nothing at pvc://claim/iris"):
        deployer.deploy(config, timeout_seconds=60)
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    (claim / "iris").mkdir()
    joblib.dump(model, claim / "iris" / "other.joblib")
    with pytest.raises(StorageMissing, match=r"has no model\.joblib"):
        deployer.deploy(config, timeout_seconds=60)
    assert deployer.find() == []
    (claim / "iris" / "other.joblib").rename(claim / "iris" / "model.joblib")

    service = deployer.deploy(config, timeout_seconds=60)
    assert np.allclose(service.predict([[1.0]]), model.predict_proba([[1.0]]))
    deployer.delete("claimed")
