"""Fields and annotations that nobody reads where they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seldon_deployer.manifest.advice.rule import Finding, Rule, each_predictor, quote
from seldon_deployer.manifest.crd import shared_schema
from seldon_deployer.manifest.graph import SERVICE_NAME_ANNOTATION
from seldon_deployer.manifest.schema import unknown_fields
from seldon_deployer.naming import ENGINE_SEPARATE_ANNOTATION, NO_ENGINE_ANNOTATION

Object = dict[str, Any]

# Of the kinds of volumes that models are kept with, what Kubernetes 1.23 knows.
_VOLUME_FIELDS: dict[str, set[str]] = {
    "configMap": {"name", "items", "defaultMode", "optional"},
    "secret": {"secretName", "items", "defaultMode", "optional"},
    "persistentVolumeClaim": {"claimName", "readOnly"},
    "emptyDir": {"medium", "sizeLimit"},
    "hostPath": {"path", "type"},
    "nfs": {"server", "path", "readOnly"},
}

# Where the operator, the orchestrator and Seldon's Python servers look.
_READ_AT_SPEC = (ENGINE_SEPARATE_ANNOTATION, "seldon.io/no-storage-initializer")
_READ_AT_PREDICTOR = (NO_ENGINE_ANNOTATION, SERVICE_NAME_ANNOTATION)
_READ_AT_PODS = (
    "seldon.io/rest-timeout",
    "seldon.io/grpc-timeout",
    "seldon.io/grpc-max-message-size",
)
_OLD = (
    "seldon.io/rest-read-timeout",
    "seldon.io/grpc-read-timeout",
    "seldon.io/engine-java-opts",
)


def _unknown_fields(obj: Object) -> Iterator[Finding]:
    for path in unknown_fields(shared_schema(), obj):
        yield path, "is no field of a SeldonDeployment"
    yield from _unknown_in_volumes(obj)


def _unknown_in_volumes(obj: Object) -> Iterator[Finding]:
    """The schema keeps the sources of volumes whole: Seldon's own does not."""
    for path, predictor in each_predictor(obj):
        for index, component in enumerate(predictor.get("componentSpecs") or []):
            volumes = ((component or {}).get("spec") or {}).get("volumes") or []
            for number, volume in enumerate(volumes):
                place = f"{path}.componentSpecs[{index}].spec.volumes[{number}]"
                for name in _unknown_in_volume(volume):
                    yield f"{place}.{name}", "is no field of a SeldonDeployment"


def _unknown_in_volume(volume: Object) -> Iterator[str]:
    from seldon_deployer.workload.volume import VOLUME_SOURCES

    for source, said in volume.items():
        if source != "name" and source not in VOLUME_SOURCES:
            yield source
        elif source in _VOLUME_FIELDS and isinstance(said, dict):
            yield from (f"{source}.{name}" for name in sorted(said.keys() - _VOLUME_FIELDS[source]))


def _engine_resources(obj: Object) -> Iterator[Finding]:
    for path, predictor in each_predictor(obj):
        if predictor.get("engineResources"):
            yield f"{path}.engineResources", "is never read; svcOrchSpec.resources is"


def _misplaced_annotations(obj: Object) -> Iterator[Finding]:
    spec = "spec.annotations"
    for path, given in _annotations(obj):
        for key in given:
            if key in _READ_AT_SPEC and path != spec:
                yield f"{path}[{key}]", f"is read from {spec} only"
            elif key in _READ_AT_PREDICTOR and path in ("metadata.annotations", spec):
                yield f"{path}[{key}]", "is read from a predictor's annotations only"
            elif key in _READ_AT_PODS and path == "metadata.annotations":
                yield f"{path}[{key}]", f"is read from {spec} and a predictor's annotations only"


def _old_annotations(obj: Object) -> Iterator[Finding]:
    for path, given in _annotations(obj):
        for key in given:
            if key in _OLD:
                yield f"{path}[{key}]", "is read by nothing since Seldon's executor is in Go"


def _odd_no_engine(obj: Object) -> Iterator[Finding]:
    for path, predictor in each_predictor(obj):
        value = (predictor.get("annotations") or {}).get(NO_ENGINE_ANNOTATION, "true")
        if value != "true":
            yield f"{path}.annotations[{NO_ENGINE_ANNOTATION}]", f'{quote(value)} is not "true"'


def _annotations(obj: Object) -> Iterator[tuple[str, dict[str, str]]]:
    yield "metadata.annotations", obj["metadata"].get("annotations") or {}
    yield "spec.annotations", obj["spec"].get("annotations") or {}
    for path, predictor in each_predictor(obj):
        yield f"{path}.annotations", predictor.get("annotations") or {}


RULES = (
    Rule(
        "unknown-field",
        "warning",
        "the API server drops it, and kubectl refuses the whole manifest",
        _unknown_fields,
        as_written=True,
    ),
    Rule(
        "engine-resources",
        "warning",
        "the operator gives the orchestrator 500m and 512Mi unless svcOrchSpec.resources says else",
        _engine_resources,
    ),
    Rule(
        "misplaced-annotation",
        "warning",
        "an annotation that is elsewhere than where it is read does nothing",
        _misplaced_annotations,
    ),
    Rule(
        "old-annotation",
        "warning",
        "the engine that read it is no more",
        _old_annotations,
    ),
    Rule(
        "no-engine-value",
        "warning",
        'only "true" takes the orchestrator away; any value keeps graphs of several units out',
        _odd_no_engine,
    ),
)
