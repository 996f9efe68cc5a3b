"""What Kubernetes says of pods and metadata: the kinds and keys of their lists, atomic maps.

Written in the OpenAPI dialect of CRDs, so that one set of functions reads both these and our own
resource: list kinds and keys (Kubernetes API reference, "Patch Strategy" and "Merge Key"),
defaults of merge keys. Pod specs keep what is not listed here (`preserve`).
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

ANY: Schema = {}
STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
BOOLEAN: Schema = {"type": "boolean"}
INT_OR_STRING: Schema = {"x-kubernetes-int-or-string": True}
QUANTITY: Schema = {"x-kubernetes-int-or-string": True}
TIME: Schema = {"type": "string", "format": "date-time", "nullable": True}


def struct(**fields: Schema) -> Schema:
    """An object with named fields and no others."""
    return {"type": "object", "properties": fields}


def open_struct(**fields: Schema) -> Schema:
    """An object with named fields that keeps others too."""
    return struct(**fields) | {"x-kubernetes-preserve-unknown-fields": True}


def mapping(values: Schema) -> Schema:
    """An object with free keys."""
    return {"type": "object", "additionalProperties": values}


def whole(schema: Schema) -> Schema:
    """An object with one owner."""
    return schema | {"x-kubernetes-map-type": "atomic"}


def atomic(items: Schema) -> Schema:
    """A list with one owner."""
    return {"type": "array", "items": items, "x-kubernetes-list-type": "atomic"}


def unique(items: Schema) -> Schema:
    """A list that is a set."""
    return {
        "type": "array",
        "items": items,
        "x-kubernetes-list-type": "set",
        "x-kubernetes-patch-strategy": "merge",
    }


def keyed(items: Schema, *keys: str, merge_key: str = "") -> Schema:
    """A list of objects told apart by keys; strategic merge knows the first or `merge_key`."""
    return {
        "type": "array",
        "items": items,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": list(keys),
        "x-kubernetes-patch-strategy": "merge",
        "x-kubernetes-patch-merge-key": merge_key or keys[0],
    }


def fields(names: str, schema: Schema) -> dict[str, Schema]:
    """Fields of one schema, their names between spaces."""
    return dict.fromkeys(names.split(), schema)


LABELS = mapping(STRING)
OWNER_REFERENCE = whole(
    struct(
        **fields("apiVersion kind name uid", STRING),
        **fields("controller blockOwnerDeletion", BOOLEAN),
    )
)
OBJECT_META = struct(
    **fields("name generateName namespace selfLink uid resourceVersion", STRING),
    **fields("generation deletionGracePeriodSeconds", INTEGER),
    **fields("creationTimestamp deletionTimestamp", TIME),
    labels=LABELS,
    annotations=mapping(STRING),
    finalizers=unique(STRING),
    ownerReferences=keyed(OWNER_REFERENCE, "uid"),
    managedFields=atomic(ANY),
)
LABEL_SELECTOR = whole(struct(matchLabels=LABELS, matchExpressions=atomic({"type": "object"})))
KEY_SELECTOR = whole(struct(key=STRING, name=STRING, optional=BOOLEAN))
LOCAL_REFERENCE = whole(struct(name=STRING))


_PROBE = open_struct(
    httpGet=struct(
        **fields("path host scheme", STRING),
        port=INT_OR_STRING,
        httpHeaders=atomic(struct(name=STRING, value=STRING)),
    ),
    tcpSocket=struct(host=STRING, port=INT_OR_STRING),
    exec=struct(command=atomic(STRING)),
    **fields(
        "initialDelaySeconds periodSeconds timeoutSeconds successThreshold failureThreshold "
        "terminationGracePeriodSeconds",
        INTEGER,
    ),
)
_ENV = struct(
    name=STRING,
    value=STRING,
    valueFrom=open_struct(
        fieldRef=whole(struct(apiVersion=STRING, fieldPath=STRING)),
        secretKeyRef=KEY_SELECTOR,
        configMapKeyRef=KEY_SELECTOR,
    ),
)
_PORT = struct(
    **fields("name hostIP", STRING),
    protocol=STRING | {"default": "TCP"},
    containerPort=INTEGER,
    hostPort=INTEGER,
)
CONTAINER = open_struct(
    **fields(
        "name image imagePullPolicy workingDir terminationMessagePath terminationMessagePolicy",
        STRING,
    ),
    command=atomic(STRING),
    args=atomic(STRING),
    env=keyed(_ENV, "name"),
    envFrom=atomic(ANY),
    ports=keyed(_PORT, "containerPort", "protocol"),
    volumeMounts=keyed(open_struct(name=STRING, mountPath=STRING), "mountPath"),
    resources=open_struct(
        limits=mapping(QUANTITY),
        requests=mapping(QUANTITY),
    ),
    **fields("livenessProbe readinessProbe startupProbe", _PROBE),
    lifecycle=open_struct(),
    securityContext=open_struct(),
)
_VOLUME = open_struct(
    name=STRING,
    emptyDir=struct(medium=STRING, sizeLimit=QUANTITY),
    secret=open_struct(secretName=STRING, defaultMode=INTEGER, items=atomic(ANY)),
    downwardAPI=open_struct(defaultMode=INTEGER, items=atomic(ANY)),
)
POD_SPEC = open_struct(
    containers=keyed(CONTAINER, "name"),
    initContainers=keyed(CONTAINER, "name"),
    ephemeralContainers=keyed(CONTAINER, "name"),
    volumes=keyed(_VOLUME, "name"),
    imagePullSecrets=keyed(LOCAL_REFERENCE, "name"),
    hostAliases=keyed(struct(ip=STRING, hostnames=atomic(STRING)), "ip"),
    topologySpreadConstraints=keyed(
        open_struct(labelSelector=LABEL_SELECTOR),
        "topologyKey",
        "whenUnsatisfiable",
    ),
    tolerations=atomic(ANY),
    nodeSelector=whole(mapping(STRING)),
    securityContext=open_struct(),
    affinity=open_struct(),
    **fields(
        "serviceAccountName serviceAccount restartPolicy dnsPolicy nodeName schedulerName "
        "hostname subdomain priorityClassName runtimeClassName",
        STRING,
    ),
    **fields("terminationGracePeriodSeconds activeDeadlineSeconds", INTEGER),
    **fields("automountServiceAccountToken hostNetwork hostPID enableServiceLinks", BOOLEAN),
)
POD_TEMPLATE = struct(metadata=OBJECT_META, spec=POD_SPEC)
