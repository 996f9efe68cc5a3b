"""What the live cluster has of that which a SeldonDeployment names: only that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seldon_deployer.cluster import Cluster, Object, Resource
from seldon_deployer.deployer.live_secrets import LiveSecret, LiveSecrets
from seldon_deployer.deployer.references import model_references, secret_references
from seldon_deployer.errors import ClusterError, PermissionDenied
from seldon_deployer.manifest.graph import predictors

SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
# What acts on a share of the traffic, and what scales by kedaSpec.
MESHES = (
    Resource("networking.istio.io", "v1alpha3", "virtualservices", "VirtualService"),
    Resource("networking.istio.io", "v1beta1", "virtualservices", "VirtualService"),
    Resource("networking.istio.io", "v1", "virtualservices", "VirtualService"),
    Resource("getambassador.io", "v2", "mappings", "Mapping"),
    Resource("getambassador.io", "v3alpha1", "mappings", "Mapping"),
)
KEDA = (Resource("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject"),)
_DEFAULT_ACCOUNT = "default"


@dataclass(frozen=True, slots=True)
class LiveFacts:
    """What was found, by name; None is what we may not ask for.

    has_mesh, has_keda: None too where nothing in the resource needs them, or where the embedded
    runtime does by itself what they are for. may_have_default_secret: whether Seldon's operator may
    give a Secret to pods that name none; it does not tell. lends_identity: whether pods that name
    no Secret read their models with the credentials of the machine, as the embedded runtime's do.
    volumes: the folder in which the embedded runtime has the claims, each a folder.
    """

    secrets: Mapping[str, LiveSecret] = field(default_factory=dict)
    service_accounts: Mapping[str, bool | None] = field(default_factory=dict)
    claims: Mapping[str, bool | None] = field(default_factory=dict)
    has_mesh: bool | None = None
    has_keda: bool | None = None
    may_have_default_secret: bool = True
    lends_identity: bool = False
    volumes: Path | None = None


def gather_facts(
    cluster: Cluster,
    manifest: Object,
    secrets: LiveSecrets,
    *,
    is_local: bool,
    volumes: Path | None = None,
) -> LiveFacts:
    """Ask for all that the resource names: one request each, none for what it does not name.

    The embedded runtime has no meshes, and needs none; its claims are folders of `volumes`.
    """
    named = sorted({reference.name for reference in secret_references(manifest)})
    found = {name: secrets.read(name) for name in named}
    accounts = {
        name: _is_there(cluster, SERVICE_ACCOUNTS, name)
        for name in sorted(set(service_accounts(manifest)) - {_DEFAULT_ACCOUNT})
    }
    if is_local:
        return LiveFacts(
            secrets=found,
            service_accounts=accounts,
            claims={name: (volumes / name).is_dir() for name in claims(manifest)}
            if volumes
            else {},
            volumes=volumes,
            has_keda=False if has_keda_spec(manifest) else None,
            may_have_default_secret=False,
            lends_identity=True,
        )
    return LiveFacts(
        secrets=found,
        service_accounts=accounts,
        claims={name: _is_there(cluster, CLAIMS, name) for name in sorted(set(claims(manifest)))},
        has_mesh=_serves_any(cluster, MESHES) if splits_traffic(manifest) else None,
        has_keda=_serves_any(cluster, KEDA) if has_keda_spec(manifest) else None,
    )


def service_accounts(manifest: Object) -> Iterator[str]:
    """The service accounts that the pods run as."""
    for reference in model_references(manifest):
        if reference.service_account:
            yield reference.service_account
    for value in _each_value(manifest["spec"], "serviceAccountName"):
        if isinstance(value, str) and value:
            yield value


def claims(manifest: Object) -> Iterator[str]:
    """The volume claims that models or pods are on."""
    for reference in model_references(manifest):
        scheme, _, rest = reference.uri.partition("://")
        if scheme == "pvc" and (name := rest.lstrip("/").partition("/")[0]):
            yield name
    for value in _each_value(manifest["spec"], "persistentVolumeClaim"):
        if isinstance(value, dict) and value.get("claimName"):
            yield str(value["claimName"])


def splits_traffic(manifest: Object) -> bool:
    """Whether requests are to go to more than one predictor."""
    return len(predictors(manifest)) > 1


def has_keda_spec(manifest: Object) -> bool:
    """Whether a component is to be scaled by KEDA."""
    return any(_each_value(manifest["spec"], "kedaSpec"))


def _each_value(value: Any, key: str) -> Iterator[Any]:
    """What stands under a key, wherever it is."""
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        inside: Callable[[], Any] = value.values
        value = list(inside())
    if isinstance(value, list):
        for item in value:
            yield from _each_value(item, key)


def _is_there(cluster: Cluster, resource: Resource, name: str) -> bool | None:
    try:
        return cluster.get(resource, name) is not None
    except PermissionDenied:
        return None


def _serves_any(cluster: Cluster, resources: tuple[Resource, ...]) -> bool | None:
    try:
        return any(cluster.serves(each) for each in resources)
    except ClusterError:
        return None
