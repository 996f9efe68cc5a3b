"""Every error this package raises on purpose.

SeldonDeployerError
├── UsageError               what was asked makes no sense as written        exit 2
│   ├── ConfigError          a DeploymentConfig or option that cannot be
│   │   └── InvalidFields    fields of a value, given in Python; a ValueError too
│   └── InvalidName          a model name that makes no Kubernetes name
├── ArtifactError            the model artifact is missing, unreadable or no model
├── StorageError             a store did not do what was asked
│   ├── StorageMissing       no such bucket, folder or file, or nothing in it
│   ├── StorageDenied        these credentials may not
│   └── StorageUnreachable   no answer
├── ManifestError            the API would accept or reject it, but it cannot work
├── PayloadError             a message is no Seldon or V2 message
├── PredictionError          the service answered with an error, or not at all
├── ClusterError             the Kubernetes API said no, or nothing
│   ├── ClusterUnreachable   no answer
│   ├── PermissionDenied     401 or 403
│   ├── ApiMissing           the SeldonDeployment API is not installed
│   ├── NotFound             404
│   ├── Conflict             409: other managers own fields we want, or the object changed
│   └── OwnershipError       the resource is not ours
├── LocalRuntimeError        the embedded runtime could not start or stop
└── DeploymentError
    ├── DeploymentFailed     it will not serve; carries the diagnosis
    └── DeploymentTimeout    nothing conclusive before the deadline          exit 3

Everything else exits 1. Each error says what happened, why, and what to try.
"""

from __future__ import annotations

from typing import ClassVar


class SeldonDeployerError(Exception):
    """Base of all our errors: `what` happened, `why`, and what to try (`hint`)."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, why: str = "", hint: str = "") -> None:
        self.what = what
        self.why = why
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        text = self.what
        if self.why:
            text += f": {self.why}"
        if self.hint:
            text += f". Try: {self.hint}"
        return text


class UsageError(SeldonDeployerError):
    """What was asked makes no sense as written."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration that cannot be, with the field named."""


class InvalidFields(ConfigError, ValueError):
    """What a constructor was given makes no value.

    `problems`: each wrong field's path, or "" for the whole, and what is wrong with it.
    """

    def __init__(
        self, what: str, *, hint: str = "", problems: tuple[tuple[str, str], ...] = ()
    ) -> None:
        why = "; ".join(f"{path}: {said}" if path else said for path, said in problems)
        super().__init__(what, why=why, hint=hint)
        self.problems = problems


class InvalidName(UsageError):
    """A name that cannot become a Kubernetes name, or that two models would share."""


class ArtifactError(SeldonDeployerError):
    """The model artifact is missing, unreadable, ambiguous, or no model."""


class StorageError(SeldonDeployerError):
    """A store did not do what was asked."""


class StorageMissing(StorageError):
    """There is no such bucket, folder or file, or nothing in it."""


class StorageDenied(StorageError):
    """The store refused these credentials, or there are none."""


class StorageUnreachable(StorageError):
    """The store did not answer."""


class ManifestError(SeldonDeployerError):
    """A manifest that the API rejects or that is certain to fail."""


class PayloadError(SeldonDeployerError):
    """Bytes or values that are no valid Seldon or V2 message."""


class PredictionError(SeldonDeployerError):
    """The service answered a prediction with an error, or not at all.

    `status` is the HTTP status, or None when there was no answer. `is_of_data`: the model itself
    refused the request, so that another one may well be answered.
    """

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        hint: str = "",
        status: int | None = None,
        is_of_data: bool = False,
    ) -> None:
        super().__init__(what, why=why, hint=hint)
        self.status = status
        self.is_of_data = is_of_data


class ClusterError(SeldonDeployerError):
    """The Kubernetes API refused or failed. `status` is the HTTP status, or None."""

    def __init__(
        self, what: str, *, why: str = "", hint: str = "", status: int | None = None
    ) -> None:
        super().__init__(what, why=why, hint=hint)
        self.status = status


class ClusterUnreachable(ClusterError):
    """No answer from the Kubernetes API."""


class PermissionDenied(ClusterError):
    """The Kubernetes API knows us and says no, or does not know us."""


class ApiMissing(ClusterError):
    """The cluster does not serve the SeldonDeployment API."""


class NotFound(ClusterError):
    """No such resource."""


class Conflict(ClusterError):
    """Other managers own fields we want, or the object changed underneath us.

    `held`: those fields, each with its manager; empty where it is not about fields.
    """

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        hint: str = "",
        status: int | None = None,
        held: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(what, why=why, hint=hint, status=status)
        self.held = held


class OwnershipError(ClusterError):
    """The resource exists and we did not create it."""


class LocalRuntimeError(SeldonDeployerError):
    """The embedded runtime could not start, stop or answer."""


class DeploymentError(SeldonDeployerError):
    """A deployment does not serve. `report` has the states, events and log lines behind it."""

    def __init__(
        self, what: str, *, why: str = "", hint: str = "", report: tuple[str, ...] = ()
    ) -> None:
        super().__init__(what, why=why, hint=hint)
        self.report = report

    def __str__(self) -> str:
        return "\n  ".join((super().__str__(), *self.report))


class DeploymentFailed(DeploymentError):
    """A deployment that will not serve; the message carries the diagnosis."""


class DeploymentTimeout(DeploymentError):
    """Nothing conclusive was seen before the deadline."""

    exit_code = 3
