"""The least-privilege role that we ship is enough; without it the error says what is missing."""

from __future__ import annotations

import base64

import pytest
import yaml
from client import Client
from scripted_operator import ScriptedOperator

from seldon_deployer.cluster import (
    SECRETS,
    SELDON_DEPLOYMENTS,
    Cluster,
    Resource,
    connect,
    rbac_manifest,
)
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer import Deployer, StorageCredentials
from seldon_deployer.deployer.end import End as DeployerEnd
from seldon_deployer.deployer.secret import apply_secret
from seldon_deployer.errors import DeploymentFailed, PermissionDenied
from seldon_deployer.secrets import build_secret, parse_credentials

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


def account_of(
    real_end,
    namespace,
    tmp_path,
    *,
    kinds=("ServiceAccount", "Role", "RoleBinding"),
    **rights,
):
    """Apply the shipped manifest and connect as its ServiceAccount."""
    admin = connect(kubeconfig=real_end.kubeconfig, namespace=namespace)
    by_kind = {each.kind: each for each in (ACCOUNTS, ROLES, BINDINGS)}
    for manifest in yaml.safe_load_all(rbac_manifest(namespace, **rights)):
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


def named(name):
    return WANTED.model_copy(update={"model_name": name})


def credentials_of(secret):
    keys = {
        "rclone_config_s3_access_key_id": "id",
        "rclone_config_s3_secret_access_key": secret,
    }
    return StorageCredentials("creds", parse_credentials("seldon_s3", keys))


def value_of(cluster):
    data = cluster.get(SECRETS, "creds")["data"]
    return base64.b64decode(data["RCLONE_CONFIG_S3_SECRET_ACCESS_KEY"]).decode()


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


NAMED = {"secret_names": ["creds"]}
ALL = {"manages_secrets": True}


@pytest.mark.parametrize("rights", [NAMED, ALL])
def test_the_role_for_secrets_is_enough_to_make_share_renew_and_remove_them(
    real_end, namespace, tmp_path, rights
):
    cluster = account_of(real_end, namespace, tmp_path, **rights)
    deployer = deployer_of(cluster)
    own = connect(kubeconfig=real_end.kubeconfig, namespace=namespace)
    with ScriptedOperator(own):
        for name in ("iris", "wine"):
            deployer.deploy(named(name), credentials=credentials_of("first"), timeout_seconds=60)
        assert value_of(own) == "first"
        deployer.deploy(named("iris"), credentials=credentials_of("second"), timeout_seconds=60)
        assert value_of(own) == "second"
        live = cluster.get(SECRETS, "creds")
        assert deployer.restart_users(live, timeout_seconds=60) == ["iris", "wine"]
        deployer.delete("iris")
        assert own.get(SECRETS, "creds") is not None
        deployer.delete("wine")
        assert own.get(SECRETS, "creds") is None
    apply_secret(cluster, build_secret("creds", namespace, credentials_of("third").credentials))
    assert value_of(own) == "third"
    cluster.close()


@pytest.mark.parametrize("rights", [{}, {"secret_names": ["others"]}])
def test_without_rights_on_a_secret_the_error_says_how_to_get_them(
    real_end, namespace, tmp_path, rights
):
    cluster = account_of(real_end, namespace, tmp_path, **rights)
    with pytest.raises(PermissionDenied) as caught:
        deployer_of(cluster).deploy(named("iris"), credentials=credentials_of("first"))
    told = str(caught.value)
    assert "secrets creds" in told
    assert f"`seldon-deployer rbac --manage-secrets -n {namespace}`" in told
    assert "can-i get secrets" in told
    assert cluster.get(SELDON_DEPLOYMENTS, "iris") is None
    cluster.close()


def test_a_secret_that_may_not_be_removed_is_told(real_end, namespace, tmp_path, caplog):
    cluster = account_of(real_end, namespace, tmp_path)
    own = connect(kubeconfig=real_end.kubeconfig, namespace=namespace)
    with ScriptedOperator(own):
        deployer_of(own).deploy(named("iris"), credentials=credentials_of("first"))
        deployer_of(cluster).delete("iris")
    assert own.get(SECRETS, "creds") is not None
    assert "the Secret creds stays" in caplog.text
    assert "rbac --manage-secrets" in caplog.text
    cluster.close()


def test_the_role_for_one_secret_reads_no_other(real_end, namespace, tmp_path):
    cluster = account_of(real_end, namespace, tmp_path, **NAMED)
    for attempt in (
        lambda: cluster.get(SECRETS, "others"),
        lambda: cluster.delete(SECRETS, "others"),
        lambda: cluster.list(SECRETS),
    ):
        with pytest.raises(PermissionDenied):
            attempt()
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
    for attempt in (
        lambda: cluster.list(SECRETS),
        lambda: cluster.get(SECRETS, "creds"),
        lambda: cluster.delete(ROLES, "seldon-deployer"),
        lambda: cluster.list(ACCOUNTS),
        lambda: cluster.get(Resource("apps", "v1", "deployments", "Deployment"), "x", "default"),
    ):
        with pytest.raises(PermissionDenied):
            attempt()
    cluster.close()


