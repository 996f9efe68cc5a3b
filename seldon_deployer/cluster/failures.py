"""Where foreign failures become our errors: Kubernetes Status answers, urllib3, kubeconfig.

No request body, token or Secret value reaches a message: of an answer only its Status is read,
and of one about Secrets only the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from seldon_deployer.cluster.resources import SELDON_DEPLOYMENTS, Resource
from seldon_deployer.errors import (
    ApiMissing,
    ClusterError,
    ClusterUnreachable,
    Conflict,
    ManifestError,
    NotFound,
    PermissionDenied,
    SeldonDeployerError,
)
from seldon_deployer.manifest.ownership import Held, describe_held

INSTALL_GUIDE = "https://docs.seldon.io/projects/seldon-core/en/v1/workflow/install.html"
_MESSAGE_LIMIT = 600
_NO_PERMISSION = re.compile(r'\bUser "[^"]*" cannot (\w+)')
_DENIED = re.compile(r"\bdenied (the )?request\b")
_DEAD_WEBHOOK = re.compile(r'failed calling webhook "([^"]*)"')
_CONFLICT = re.compile(r'conflict with "([^"]*)"(?: with subresource "([^"]*)")?')


@dataclass(frozen=True)
class Call:
    """What we were doing, in the words of RBAC: verb, resource, name, namespace."""

    verb: str
    resource: Resource | None = None
    name: str | None = None
    namespace: str | None = None
    subresource: str | None = None
    # A server-side apply: the API has answers of its own for these.
    is_apply: bool = False

    @property
    def target(self) -> str:
        """The object in a sentence: `seldondeployments iris in namespace models`."""
        if self.resource is None:
            return "the API"
        words = self.resource.plural
        if self.subresource:
            words += f"/{self.subresource}"
        if self.name:
            words += f" {self.name}"
        if self.namespace:
            words += f" in namespace {self.namespace}"
        return words

    def __str__(self) -> str:
        return f"{self.verb} {self.target}"


@dataclass(frozen=True)
class Status:
    """What the API answered: the HTTP code and, if it was a Kubernetes Status, its content."""

    code: int
    reason: str = ""
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    is_kubernetes: bool = False

    @property
    def causes(self) -> list[Mapping[str, Any]]:
        """The single causes, each with `reason`, `message`, `field`."""
        return list(self.details.get("causes") or [])

    @property
    def retry_after_seconds(self) -> float:
        """How long the API asks us to wait, 0 when it does not say."""
        return float(self.details.get("retryAfterSeconds") or 0)


def parse_status(code: int, body: bytes) -> Status:
    """Read a Status object from an error's body; anything else gives the bare code."""
    try:
        answer = json.loads(body)
    except ValueError:
        return Status(code)
    if not isinstance(answer, dict) or answer.get("kind") != "Status":
        return Status(code)
    return Status(
        code=code,
        reason=str(answer.get("reason") or ""),
        message=str(answer.get("message") or ""),
        details=answer.get("details") or {},
        is_kubernetes=True,
    )


def error_of(status: Status, call: Call) -> SeldonDeployerError:
    """The error that an answer of 400 or more means, ready to be raised."""
    message = _told(status, call)
    if status.code == 401:
        return PermissionDenied(
            f"the Kubernetes API does not accept our credentials (to {call})",
            why="401 Unauthorized: they are missing or expired",
            hint="log in to the cluster again; `kubectl auth whoami` shows who you are",
            status=401,
        )
    if status.code == 403:
        return _forbidden(status, message, call)
    if status.code == 404:
        return _not_found(status, message, call)
    if status.code == 409:
        return _conflict(status, message, call)
    if status.code == 400 and not status.is_kubernetes:
        return ClusterError(
            f"what answers is no Kubernetes API (to {call})",
            why=message,
            hint="check `server:` of the cluster in your kubeconfig; a server of https:// answers "
            "so to http://",
            status=status.code,
        )
    if status.code in {400, 422} or (status.code == 500 and call.is_apply and not status.reason):
        # Apply answers an unknown field or a wrong type with a 500 that names no reason.
        return ManifestError(
            f"the Kubernetes API rejects {call.target}",
            why=message,
            hint=_hint_of_rule(status) or "correct the field that is named, then try again",
        )
    return ClusterError(
        f"the Kubernetes API could not {call}",
        why=message,
        hint=_hint_of_failure(status),
        status=status.code,
    )


def unreachable(error: Exception, server: str, call: Call) -> ClusterUnreachable:
    """The error for no answer at all: refused, unresolved, timed out, cut, TLS."""
    reason = _reason_of(error)
    if "certificate" in reason.lower() or "ssl" in type(error).__name__.lower():
        return ClusterUnreachable(
            f"no trusted connection to the Kubernetes API at {server}",
            why=reason,
            hint="check certificate-authority-data of the cluster in your kubeconfig",
        )
    return ClusterUnreachable(
        f"no answer from the Kubernetes API at {server} (to {call})",
        why=reason,
        hint="check that the cluster runs and that the kubeconfig context is the right one, "
        "or work without a cluster: --runtime=local",
    )


