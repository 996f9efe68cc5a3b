"""The least-privilege role that we ship is enough; without it the error says what is missing."""

from __future__ import annotations

import pytest
import yaml
from client import Client
from scripted_operator import ScriptedOperator

from seldon_deployer.cluster import Cluster, Resource, connect, rbac_manifest
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer import Deployer
from seldon_deployer.deployer.end import End as DeployerEnd
from seldon_deployer.errors import DeploymentFailed, PermissionDenied

pytestmark = pytest.mark.cluster

ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
ROLES = Resource("rbac.authorization.k8s.io", "v1", "roles", "Role")
BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
WANTED = DeploymentConfig(model_name="iris", model_uri="s3://m/1", implementation="SKLEARN_SERVER")


@pytest.fixture
def namespace(real_end, request):
    cluster = connect(kubeconfig=real_end.kubeconfig)
    name = f"rbac-{abs(hash(request.node.name)) % 10**8}"
    cluster.create(
        NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    )
    yield name
    cluster.close()


def account_of(real_end, namespace, tmp_path, *, kinds=("ServiceAccount", "Role", "RoleBinding")):
    """Apply the shipped manifest and connect as its ServiceAccount."""
    admin = connect(kubeconfig=real_end.kubeconfig, namespace=namespace)
    by_kind = {each.kind: each for each in (ACCOUNTS, ROLES, BINDINGS)}
    for manifest in yaml.safe_load_all(rbac_manifest(namespace)):
        if manifest["kind"] in kinds:
            admin.apply(by_kind[manifest["kind"]], manifest)
    client = Client(real_end)
    path = ACCOUNTS.path(namespace, "seldon-deployer", "token")
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = client.post(path, body).body["status"]["token"]
    client.close()
    admin.close()
    config = yaml.safe_load(real_end.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    written = tmp_path / "kubeconfig"
    written.write_text(yaml.safe_dump(config))
    return connect(kubeconfig=written, namespace=namespace)


def deployer_of(cluster: Cluster) -> Deployer:
    return Deployer(DeployerEnd(cluster, is_local=False, base_url=None), preflight="off")


def test_the_shipped_role_is_enough_to_deploy_explain_list_and_delete(
    real_end, namespace, tmp_path
):
    cluster = account_of(real_end, namespace, tmp_path)
    deployer = deployer_of(cluster)
    own = connect(kubeconfig=real_end.kubeconfig, namespace=namespace)
    with ScriptedOperator(own) as operator:
        deployer.deploy(WANTED, timeout_seconds=60)
        operator.act = operator.crash
        with pytest.raises(DeploymentFailed, match="ValueError: not a model"):
            deployer.deploy(WANTED.model_copy(update={"model_uri": "s3://m/2"}))
        assert [each.name for each in deployer.find()] == ["iris"]
        deployer.delete("iris")
    cluster.close()


def test_without_the_role_the_error_names_verb_and_resource(real_end, namespace, tmp_path):
    cluster = account_of(real_end, namespace, tmp_path, kinds=("ServiceAccount",))
    with pytest.raises(PermissionDenied) as caught:
        deployer_of(cluster).deploy(WANTED, timeout_seconds=60)
    told = str(caught.value)
    assert "not allowed to get seldondeployments iris" in told
    assert "can-i get seldondeployments.machinelearning.seldon.io" in told
    cluster.close()


def test_the_role_gives_nothing_else(real_end, namespace, tmp_path):
    cluster = account_of(real_end, namespace, tmp_path)
    secrets = Resource("", "v1", "secrets", "Secret")
    for attempt in (
        lambda: cluster.list(secrets),
        lambda: cluster.delete(ROLES, "seldon-deployer"),
        lambda: cluster.list(ACCOUNTS),
        lambda: cluster.get(Resource("apps", "v1", "deployments", "Deployment"), "x", "default"),
    ):
        with pytest.raises(PermissionDenied):
            attempt()
    cluster.close()
