"""From the models to the schema of the SeldonDeployment, as the file that we ship.

`python -m seldon_deployer.manifest.generate` writes it anew after a change of the models; a test
tells when that was forgotten.
"""

from __future__ import annotations

import json
import types
from copy import deepcopy
from typing import Annotated, Any, Union, get_args, get_origin

from seldon_deployer.manifest.crd import SCHEMA_FILE
from seldon_deployer.manifest.fields import KubernetesModel, Object, Schema
from seldon_deployer.manifest.resource import SeldonDeployment, Unit

# A schema cannot refer to itself, so children are written out, as deep as Seldon's own does.
GRAPH_DEPTH = 10

_SCALARS: dict[Any, str] = {str: "string", int: "integer", bool: "boolean"}


def schema_of_models() -> Object:
    """The structural schema that the models describe."""
    return _model_schema(SeldonDeployment, depth=0)


def write_schema() -> None:
    """Write the file that `crd` reads: one line, so that nobody edits it by hand."""
    text = json.dumps(schema_of_models(), sort_keys=True, separators=(",", ":"))
    SCHEMA_FILE.write_text(f"{text}\n")


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


if __name__ == "__main__":
    write_schema()
