"""What the embedded API serves: a registry of data, one entry for each resource."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from seldon_deployer.local import builtin
from seldon_deployer.manifest.pod_schema import OBJECT_META, STRING

Object = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource at one version: how it is called, scoped, checked and merged.

    `version` is the version a request speaks; `versions` are all served ones, storage first.
    `blank` is what an empty object serialises to in Kubernetes (a struct that is always there is
    nobody's field); `defaults` are set in a new or changed object.
    """

    group: str
    version: str
    plural: str
    kind: str
    versions: tuple[str, ...] = ("v1",)
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    is_namespaced: bool = True
    is_custom: bool = False
    subresources: tuple[str, ...] = ()
    has_generation: bool = False
    schema_source: Callable[[], Object] = field(default=dict, compare=False, hash=False)
    blank: Mapping[str, Any] = field(default_factory=dict, compare=False, hash=False)
    defaults: Mapping[str, Any] = field(default_factory=dict, compare=False, hash=False)
    field_selectors: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """`group/version`, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def storage_version(self) -> str:
        """The apiVersion under which objects are stored."""
        return self.at(self.versions[0]).api_version

    @property
    def qualified(self) -> str:
        """`plural.group`, as errors and the store name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def singular(self) -> str:
        """The singular name that kubectl accepts."""
        return self.kind.lower()

    @property
    def has_status(self) -> bool:
        """Whether status is written through its own subresource only."""
        return "status" in self.subresources

    @property
    def schema(self) -> Object:
        """Structural schema of the whole object, metadata included."""
        return _schema(self.schema_source)

    def at(self, version: str) -> Resource:
        """The same resource, spoken at another version."""
        return self if version == self.version else replace(self, version=version)


@cache
def _schema(source: Callable[[], Object]) -> Object:
    schema = source()
    identity = {
        "apiVersion": STRING,
        "kind": STRING,
        "metadata": OBJECT_META,
    }
    return schema | {"properties": schema.get("properties", {}) | identity}


def _seldon_schema() -> Object:
    from seldon_deployer.manifest.crd import resource_schema

    return resource_schema()


SELDON_DEPLOYMENTS = Resource(
    group="machinelearning.seldon.io",
    version="v1",
    versions=("v1", "v1alpha2", "v1alpha3"),
    plural="seldondeployments",
    kind="SeldonDeployment",
    short_names=("sdep",),
    categories=("all",),
    is_custom=True,
    subresources=("status", "scale"),
    has_generation=True,
    schema_source=_seldon_schema,
)
DEPLOYMENTS = Resource(
    group="apps",
    version="v1",
    plural="deployments",
    kind="Deployment",
    short_names=("deploy",),
    categories=("all",),
    subresources=("status", "scale"),
    has_generation=True,
    schema_source=lambda: builtin.DEPLOYMENT,
    blank={
        "spec": {
            "selector": None,
            "strategy": {},
            "template": {"metadata": {}, "spec": {"containers": None}},
        },
        "status": {},
    },
    defaults={
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
            },
        }
    },
)
CONTROLLER_REVISIONS = Resource(
    group="apps",
    version="v1",
    plural="controllerrevisions",
    kind="ControllerRevision",
    schema_source=lambda: builtin.CONTROLLER_REVISION,
    blank={"revision": 0},
)
PODS = Resource(
    group="",
    version="v1",
    plural="pods",
    kind="Pod",
    short_names=("po",),
    categories=("all",),
    subresources=("status", "log"),
    schema_source=lambda: builtin.POD,
    blank={"spec": {"containers": None}, "status": {}},
    field_selectors=(
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
)
SERVICES = Resource(
    group="",
    version="v1",
    plural="services",
    kind="Service",
    short_names=("svc",),
    categories=("all",),
    subresources=("status",),
    schema_source=lambda: builtin.SERVICE,
    blank={"spec": {}, "status": {"loadBalancer": {}}},
    defaults={"spec": {"type": "ClusterIP", "sessionAffinity": "None"}},
    field_selectors=("spec.clusterIP", "spec.type"),
)
SECRETS = Resource(
    group="",
    version="v1",
    plural="secrets",
    kind="Secret",
    schema_source=lambda: builtin.SECRET,
    defaults={"type": "Opaque"},
    field_selectors=("type",),
)
CONFIG_MAPS = Resource(
    group="",
    version="v1",
    plural="configmaps",
    kind="ConfigMap",
    short_names=("cm",),
    schema_source=lambda: builtin.CONFIG_MAP,
)
SERVICE_ACCOUNTS = Resource(
    group="",
    version="v1",
    plural="serviceaccounts",
    kind="ServiceAccount",
    short_names=("sa",),
    schema_source=lambda: builtin.SERVICE_ACCOUNT,
)
NAMESPACES = Resource(
    group="",
    version="v1",
    plural="namespaces",
    kind="Namespace",
    short_names=("ns",),
    is_namespaced=False,
    subresources=("status",),
    schema_source=lambda: builtin.NAMESPACE,
    blank={"spec": {}, "status": {}},
    field_selectors=("status.phase",),
)
EVENTS = Resource(
    group="",
    version="v1",
    plural="events",
    kind="Event",
    short_names=("ev",),
    schema_source=lambda: builtin.EVENT,
    blank={
        "involvedObject": {},
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "eventTime": None,
        "reportingComponent": "",
        "reportingInstance": "",
    },
    field_selectors=(
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
)

RESOURCES = (
    NAMESPACES,
    PODS,
    SERVICES,
    SECRETS,
    CONFIG_MAPS,
    SERVICE_ACCOUNTS,
    EVENTS,
    DEPLOYMENTS,
    CONTROLLER_REVISIONS,
    SELDON_DEPLOYMENTS,
)

_BY_PATH = {
    (resource.group, version, resource.plural): resource.at(version)
    for resource in RESOURCES
    for version in resource.versions
}
_BY_KIND = {
    (resource.at(version).api_version, resource.kind): resource
    for resource in RESOURCES
    for version in resource.versions
}
_BY_NAME = {resource.qualified: resource for resource in RESOURCES}


def find_resource(group: str, version: str, plural: str) -> Resource | None:
    """The resource served under this path, or None."""
    return _BY_PATH.get((group, version, plural))


def named_resource(qualified: str) -> Resource:
    """The resource of a store key, at its storage version."""
    return _BY_NAME[qualified]


def resource_of_kind(api_version: str, kind: str) -> Resource | None:
    """The resource whose objects carry this apiVersion and kind, or None."""
    return _BY_KIND.get((api_version, kind))