def test_the_role_holds_no_right_that_is_not_used(real_end, namespace, tmp_path, caplog):
    caplog.set_level("DEBUG", "seldon_deployer.cluster.transport")
    cluster = account_of(real_end, namespace, tmp_path)
    deployer = Deployer(DeployerEnd(cluster, is_local=False, base_url=None))
    wanted = WANTED.model_copy(
        update={"model_uri": "pvc://claim/m", "service_account_name": "seldon-deployer"}
    )
    asked = {"timeout_seconds": 60, "ignore": ["missing-claim"]}
    own = connect(kubeconfig=real_end.kubeconfig, namespace=namespace)
    with ScriptedOperator(own) as operator:
        caplog.clear()
        deployer.deploy(wanted, **asked)
        operator.act = operator.crash
        with pytest.raises(DeploymentFailed):
            deployer.deploy(wanted.model_copy(update={"model_uri": "pvc://claim/n"}), **asked)
        deployer.find()
        deployer.delete("iris")
        sent = [each for each in caplog.records if each.threadName != "operator"]
    used = {right for each in sent if (right := _right(each.getMessage())) is not None}
    [role] = [
        each for each in yaml.safe_load_all(rbac_manifest(namespace)) if each["kind"] == "Role"
    ]
    granted = {
        (verb, resource)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    # To apply what is new takes both, and shows as one.
    assert granted == used | {("create", "seldondeployments")}
    cluster.close()


def _right(request):
    """What a request of the log needs, as `(verb, resource)`; None for discovery."""
    method, url = request.split(" ", 1)
    path, _, query = url.partition("?")
    resource, _, rest = path.partition("/namespaces/")[2].partition("/")[2].partition("/")
    if not resource:
        return None
    name, _, subresource = rest.partition("/")
    kind = f"{resource}/{subresource}" if subresource else resource
    if method != "GET":
        return method.lower(), kind
    return ("watch" if "watch=" in query else "get" if name else "list"), kind


@pytest.mark.parametrize(("rule", "resource"), [(0, "seldondeployments"), (1, "deployments")])
def test_without_the_right_to_watch_nothing_is_written(
    real_end, namespace, tmp_path, rule, resource
):
    admin = connect(kubeconfig=real_end.kubeconfig, namespace=namespace)
    [role] = [
        each for each in yaml.safe_load_all(rbac_manifest(namespace)) if each["kind"] == "Role"
    ]
    role["rules"][rule]["verbs"].remove("watch")
    admin.apply(ROLES, role)
    cluster = account_of(
        real_end, namespace, tmp_path, kinds=("ServiceAccount", "RoleBinding"), **ALL
    )
    with pytest.raises(PermissionDenied) as caught:
        deployer_of(cluster).deploy(WANTED, timeout_seconds=60)
    assert f"not allowed to watch {resource} in namespace {namespace}" in caught.value.what
    assert f"rbac -n {namespace}`" in caught.value.hint
    assert admin.get(SELDON_DEPLOYMENTS, "iris") is None
    wanted = WANTED.model_copy(update={"secret_name": "creds"})
    made = admin.create(SELDON_DEPLOYMENTS, deployer_of(admin).render(wanted))
    with pytest.raises(PermissionDenied, match="no deployment was changed"):
        deployer_of(cluster).stop("iris")
    secret = apply_secret(
        admin, build_secret("creds", namespace, credentials_of("first").credentials)
    )
    with pytest.raises(PermissionDenied, match="no deployment was changed"):
        deployer_of(cluster).restart_users(secret, timeout_seconds=60)
    assert admin.get(SELDON_DEPLOYMENTS, "iris") == made
    if resource == "seldondeployments":
        with pytest.raises(PermissionDenied, match="no deployment was changed"):
            deployer_of(cluster).delete("iris")
        assert admin.get(SELDON_DEPLOYMENTS, "iris") == made
    else:
        deployer_of(cluster).delete("iris")
    admin.close()
    cluster.close()


def test_without_the_right_to_create_it_is_that_right_that_is_named(real_end, namespace, tmp_path):
    manifests = list(yaml.safe_load_all(rbac_manifest(namespace)))
    admin = connect(kubeconfig=real_end.kubeconfig, namespace=namespace)
    [role] = [each for each in manifests if each["kind"] == "Role"]
    role["rules"][0]["verbs"].remove("create")
    admin.apply(ROLES, role)
    cluster = account_of(real_end, namespace, tmp_path, kinds=("ServiceAccount", "RoleBinding"))
    with pytest.raises(PermissionDenied) as caught:
        deployer_of(cluster).deploy(WANTED, timeout_seconds=60)
    assert "not allowed to create seldondeployments iris" in caught.value.what
    assert "can-i create seldondeployments" in caught.value.hint
    admin.close()
    cluster.close()