def _told(status: Status, call: Call) -> str:
    # The API echoes wrong values; of a Secret it would echo the secret.
    about_secrets = call.resource is not None and call.resource.plural == "secrets"
    if not status.message or about_secrets:
        return f"HTTP {status.code} {status.reason}".strip()
    if len(status.message) > _MESSAGE_LIMIT:
        return status.message[:_MESSAGE_LIMIT].rstrip() + " ..."
    return status.message


def _hint_of_rule(status: Status) -> str:
    """What to do where a policy or a webhook of the cluster said no, and of no field in particular.

    Seldon's own webhook names the field.
    """
    is_denied = _DENIED.search(status.message) is not None
    if not is_denied or any(cause.get("field") for cause in status.causes):
        return ""
    return "it is a rule of this cluster: meet it, or ask who keeps it"


def _hint_of_failure(status: Status) -> str:
    if status.code in {429, 503, 504}:
        return "it is overloaded or starting; try again in a moment"
    if found := _DEAD_WEBHOOK.search(status.message):
        return (
            f"see that what serves the webhook {found[1]} runs; Seldon's own is its operator: "
            "`kubectl get pods -n seldon-system`"
        )
    return ""


def _forbidden(status: Status, message: str, call: Call) -> SeldonDeployerError:
    denied = _NO_PERMISSION.search(status.message)
    if status.message and denied is None:
        # Admission and quota answer 403 as well, to users who have every permission.
        hint = _hint_of_rule(status)
        if "exceeded quota" in status.message:
            hint = f"`kubectl describe resourcequota -n {call.namespace}` shows what is used"
        return ClusterError(f"the cluster refuses to {call}", why=message, hint=hint, status=403)
    if denied is not None:
        # An apply of something new needs the right to create beside that to patch.
        call = replace(call, verb=denied[1])
    resource = call.resource
    group = f".{resource.group}" if resource is not None and resource.group else ""
    plural = resource.plural if resource is not None else "the resource"
    if call.subresource:
        plural += f"/{call.subresource}"
    namespace = f" -n {call.namespace}" if call.namespace else ""
    # Deploying needs no Secrets, so the least role does not hold them.
    option = " --manage-secrets" if plural == "secrets" else ""
    return PermissionDenied(
        f"not allowed to {call}",
        why=message,
        hint=f"ask for the role that `seldon-deployer rbac{option}{namespace}` prints; to check: "
        f"`kubectl auth can-i {call.verb} {plural}{group}{namespace}`",
        status=403,
    )


def _not_found(status: Status, message: str, call: Call) -> SeldonDeployerError:
    if call.resource == SELDON_DEPLOYMENTS and is_unserved(status):
        return api_missing()
    hint = "check name and namespace"
    if status.details.get("kind") == "namespaces":
        hint = f"name one that is there, or make it: kubectl create namespace {call.namespace}"
    return NotFound(f"cannot {call}", why=message, hint=hint, status=404)


def is_unserved(status: Status) -> bool:
    """Whether a 404 is about the kind and not about one object of it."""
    return status.code == 404 and not status.details.get("name")


def api_missing() -> ApiMissing:
    """The cluster has no SeldonDeployment CRD."""
    return ApiMissing(
        "this cluster has no SeldonDeployment API",
        why=f"{SELDON_DEPLOYMENTS.api_version} is not served, so Seldon Core v1 is not installed",
        hint=f"install it ({INSTALL_GUIDE}), or work without a cluster: --runtime=local",
        status=404,
    )


def _conflict(status: Status, message: str, call: Call) -> SeldonDeployerError:
    held = tuple(
        Held(str(cause.get("field")), _manager_in(str(cause.get("message"))))
        for cause in status.causes
        if cause.get("reason") == "FieldManagerConflict"
    )
    if held:
        return Conflict(
            f"cannot {call}: others own fields that we want",
            why=describe_held(held),
            hint="let them give the fields up, leave the fields out, or take them with --force",
            status=409,
            held=held,
        )
    if status.reason == "AlreadyExists":
        return Conflict(f"cannot {call}: it exists already", why=message, status=409)
    return Conflict(
        f"cannot {call}: it changed in the meantime", why=message, hint="try again", status=409
    )


def _manager_in(message: str) -> str:
    """The manager that a conflict names: `conflict with "kubectl" with subresource "scale" ...`."""
    found = _CONFLICT.match(message)
    if found is None:
        return message
    name, subresource = found.groups()
    return f"{name} (through {subresource})" if subresource else name


def _reason_of(error: BaseException) -> str:
    """The operating system's own words from beneath urllib3's wrapping."""
    seen: BaseException | None = error
    reason = ""
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            reason = seen.strerror
        seen = getattr(seen, "reason", None) if _wraps(seen) else seen.__cause__ or seen.__context__
    if reason:
        return reason
    # urllib3 puts the repr of its connection in front of the sentence.
    return str(error).rsplit("object at 0x", 1)[-1].partition(">: ")[2] or str(error)


def _wraps(error: BaseException) -> bool:
    return isinstance(getattr(error, "reason", None), BaseException)
