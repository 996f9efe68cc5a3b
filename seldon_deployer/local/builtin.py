"""Schemas of the built-in resources, as far as merging and checking need them."""

from __future__ import annotations

from seldon_deployer.manifest.pod_schema import (
    ANY,
    BOOLEAN,
    INT_OR_STRING,
    INTEGER,
    LABEL_SELECTOR,
    LOCAL_REFERENCE,
    POD_SPEC,
    POD_TEMPLATE,
    STRING,
    TIME,
    Schema,
    atomic,
    fields,
    keyed,
    mapping,
    open_struct,
    struct,
    whole,
)

OBJECT_REFERENCE = whole(
    struct(
        **fields("apiVersion kind namespace name uid resourceVersion fieldPath", STRING),
    )
)


def _condition(**more: Schema) -> Schema:
    return struct(
        **fields("type status reason message", STRING),
        **fields("lastTransitionTime lastUpdateTime lastProbeTime lastHeartbeatTime", TIME),
        observedGeneration=INTEGER,
        **more,
    )


CONDITIONS = keyed(_condition(), "type")
SECRET = struct(data=mapping(STRING), stringData=mapping(STRING), type=STRING, immutable=BOOLEAN)
CONFIG_MAP = struct(data=mapping(STRING), binaryData=mapping(STRING), immutable=BOOLEAN)
SERVICE_ACCOUNT = struct(
    secrets=keyed(OBJECT_REFERENCE, "name"),
    imagePullSecrets=atomic(LOCAL_REFERENCE),
    automountServiceAccountToken=BOOLEAN,
)
NAMESPACE = struct(
    spec=struct(finalizers=atomic(STRING)),
    status=struct(phase=STRING, conditions=CONDITIONS),
)
CONTROLLER_REVISION = struct(data={"type": "object"}, revision=INTEGER)
POD = struct(
    spec=POD_SPEC,
    status=open_struct(
        conditions=CONDITIONS,
        podIPs=keyed(struct(ip=STRING), "ip"),
        hostIPs=atomic(struct(ip=STRING)),
        containerStatuses=atomic(ANY),
        initContainerStatuses=atomic(ANY),
    ),
)
SERVICE = struct(
    spec=open_struct(
        ports=keyed(
            struct(
                **fields("name appProtocol", STRING),
                protocol=STRING | {"default": "TCP"},
                port=INTEGER,
                nodePort=INTEGER,
                targetPort=INT_OR_STRING,
            ),
            "port",
            "protocol",
        ),
        selector=whole(mapping(STRING)),
        **fields("type clusterIP sessionAffinity externalName internalTrafficPolicy", STRING),
        **fields("clusterIPs ipFamilies externalIPs", atomic(STRING)),
    ),
    status=open_struct(loadBalancer=open_struct(), conditions=CONDITIONS),
)
DEPLOYMENT = struct(
    spec=struct(
        **fields("replicas minReadySeconds revisionHistoryLimit progressDeadlineSeconds", INTEGER),
        paused=BOOLEAN,
        selector=LABEL_SELECTOR,
        template=POD_TEMPLATE,
        strategy=struct(
            type=STRING,
            rollingUpdate=struct(maxSurge=INT_OR_STRING, maxUnavailable=INT_OR_STRING),
        ),
    ),
    status=struct(
        **fields(
            "observedGeneration replicas updatedReplicas readyReplicas availableReplicas "
            "unavailableReplicas terminatingReplicas collisionCount",
            INTEGER,
        ),
        conditions=CONDITIONS,
    ),
)
EVENT = struct(
    involvedObject=OBJECT_REFERENCE,
    related=OBJECT_REFERENCE,
    source=struct(component=STRING, host=STRING),
    series=open_struct(),
    **fields("reason message type action reportingComponent reportingInstance", STRING),
    **fields("firstTimestamp lastTimestamp eventTime", TIME),
    count=INTEGER,
)
