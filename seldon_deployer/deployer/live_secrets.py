"""The Secrets of the namespace as a deployment meets them: read once, or to be made, or hidden."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import SecretStr

from seldon_deployer.cluster import SECRETS, Cluster, Object
from seldon_deployer.deployer.credentials import StorageCredentials
from seldon_deployer.deployer.secret import check_secret_ours
from seldon_deployer.errors import PermissionDenied

_RCLONE = "RCLONE_CONFIG_"


@dataclass(frozen=True, slots=True)
class LiveSecret:
    """What is known of one Secret.

    state: `hidden` where we may not read it. keys: of its data. environment: what of it rclone
    reads. live: the object, where it is there.
    """

    name: str
    state: Literal["there", "missing", "hidden"]
    keys: frozenset[str] = frozenset()
    environment: Mapping[str, SecretStr] = field(default_factory=dict)
    live: Object | None = field(default=None, repr=False)


class LiveSecrets:
    """Reads the Secrets of one deployment, each once.

    made_from: the one that will be made before the deployment is sent: it counts as made.
    """

    def __init__(self, cluster: Cluster, made_from: StorageCredentials | None = None) -> None:
        self._cluster = cluster
        self._made_from = made_from
        self._read: dict[str, LiveSecret] = {}

    def read(self, name: str) -> LiveSecret:
        """What is known of a Secret. Raises OwnershipError where ours would replace another's."""
        if name not in self._read:
            self._read[name] = self._ask(name)
        return self._read[name]

    def _ask(self, name: str) -> LiveSecret:
        try:
            live = self._cluster.get(SECRETS, name)
        except PermissionDenied:
            if self._will_be_made(name):
                # Whoever may not read it may not make it either.
                raise
            return LiveSecret(name, "hidden")
        if self._made_from is not None and self._will_be_made(name):
            if live is not None:
                check_secret_ours(live, self._cluster.namespace)
            made = self._made_from.credentials.environment()
            return LiveSecret(name, "there", frozenset(made), made, live)
        if live is None:
            return LiveSecret(name, "missing")
        return LiveSecret(
            name, "there", frozenset(live.get("data") or {}), read_environment(live), live
        )

    def _will_be_made(self, name: str) -> bool:
        return self._made_from is not None and self._made_from.name == name


def read_environment(secret: Object) -> dict[str, SecretStr]:
    """The variables for rclone that a Secret holds; what is no text is left out."""
    found = {}
    for key, value in (secret.get("data") or {}).items():
        # rclone's names count, whatever else lies beside them.
        if not key.startswith(_RCLONE):
            continue
        try:
            found[key] = SecretStr(b64decode(value, validate=True).decode())
        except (binascii.Error, UnicodeDecodeError):
            continue
    return found
