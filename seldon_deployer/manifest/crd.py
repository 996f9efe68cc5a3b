"""Our CustomResourceDefinition for SeldonDeployments, made from the models.

Same group, names, versions and subresources as Seldon Core's own; the parts of a pod that nothing
here reads are kept unchecked where Seldon's spells them out.
"""

from __future__ import annotations

import types
from copy import deepcopy
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from seldon_deployer.manifest.fields import KubernetesModel, Object, Schema
from seldon_deployer.manifest.resource import SeldonDeployment, Unit

GROUP = "machinelearning.seldon.io"
VERSION = "v1"
VERSIONS = ("v1", "v1alpha2", "v1alpha3")
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "SeldonDeployment"
PLURAL = "seldondeployments"
SINGULAR = "seldondeployment"
SHORT_NAME = "sdep"

# A schema cannot refer to itself, so children are written out, as deep as Seldon's own does.
GRAPH_DEPTH = 10

_SCALARS: dict[Any, str] = {str: "string", int: "integer", bool: "boolean"}
_COLUMNS = [
    {"name": "State", "type": "string", "jsonPath": ".status.state"},
    {"name": "Replicas", "type": "integer", "jsonPath": ".status.replicas"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]


def build_crd() -> Object:
    """The CustomResourceDefinition, ready to be created in a cluster."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": [SHORT_NAME],
            },
            "scope": "Namespaced",
            "versions": [_version(name) for name in VERSIONS],
        },
    }


def resource_schema() -> Object:
    """The schema of a SeldonDeployment (openAPIV3Schema); a fresh copy."""
    return deepcopy(_resource_schema())


@cache
def _resource_schema() -> Object:
    return _model_schema(SeldonDeployment, depth=0)


def _version(name: str) -> Object:
    return {
        "name": name,
        "served": True,
        "storage": name == VERSION,
        "schema": {"openAPIV3Schema": resource_schema()},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
            },
        },
        "additionalPrinterColumns": deepcopy(_COLUMNS),
    }


def _model_schema(model: type[KubernetesModel], depth: int) -> Object:
    properties: Object = {}
    required: list[str] = []
    for name, field in model.model_fields.items():
        if model is Unit and name == "children":
            if depth == GRAPH_DEPTH:
                continue
            schema: Object = {"type": "array", "items": _model_schema(Unit, depth + 1)}
        else:
            schema = _type_schema(field.annotation)
            for extra in field.metadata:
                if isinstance(extra, Schema):
                    schema |= extra.keywords
        alias = field.alias or name
        properties[alias] = schema
        if field.is_required():
            required.append(alias)
    schema = {"type": "object", "description": model.__doc__ or "", "properties": properties}
    if required:
        schema["required"] = sorted(required)
    return schema


def _type_schema(kind: Any) -> Object:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        schemas = [extra.keywords for extra in arguments[1:] if isinstance(extra, Schema)]
        merged = _type_schema(arguments[0])
        for keywords in schemas:
            merged |= keywords
        return deepcopy(merged)
    if origin in (Union, types.UnionType):
        kinds = [argument for argument in arguments if argument is not types.NoneType]
        # A union of several scalars says its schema itself (int-or-string).
        return _type_schema(kinds[0]) if len(kinds) == 1 else {}
    if origin is list:
        return {"type": "array", "items": _type_schema(arguments[0])}
    if origin is dict:
        inner = _type_schema(arguments[1])
        return {"type": "object", "additionalProperties": inner} if inner else {"type": "object"}
    if isinstance(kind, type) and issubclass(kind, KubernetesModel):
        return _model_schema(kind, depth=0)
    return {"type": _SCALARS[kind]} if kind in _SCALARS else {}
