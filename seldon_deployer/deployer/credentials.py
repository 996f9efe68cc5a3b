"""Which Secret the pods read their model with: one rule over all that may name one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seldon_deployer.secrets import Credentials


@dataclass(frozen=True, slots=True)
class StorageCredentials:
    """Make, or refresh, the Secret `name` from these credentials, for the deployments that use it.

    source: where they come from, as a word for the log; never a value of theirs.
    """

    name: str
    credentials: Credentials
    source: str = "the credentials that were given"


@dataclass(frozen=True, slots=True)
class SecretChoice:
    """What the rule found.

    name: the Secret that the pods are given, None for none. made_from: the credentials that it is
    made of, None where it is there already. told: the choice and its reason, in one line.
    """

    name: str | None
    made_from: StorageCredentials | None
    told: str


def choose_secret(
    *,
    secret_name: str | None = None,
    made_from: StorageCredentials | None = None,
    existing: str | None = None,
    of_store: Callable[[], StorageCredentials | None] = lambda: None,
) -> SecretChoice:
    """Choose the first that is given; where nothing is, there is no Secret.

    secret_name: of the configuration. made_from: what we are told to make a Secret of. existing:
    one that is there already. of_store: asks for the artifact store's own credentials, last,
    because some of them cannot be used and say so by an error.
    """
    if secret_name:
        return SecretChoice(
            secret_name,
            None,
            f"storage credentials: the existing Secret {secret_name}",
        )
    if made_from is not None:
        return _made(made_from)
    if existing:
        return SecretChoice(existing, None, f"storage credentials: the existing Secret {existing}")
    stored = of_store()
    if stored is not None:
        return _made(stored)
    return SecretChoice(
        None,
        None,
        # Seldon's initializer knows one remote unasked, gs, and is told to read it as nobody.
        "storage credentials: none are given; on a cluster gs:// is then read as nobody, from "
        "public buckets alone (a Secret with rclone_config_gs_anonymous: false lets the pods use "
        "their own identity), and no other store at all; the embedded runtime reads as this "
        "machine does",
    )


def _made(made_from: StorageCredentials) -> SecretChoice:
    return SecretChoice(
        made_from.name,
        made_from,
        f"storage credentials: the Secret {made_from.name}, made from {made_from.source}",
    )
