"""Which Secrets a SeldonDeployment names, and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seldon_deployer.cluster import Object
from seldon_deployer.manifest.advice.rule import each_predictor, each_unit

# The fields under which Kubernetes names a Secret by an object of its own; volumes of some kinds
# have longer ones, such as nodePublishSecretRef.
_OBJECTS = ("secretRef", "secretKeyRef", "SecretRef")
_NAMES = {"envSecretRefName", "secretName", "certSecretName"}


@dataclass(frozen=True, slots=True)
class SecretReference:
    """One place that names a Secret.

    field: its path in the resource. key: the one key that is read, None for all of them.
    is_optional: whether the pods start without it. is_storage: whether it is the environment of
    the initializer that fetches the model.
    """

    field: str
    name: str
    key: str | None = None
    is_optional: bool = False
    is_storage: bool = False


@dataclass(frozen=True, slots=True)
class ModelReference:
    """One model that an initializer fetches.

    field: the path of its `modelUri`. secret: the Secret that is the initializer's environment.
    implementation: the server that reads it, where Seldon knows it by name.
    """

    field: str
    uri: str
    secret: str | None = None
    service_account: str | None = None
    implementation: str | None = None


def secret_references(obj: Object) -> list[SecretReference]:
    """Every place of the specification that names a Secret, in the order that it is written."""
    return list(_walk(obj.get("spec") or {}, "spec"))


def storage_secrets(obj: Object) -> set[str]:
    """The Secrets that the initializers of a SeldonDeployment read."""
    return {each.name for each in secret_references(obj) if each.is_storage}


def model_references(obj: Object) -> list[ModelReference]:
    """Every model of a SeldonDeployment: its units', and its explainers'."""
    holders = [(path, unit) for path, unit, _ in each_unit(obj)]
    for path, predictor in each_predictor(obj):
        holders.append((f"{path}.explainer", predictor.get("explainer") or {}))
    return [
        ModelReference(
            f"{path}.modelUri",
            holder["modelUri"],
            holder.get("envSecretRefName") or None,
            holder.get("serviceAccountName") or None,
            holder.get("implementation") or None,
        )
        for path, holder in holders
        if holder.get("modelUri")
    ]


def _walk(value: Any, path: str) -> Iterator[SecretReference]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}[{index}]")
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        place = f"{path}.{key}"
        if key in _NAMES and isinstance(item, str) and item:
            yield SecretReference(
                place,
                item,
                is_optional=bool(value.get("optional")),
                is_storage=key == "envSecretRefName",
            )
        elif key.endswith(_OBJECTS) and isinstance(item, dict) and item.get("name"):
            yield SecretReference(
                f"{place}.name", item["name"], item.get("key"), bool(item.get("optional"))
            )
        elif key == "imagePullSecrets" and isinstance(item, list):
            # The kubelet pulls without one that is not there.
            yield from (
                SecretReference(f"{place}[{index}].name", each["name"], is_optional=True)
                for index, each in enumerate(item)
                if isinstance(each, dict) and each.get("name")
            )
        elif key == "secret" and isinstance(item, dict) and isinstance(item.get("name"), str):
            # Of a projected volume; elsewhere a volume's secret has a secretName.
            yield SecretReference(
                f"{place}.name", item["name"], is_optional=bool(item.get("optional"))
            )
        else:
            yield from _walk(item, place)
