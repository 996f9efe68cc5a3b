"""A SeldonDeployment that somebody wrote, made ready to be applied by us.

Nothing of what it asks for changes. It gets what tells that it is ours and which version runs, and
loses what only the API server writes, as a manifest from `kubectl get -o yaml` has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seldon_deployer import naming
from seldon_deployer.errors import ManifestError
from seldon_deployer.manifest.crd import shared_schema
from seldon_deployer.manifest.graph import predictors
from seldon_deployer.manifest.kind import API_VERSION, KIND
from seldon_deployer.manifest.revision import stamp_revisions
from seldon_deployer.manifest.schema import unknown_fields

Object = dict[str, Any]

_SERVERS_METADATA = frozenset(
    {
        "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation",
        "managedFields", "resourceVersion", "selfLink", "uid",
    }
)  # fmt: skip
_KUBECTLS_COPY = "kubectl.kubernetes.io/last-applied-configuration"


def read_given(given: Mapping[str, Any], *, namespace: str) -> Object:
    """The manifest without nulls and without what the API server writes, of the version we apply.

    Raises ManifestError for another kind, without a name, for another namespace, or for fields that
    the API server would drop.
    """
    if given.get("kind") != KIND or not isinstance(given.get("spec"), dict):
        raise ManifestError(
            f"this is no {KIND}",
            why=f"its kind is {given.get('kind')!r}"
            if given.get("kind") != KIND
            else "it has no spec",
            hint="kubectl apply takes other resources",
        )
    cleaned: Object = _without_nulls({"metadata": {}, **given})
    cleaned.pop("status", None)
    metadata = cleaned["metadata"] if isinstance(cleaned["metadata"], dict) else {}
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        raise ManifestError("the manifest has no name", hint="write metadata.name")
    own = metadata.get("namespace") or namespace
    if own != namespace:
        raise ManifestError(
            f"the manifest of {name} is for the namespace {own}",
            why=f"and it is to be deployed to {namespace}",
            hint=f"deploy to that namespace (-n {own}), or leave metadata.namespace out",
        )
    if unknown := unknown_fields(shared_schema(), cleaned):
        raise ManifestError(
            f"the API server would not keep all of {name}",
            why="; ".join(f"{field}: there is no such field" for field in unknown),
            hint="correct or remove it",
        )
    kept = {key: value for key, value in metadata.items() if key not in _SERVERS_METADATA}
    # All versions have one schema.
    return {**cleaned, "apiVersion": API_VERSION, "metadata": {**kept, "namespace": namespace}}


def give_replicas(manifest: Object, existing: Object | None) -> Object:
    """The manifest with `spec.replicas`: without them Seldon's operator updates for ever."""
    if manifest["spec"].get("replicas") is not None:
        return manifest
    live = ((existing or {}).get("spec") or {}).get("replicas")
    return {**manifest, "spec": {**manifest["spec"], "replicas": live or 1}}


def complete_given(manifest: Object, existing: Object | None, *, python: str | None) -> Object:
    """The manifest, which is valid, with our labels, notes and revisions.

    python: the interpreter for the units of the embedded runtime; never for a cluster.
    """
    metadata = manifest["metadata"]
    annotations = dict(metadata.get("annotations") or {})
    annotations.pop(_KUBECTLS_COPY, None)
    known = ((existing or {}).get("metadata") or {}).get("annotations") or {}
    model_name = (
        annotations.get(naming.MODEL_NAME_ANNOTATION)
        or known.get(naming.MODEL_NAME_ANNOTATION)
        or metadata["name"]
    )
    head = {
        **metadata,
        "labels": {
            **(metadata.get("labels") or {}),
            naming.MANAGED_BY_LABEL: naming.FIELD_MANAGER,
            naming.MODEL_NAME_LABEL: naming.label_value(model_name),
        },
        "annotations": {**annotations, naming.MODEL_NAME_ANNOTATION: model_name},
    }
    whole = {**manifest, "metadata": head}
    if python is not None:
        own = [_with_python(predictor, python) for predictor in predictors(whole)]
        whole = {**whole, "spec": {**whole["spec"], "predictors": own}}
    return stamp_revisions(whole, "")


def _with_python(predictor: Object, python: str) -> Object:
    annotations = {naming.PYTHON_ANNOTATION: python, **(predictor.get("annotations") or {})}
    return {**predictor, "annotations": annotations}


def _without_nulls(value: Any) -> Any:
    # An apply with a null is refused.
    if isinstance(value, Mapping):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value
