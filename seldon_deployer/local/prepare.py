"""What an object must pass before it is stored: identity, names, schema, admission, defaults."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from seldon_deployer.local.objects import NAMESPACES, SECRETS, SERVICES, Resource
from seldon_deployer.local.status import (
    ApiError,
    bad_request,
    denied_by_webhook,
    invalid,
)
from seldon_deployer.manifest.admission import check_admission
from seldon_deployer.manifest.pod_schema import OBJECT_META
from seldon_deployer.manifest.schema import check_schema, fill_defaults, prune, unknown_fields

Object = dict[str, Any]
ValidationMode = Literal["Strict", "Warn", "Ignore"]

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_DNS_1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
    "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_LABEL_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
    "'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


@dataclass
class FieldValidation:
    """What happens to unknown fields: rejected, warned of (in `warnings`), or dropped."""

    mode: ValidationMode = "Ignore"
    warnings: list[str] = field(default_factory=list)


def check_kind(resource: Resource, sent: Any) -> Object:
    """Check apiVersion and kind; returns the object with its metadata. Raises ApiError 400."""
    if not isinstance(sent, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {resource.kind})")
    obj: Object = sent
    version, kind = obj.get("apiVersion") or "", obj.get("kind") or ""
    if not resource.is_custom and not version and not kind:
        # A built-in type is known by its path.
        version, kind = resource.api_version, resource.kind
        obj = {"apiVersion": version, "kind": kind} | obj
    if not kind:
        raise bad_request(
            f"the object provided is unrecognized (must be of type {resource.kind}): Object 'Kind' "
            "is missing"
        )
    if resource.is_custom and version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({resource.api_version})"
        )
    if (version, kind) != (resource.api_version, resource.kind):
        raise _wrong_kind(resource, obj, version, kind)
    metadata = obj.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise bad_request("metadata must be an object")
    return obj | {"metadata": dict(metadata or {})}


def _wrong_kind(resource: Resource, obj: Object, version: str, kind: str) -> ApiError:
    if resource.is_custom:
        rule = f'Invalid value: "{kind}": must be {resource.kind}'
        name = (obj.get("metadata") or {}).get("name", "")
        return invalid(replace(resource, kind=kind), name, [("kind", rule)])
    return bad_request(
        f'{kind} in version "{version}" cannot be handled as a {resource.kind}: no kind "{kind}" '
        f'is registered for version "{version}"'
    )


def drop_unknown(resource: Resource, obj: Object, validation: FieldValidation | None) -> Object:
    """Drop fields and nulls that the schema does not allow, as `validation` says."""
    schema, metadata = resource.schema, obj["metadata"]
    if validation and validation.mode != "Ignore":
        paths = [f"metadata.{path}" for path in unknown_fields(OBJECT_META, metadata)]
        unknown = [f'unknown field "{path}"' for path in paths + unknown_fields(schema, obj)]
        if unknown and validation.mode == "Strict":
            raise bad_request(
                f'{resource.kind} in version "{resource.version}" cannot be handled as a '
                f"{resource.kind}: strict decoding error: {', '.join(unknown)}"
            )
        validation.warnings += unknown
    return prune(schema, obj) | {"metadata": prune(OBJECT_META, metadata)}


def set_defaults(resource: Resource, obj: Object) -> Object:
    """Fill the defaults of a built-in resource."""
    filled = _fill(obj, resource.defaults)
    if not resource.is_custom:
        filled = fill_defaults(resource.schema, filled)
    if resource.qualified == SECRETS.qualified and "stringData" in filled:
        encoded = {
            key: base64.b64encode(text.encode()).decode()
            for key, text in (filled.pop("stringData") or {}).items()
        }
        filled["data"] = (filled.get("data") or {}) | encoded
    return filled


def validate(resource: Resource, obj: Object) -> None:
    """Check names, labels and schema. Raises ApiError 422 (built-in types: 400)."""
    name = obj["metadata"]["name"]
    wrong = [
        (str(v.field), str(v.message))
        for v in check_schema(resource.schema, obj)
        # Built-in types take repeated keys: Seldon's orchestrator names its port 8000 twice.
        if resource.is_custom or not v.message.startswith("Duplicate value")
    ]
    if wrong and not resource.is_custom:
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a '
            f"{resource.kind}: {wrong[0][0]}: {wrong[0][1]}"
        )
    problems = [*_check_metadata(resource, obj["metadata"]), *wrong]
    problems += _check_secret(resource, obj)
    if problems:
        raise invalid(resource, name, problems)


def admit(resource: Resource, obj: Object) -> None:
    """Ask Seldon's admission rules, as its webhook does. Raises ApiError 422."""
    if resource.is_custom:
        denied = [(str(v.field), str(v.message)) for v in check_admission(obj)]
        if denied:
            raise denied_by_webhook(resource, obj.get("spec", {}).get("name", ""), denied)


def check_immutable(resource: Resource, old: Object, new: Object) -> None:
    """Check what no update may change. Raises ApiError 409 for another uid, 422 for the rest."""
    problems = []
    if resource.qualified == SECRETS.qualified and old.get("type") != new.get("type"):
        problems.append(("type", f'Invalid value: "{new.get("type")}": field is immutable'))
    if resource.kind == "Deployment":
        before, after = old["spec"].get("selector"), new.get("spec", {}).get("selector")
        if before != after:
            problems.append(("spec.selector", f"Invalid value: {_show(after)}: field is immutable"))
    if resource.kind in ("Secret", "ConfigMap") and old.get("immutable"):
        rule = "Forbidden: field is immutable when `immutable` is set"
        fields = ("data", "binaryData", "immutable")
        problems += [(name, rule) for name in fields if old.get(name) != new.get(name)]
    if problems:
        raise invalid(resource, old["metadata"]["name"], problems)


def _show(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _check_metadata(resource: Resource, metadata: Object) -> Iterator[tuple[str, str]]:
    name = metadata["name"]
    if resource.qualified == SERVICES.qualified:
        pattern, rule, limit = _DNS_1035, _DNS_1035_RULE, 63
    elif resource.qualified == NAMESPACES.qualified:
        pattern, rule, limit = _LABEL, _LABEL_RULE, 63
    else:
        pattern, rule, limit = _SUBDOMAIN, _SUBDOMAIN_RULE, 253
    if len(name) > limit:
        yield "metadata.name", f'Invalid value: "{name}": must be no more than {limit} characters'
    if not pattern.fullmatch(name):
        yield "metadata.name", f'Invalid value: "{name}": {rule}'
    for value in (metadata.get("labels") or {}).values():
        if len(value) > 63:
            rule = "must be no more than 63 bytes"
            yield "metadata.labels", f'Invalid value: "{value}": {rule}'
        elif not _LABEL_VALUE.fullmatch(value):
            yield "metadata.labels", f'Invalid value: "{value}": {_LABEL_VALUE_RULE}'


def _check_secret(resource: Resource, obj: Object) -> list[tuple[str, str]]:
    if resource.qualified != SECRETS.qualified:
        return []
    for key, value in (obj.get("data") or {}).items():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            # Never the value itself: it is a secret.
            raise bad_request(
                f'Secret in version "v1" cannot be handled as a Secret: data["{key}"] is no '
                "valid base64"
            ) from error
    return []


def _fill(obj: Object, defaults: Mapping[str, Any]) -> Object:
    """Defaults of the top level and of the structs there; what is given below is left alone."""
    filled = dict(obj)
    for name, default in defaults.items():
        given = filled.get(name)
        if given is None:
            filled[name] = deepcopy(default)
        elif isinstance(default, dict):
            filled[name] = deepcopy(default) | given
    return filled
