"""What a request carries and what its client accepts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from seldon_deployer.local.prepare import FieldValidation, ValidationMode
from seldon_deployer.local.protobuf import MEDIA_TYPE, decode_protobuf
from seldon_deployer.local.status import ApiError, bad_request, invalid_option
from seldon_deployer.local.transitions import PatchType

Object = dict[str, Any]
Shape = Literal["plain", "table", "partial"]

PATCH_TYPES: dict[str, PatchType] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}
_MODES: dict[str, ValidationMode] = {"Strict": "Strict", "Warn": "Warn", "Ignore": "Ignore"}
DISCOVERY = "apidiscovery.k8s.io"


@dataclass(frozen=True)
class Accepted:
    """The answer that a client wants most of those we have."""

    shape: Shape = "plain"
    is_aggregated: bool = False


class _Loader(yaml.CSafeLoader):
    """YAML as JSON sees it: a date stays text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if "timestamp" not in tag]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def accepted(header: str) -> Accepted:
    """Read an Accept header. Raises ApiError 406 where nothing fits."""
    clauses = [clause.strip() for clause in header.split(",") if clause.strip()]
    for clause in clauses or ["*/*"]:
        media, *pairs = [part.strip() for part in clause.split(";")]
        parameters = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        if media not in ("application/json", "application/*", "*/*"):
            continue
        wanted = parameters.get("as", "")
        if parameters.get("g") == DISCOVERY:
            if parameters.get("v") == "v2":
                return Accepted(is_aggregated=True)
        elif not wanted:
            return Accepted()
        elif wanted == "Table" and parameters.get("v", "v1") == "v1":
            return Accepted("table")
        elif wanted.startswith("PartialObjectMetadata"):
            return Accepted("partial")
    raise ApiError(
        406,
        "NotAcceptable",
        "only the following media types are accepted: application/json, "
        "application/json;stream=watch",
    )


def patch_type_of(content_type: str, *, is_custom: bool) -> PatchType:
    """The patch type of a Content-Type. Raises ApiError 415."""
    media = content_type.partition(";")[0].strip()
    patch_type = PATCH_TYPES.get(media)
    if patch_type is None or (is_custom and patch_type == "strategic"):
        known = [name for name in PATCH_TYPES if not (is_custom and "strategic" in name)]
        raise _unsupported_media(known)
    return patch_type


def read_body(body: bytes, content_type: str, validation: FieldValidation | None = None) -> Any:
    """Decode JSON or YAML. Raises ApiError 400 or 415.

    A key given twice is rejected or warned of, as `validation` says.
    """
    media = content_type.partition(";")[0].strip()
    if media == MEDIA_TYPE:
        return _read_protobuf(body)
    if media and "json" not in media and "yaml" not in media:
        raise _unsupported_media(["application/json", "application/yaml"])
    repeated: dict[int, list[str]] = {}

    def read_pairs(pairs: list[tuple[str, Any]]) -> Object:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            repeated[id(found)] = [name for name in found if names.count(name) > 1]
        return found

    try:
        value = json.loads(body, object_pairs_hook=read_pairs)
    except ValueError as error:
        if "yaml" not in media:
            raise bad_request(f"error decoding the body: {error}") from error
        value = _read_yaml(body)
    duplicates = [f'duplicate field "{path}"' for path in _find_repeated(value, "", repeated)]
    if duplicates and validation and validation.mode == "Strict":
        kind = value.get("kind", "") if isinstance(value, dict) else ""
        version = str(value.get("apiVersion", "")).rpartition("/")[2] if kind else ""
        raise bad_request(
            f'{kind} in version "{version}" cannot be handled as a {kind}: strict decoding error: '
            f"{', '.join(duplicates)}"
        )
    if validation and validation.mode == "Warn":
        validation.warnings += duplicates
    return value


def _find_repeated(value: Any, path: str, repeated: dict[int, list[str]]) -> Iterator[str]:
    """The paths of keys that were given twice."""
    if not repeated:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            at = f"{path}.{name}" if path else name
            if name in repeated.get(id(value), ()):
                yield at
            yield from _find_repeated(item, at, repeated)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _find_repeated(item, f"{path}[{index}]", repeated)


def read_validation(query: Mapping[str, str]) -> FieldValidation:
    """Read `fieldValidation`: Warn where it is not given. Raises ApiError 422."""
    mode = query.get("fieldValidation") or "Warn"
    if mode in _MODES:
        return FieldValidation(_MODES[mode])
    message = f'Unsupported value: "{mode}": supported values: "", "Ignore", "Strict", "Warn"'
    raise invalid_option("CreateOptions", "fieldValidation", message, "FieldValueNotSupported")


def read_dry_run(query: Mapping[str, str], options: str) -> bool:
    """Read `dryRun`, of options such as CreateOptions. Raises ApiError 422 for all but All.

    An empty one too: whoever wrote it did not mean to write.
    """
    value = query.get("dryRun")
    if value not in (None, "All"):
        message = f'Unsupported value: ["{value}"]: supported values: "All"'
        raise invalid_option(options, "dryRun", message, "FieldValueNotSupported")
    return value == "All"


def is_true(query: Mapping[str, str], name: str) -> bool:
    """Read a switch; absent is off."""
    return query.get(name, "").lower() in ("true", "1")


def _read_protobuf(body: bytes) -> Any:
    try:
        decoded = decode_protobuf(body)
    except ValueError as error:
        raise bad_request(f"the body is no Kubernetes protobuf: {error}") from error
    if decoded is None:
        raise _unsupported_media(["application/json", "application/yaml"])
    return decoded


def _read_yaml(body: bytes) -> Any:
    try:
        return yaml.load(body, _Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise bad_request(f"error decoding YAML: {error}") from error


def _unsupported_media(known: list[str]) -> ApiError:
    return ApiError(
        415,
        "UnsupportedMediaType",
        f"the body of the request was in an unknown format - accepted media types include: "
        f"{', '.join(known)}",
    )
