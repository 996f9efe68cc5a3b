"""`/seldon.json`: the routes of this unit as an OpenAPI document. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from seldon_deployer import __version__
from seldon_deployer.payload import Message

_TEXT, _JSON = "text/plain", "application/json"


def describe_routes(
    title: str, routes: Iterable[tuple[str, tuple[str, ...], str | None]]
) -> Message:
    """Write the document of routes: (path, methods, method of the class or None for a question).

    Source: OpenAPI 3.0.3.
    """
    paths: dict[str, Any] = {}
    for path, methods, asks in sorted(routes):
        paths[path] = {
            method.lower(): _operation(path, method, asks)
            for method in methods
            if method in ("GET", "POST")
        }
    return {
        "openapi": "3.0.3",
        "info": {"title": title, "version": __version__},
        "paths": paths,
        "components": {"schemas": _SCHEMAS},
    }


def _operation(path: str, method: str, asks: str | None) -> Message:
    is_v2 = path.startswith("/v2")
    error = "V2Error" if is_v2 else "Status"
    operation: Message = {
        "operationId": f"{method.lower()}{path.replace('/', '_').replace('.', '_')}",
        "responses": {
            "200": {"description": "the answer", "content": {_answer_kind(path): _answer(path)}},
            "default": _content(error, "what is wrong"),
        },
    }
    if asks is None:
        return operation
    asked = _asked(asks, is_v2=is_v2)
    if method == "POST":
        operation["requestBody"] = {"required": True, **_content(asked)}
    else:
        operation["parameters"] = [
            {
                "name": "json",
                "in": "query",
                "required": True,
                "content": {_JSON: {"schema": _reference(asked)}},
            }
        ]
    return operation


def _asked(asks: str, *, is_v2: bool) -> str:
    match asks:
        case "send_feedback":
            return "Feedback"
        case "aggregate":
            return "V2Answers" if is_v2 else "SeldonMessages"
        case _:
            return "V2Request" if is_v2 else "SeldonMessage"


def _answer_kind(path: str) -> str:
    return _TEXT if path == "/health/ping" else _JSON


def _answer(path: str) -> Message:
    if path == "/health/ping":
        return {"schema": {"type": "string"}}
    if path.endswith(("/infer", "/aggregate")) and path.startswith("/v2"):
        return {"schema": _reference("V2Answer")}
    if path.startswith("/v2") and not path.endswith("/route"):
        return {"schema": {"type": "object"}}
    if path.endswith(("/metadata", "/seldon.json")):
        return {"schema": {"type": "object"}}
    return {"schema": _reference("SeldonMessage")}


def _content(schema: str, description: str | None = None) -> Message:
    content = {"content": {_JSON: {"schema": _reference(schema)}}}
    return content if description is None else {"description": description, **content}


def _reference(schema: str) -> Message:
    return {"$ref": f"#/components/schemas/{schema}"}


def _list_of(schema: str) -> Message:
    return {"type": "array", "items": _reference(schema)}


_TENSOR_LIST = {"type": "array", "items": {"$ref": "#/components/schemas/V2Tensor"}}
_STRING, _OBJECT, _NUMBER = {"type": "string"}, {"type": "object"}, {"type": "number"}
_NAMES = {"type": "array", "items": _STRING}
_SHAPE = {"type": "array", "items": {"type": "integer", "minimum": 0}}
_SCHEMAS: Message = {
    "SeldonMessage": {
        "type": "object",
        "properties": {
            "meta": {
                "type": "object",
                "properties": {
                    "puid": _STRING,
                    "tags": _OBJECT,
                    "routing": _OBJECT,
                    "requestPath": _OBJECT,
                    "metrics": {"type": "array", "items": _OBJECT},
                },
            },
            "data": {
                "type": "object",
                "properties": {
                    "names": _NAMES,
                    "ndarray": {"type": "array", "items": {}},
                    "tensor": {
                        "type": "object",
                        "properties": {"shape": _SHAPE, "values": {"type": "array", "items": {}}},
                    },
                },
            },
            "strData": _STRING,
            "binData": {"type": "string", "format": "byte"},
            "jsonData": {},
            "status": _OBJECT,
        },
    },
    "SeldonMessages": {
        "oneOf": [
            _list_of("SeldonMessage"),
            {"type": "object", "properties": {"seldonMessages": _list_of("SeldonMessage")}},
        ]
    },
    "Feedback": {
        "type": "object",
        "properties": {
            "request": _reference("SeldonMessage"),
            "response": _reference("SeldonMessage"),
            "reward": _NUMBER,
            "truth": _reference("SeldonMessage"),
        },
        "additionalProperties": False,
    },
    "Status": {
        "type": "object",
        "properties": {
            "status": {
                "type": "object",
                "required": ["status", "code", "info", "reason"],
                "properties": {
                    "status": {"type": "integer"},
                    "code": {"type": "integer"},
                    "info": _STRING,
                    "reason": _STRING,
                },
            }
        },
        "required": ["status"],
    },
    "V2Tensor": {
        "type": "object",
        "required": ["name", "shape", "datatype"],
        "properties": {
            "name": _STRING,
            "shape": _SHAPE,
            "datatype": _STRING,
            "parameters": _OBJECT,
            "data": {"type": "array", "items": {}},
        },
    },
    "V2Request": {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": _STRING,
            "parameters": _OBJECT,
            "inputs": _TENSOR_LIST,
            "outputs": {"type": "array", "items": _OBJECT},
        },
    },
    "V2Answer": {
        "type": "object",
        "required": ["model_name", "outputs"],
        "properties": {
            "model_name": _STRING,
            "model_version": _STRING,
            "id": _STRING,
            "parameters": _OBJECT,
            "outputs": _TENSOR_LIST,
        },
    },
    "V2Answers": _list_of("V2Answer"),
    "V2Error": {"type": "object", "required": ["error"], "properties": {"error": _STRING}},
}
