"""Refusals of the embedded API, worded as Kubernetes words them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from seldon_deployer.local.objects import Resource

Object = dict[str, Any]


class ApiError(Exception):
    """One refusal: HTTP `status`, `reason`, `message` and the `details` of a Status object."""

    def __init__(
        self, status: int, reason: str, message: str, details: Object | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details or {}

    def to_object(self) -> Object:
        """Write it as the `Status` that a client reads."""
        obj: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            obj["reason"] = self.reason
        if self.details:
            obj["details"] = self.details
        return obj | {"code": self.status}


def describe(resource: Resource, name: str) -> Object:
    """Details that name one object by its resource, as most refusals do."""
    details: Object = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    return details | {"kind": resource.plural}


def bad_request(message: str) -> ApiError:
    """400: the request makes no sense."""
    return ApiError(400, "BadRequest", message)


def not_found(resource: Resource, name: str) -> ApiError:
    """404: no such object."""
    return ApiError(
        404, "NotFound", f'{resource.qualified} "{name}" not found', describe(resource, name)
    )


def already_exists(resource: Resource, name: str) -> ApiError:
    """409: the name is taken."""
    message = f'{resource.qualified} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, describe(resource, name))


def conflict(resource: Resource, name: str, why: str) -> ApiError:
    """409: the object is not what the client thinks."""
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return ApiError(409, "Conflict", message, describe(resource, name))


def object_changed(resource: Resource, name: str) -> ApiError:
    """409: somebody wrote since the client read."""
    return conflict(
        resource,
        name,
        "the object has been modified; please apply your changes to the latest version and try "
        "again",
    )


def forbidden(resource: Resource, name: str, why: str) -> ApiError:
    """403: not in this state."""
    message = f'{resource.qualified} "{name}" is forbidden: {why}'
    return ApiError(403, "Forbidden", message, describe(resource, name))


def invalid(resource: Resource, name: str, violations: Iterable[tuple[str, str]]) -> ApiError:
    """422: `(field, message)` pairs, several as a bracketed list."""
    found = list(violations)
    texts = list(dict.fromkeys(f"{field}: {message}" for field, message in found))
    summary = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details: Object = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    details["kind"] = resource.kind
    details["causes"] = [
        {"reason": _cause(message), "message": message, "field": field} for field, message in found
    ]
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    return ApiError(422, "Invalid", f'{kind} "{name}" is invalid: {summary}', details)


def invalid_option(options: str, field: str, message: str, reason: str) -> ApiError:
    """422: a query parameter or option of a request, by its kind of options."""
    return ApiError(
        422,
        "Invalid",
        f'{options}.meta.k8s.io "" is invalid: {field}: {message}',
        {
            "group": "meta.k8s.io",
            "kind": options,
            "causes": [{"reason": reason, "message": message, "field": field}],
        },
    )


def denied_by_webhook(
    resource: Resource, name: str, violations: Iterable[tuple[str, str]]
) -> ApiError:
    """422: Seldon's own admission; `name` is `spec.name`, mostly empty, and so says the webhook."""
    # Seldon Core 1.17.1 misspells its group here, and clients read what it says.
    inner = invalid(replace(resource, group="machinelearing.seldon.io"), name, violations)
    message = f'admission webhook "v1.vseldondeployment.kb.io" denied the request: {inner.message}'
    return ApiError(422, inner.reason, message, inner.details)


def apply_conflict(count: int, summary: str, causes: Sequence[Object]) -> ApiError:
    """409: other managers own what is applied."""
    noun = "conflict" if count == 1 else "conflicts"
    return ApiError(
        409,
        "Conflict",
        f"Apply failed with {count} {noun}: {summary}",
        {"causes": list(causes)},
    )


def expired(requested: int, oldest: int) -> ApiError:
    """410: the change log does not reach back so far."""
    return ApiError(410, "Expired", f"too old resource version: {requested} ({oldest})")


_CAUSES = (
    ("Required value", "FieldValueRequired"),
    ("Unsupported value", "FieldValueNotSupported"),
    ("Duplicate value", "FieldValueDuplicate"),
    ("Forbidden", "FieldValueForbidden"),
    ("Too long", "FieldValueTooLong"),
    ("Too many", "FieldValueTooMany"),
    ("Not found", "FieldValueNotFound"),
)


def _cause(message: str) -> str:
    if message.startswith("Invalid value") and "must be of type" in message:
        return "FieldValueTypeInvalid"
    for prefix, cause in _CAUSES:
        if message.startswith(prefix):
            return cause
    return "FieldValueInvalid"
