"""Advice that only the live cluster can give: what a SeldonDeployment names and is not there.

Pure: `live_facts` asks, this judges. Each rule has a name by which it is silenced, as the rules
over a manifest alone have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from seldon_deployer.cluster import Object
from seldon_deployer.deployer.endings import find_endings
from seldon_deployer.deployer.live_facts import (
    LiveFacts,
    claims,
    has_keda_spec,
    service_accounts,
    splits_traffic,
)
from seldon_deployer.deployer.references import (
    ModelReference,
    model_references,
    secret_references,
)
from seldon_deployer.errors import ConfigError
from seldon_deployer.manifest.advice import Advice
from seldon_deployer.manifest.advice.rule import Severity
from seldon_deployer.storage.location import KNOWN_REMOTES, parse_location

# Seldon's initializer has this remote configured, for public buckets; no other.
_CONFIGURED_REMOTES = frozenset({"gs"})
_NO_REMOTES = frozenset({"pvc", "file"})
# The stores whose own tools find an identity by themselves.
_IDENTIFIED_REMOTES = frozenset(KNOWN_REMOTES)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule found.

    is_told: False where the cluster would not tell us whether it is so.
    """

    field: str
    message: str
    is_told: bool = True


@dataclass(frozen=True, slots=True)
class LiveRule:
    """One thing that the cluster may lack.

    severity: `error` where the pods are certain not to start. reason: what happens then.
    """

    name: str
    severity: Severity
    reason: str
    find: Callable[[Object, LiveFacts], Iterable[Finding]]


def check_live(
    manifest: Object, facts: LiveFacts, *, ignore: Iterable[str] = (), strict: bool = False
) -> list[Advice]:
    """What the rules but the ignored find, errors first.

    What could not be told is a warning; with `strict` it is an error where the rule is of errors.
    """
    silenced = set(ignore)
    found = [
        Advice(
            rule.name,
            rule.severity if each.is_told or strict else "warning",
            each.field,
            each.message,
            rule.reason,
        )
        for rule in LIVE_RULES.values()
        if rule.name not in silenced
        for each in rule.find(manifest, facts)
    ]
    return sorted(found, key=lambda each: each.severity)


def _missing_secrets(manifest: Object, facts: LiveFacts) -> Iterator[Finding]:
    for each in secret_references(manifest):
        secret = facts.secrets.get(each.name)
        if secret is None or each.is_optional:
            continue
        if secret.state == "missing":
            yield Finding(each.field, f"there is no Secret {each.name}")
        elif secret.state == "hidden":
            message = f"whether there is a Secret {each.name} is not known: we may not read it"
            yield Finding(each.field, message, is_told=False)


def _missing_keys(manifest: Object, facts: LiveFacts) -> Iterator[Finding]:
    for each in secret_references(manifest):
        secret = facts.secrets.get(each.name)
        if secret is None or secret.state != "there" or each.key is None or each.is_optional:
            continue
        if each.key not in secret.keys:
            yield Finding(each.field, f"the Secret {each.name} has no key {each.key}")


def _missing_pull_secrets(manifest: Object, facts: LiveFacts) -> Iterator[Finding]:
    for each in secret_references(manifest):
        secret = facts.secrets.get(each.name)
        is_pull = ".imagePullSecrets[" in each.field
        if is_pull and secret is not None and secret.state == "missing":
            yield Finding(each.field, f"there is no Secret {each.name} to pull images with")


def _secrets_of_other_remotes(manifest: Object, facts: LiveFacts) -> Iterator[Finding]:
    for each in model_references(manifest):
        secret = facts.secrets.get(each.secret or "")
        if secret is None or secret.state != "there":
            continue
        remote = _remote(each, facts)
        if remote is None or f"RCLONE_CONFIG_{remote.upper()}_TYPE" in secret.keys:
            continue
        if remote in _CONFIGURED_REMOTES:
            continue
        message = f"the Secret {secret.name} has no RCLONE_CONFIG_{remote.upper()}_TYPE"
        yield Finding(each.field, f"{message}, so it says nothing of {remote}://")


def _ending_credentials(manifest: Object, facts: LiveFacts) -> Iterator[Finding]:
    fields = {each.name: each.field for each in secret_references(manifest)}
    for name, secret in facts.secrets.items():
        for ending in find_endings(secret.environment):
            yield Finding(fields.get(name, "spec.predictors"), f"the Secret {name}: {ending}")


def _remotes_without_secret(manifest: Object, facts: LiveFacts) -> Iterator[Finding]:
    known = _CONFIGURED_REMOTES | (_IDENTIFIED_REMOTES if facts.lends_identity else frozenset())
    for each in model_references(manifest):
        remote = _remote(each, facts)
        if not each.secret and remote is not None and remote not in known:
            message = f"no Secret is named, and the initializer knows no {remote} by itself"
            if remote not in KNOWN_REMOTES:
                message += f" (it is none of the stores {', '.join(KNOWN_REMOTES)})"
            yield Finding(each.field, message, is_told=not facts.may_have_default_secret)


def _remote(reference: ModelReference, facts: LiveFacts) -> str | None:
    """The remote that the initializer needs; None where it needs none, or nobody knows."""
    secret = facts.secrets.get(reference.secret or "")
    try:
        location = parse_location(reference.uri, secret.environment if secret else {})
    except ConfigError:
        # A remote of the user's own, and its name is all that is known of it.
        return reference.uri.partition(":")[0] or None
    return None if location.kind in _NO_REMOTES else location.remote


def _missing_accounts(manifest: Object, facts: LiveFacts) -> Iterator[Finding]:
    for name in dict.fromkeys(service_accounts(manifest)):
        yield from _absent(facts.service_accounts.get(name, True), f"service account {name}")


def _missing_claims(manifest: Object, facts: LiveFacts) -> Iterator[Finding]:
    for name in dict.fromkeys(claims(manifest)):
        where = f" (here it is the folder {facts.volumes / name})" if facts.volumes else ""
        yield from _absent(facts.claims.get(name, True), f"volume claim {name}{where}")


def _absent(is_there: bool | None, what: str) -> Iterator[Finding]:
    if is_there is None:
        message = f"whether there is a {what} is not known: we may not read it"
        yield Finding("spec.predictors", message, is_told=False)
    elif not is_there:
        yield Finding("spec.predictors", f"there is no {what}")


def _traffic_without_mesh(manifest: Object, facts: LiveFacts) -> Iterator[Finding]:
    if splits_traffic(manifest) and facts.has_mesh is False:
        message = "requests are to be split or copied, and this cluster has neither Istio nor "
        yield Finding("spec.predictors", message + "Ambassador")


def _without_keda(manifest: Object, facts: LiveFacts) -> Iterator[Finding]:
    if has_keda_spec(manifest) and facts.has_keda is False:
        yield Finding("spec.predictors", "there is a kedaSpec, and KEDA is not installed")


LIVE_RULES: dict[str, LiveRule] = {
    rule.name: rule
    for rule in (
        LiveRule(
            "missing-secret",
            "error",
            "the pods do not start before the Secrets that they name are there",
            _missing_secrets,
        ),
        LiveRule(
            "missing-secret-key",
            "error",
            "a container does not start before the keys that it names are there",
            _missing_keys,
        ),
        LiveRule(
            "missing-pull-secret",
            "warning",
            "the image is pulled without credentials",
            _missing_pull_secrets,
        ),
        LiveRule(
            "secret-without-remote",
            "error",
            "the initializer fails with `didn't find section in config file`",
            _secrets_of_other_remotes,
        ),
        LiveRule(
            "remote-without-secret",
            "error",
            "the initializer fails with `didn't find section in config file`, unless Seldon's "
            "operator has a default Secret for all models",
            _remotes_without_secret,
        ),
        LiveRule(
            "ending-credentials",
            "warning",
            "a pod that starts after that cannot fetch its model: give lasting credentials, or "
            "apply new ones before (`secret apply`)",
            _ending_credentials,
        ),
        LiveRule(
            "missing-service-account",
            "error",
            "no pod can be created before its service account is there",
            _missing_accounts,
        ),
        LiveRule(
            "missing-claim",
            "error",
            "no node can take the pod before its volume claim is there",
            _missing_claims,
        ),
        LiveRule(
            "traffic-without-mesh",
            "warning",
            "without a mesh that reads it, the share of each predictor has no effect: each is "
            "reached at its own Service alone",
            _traffic_without_mesh,
        ),
        LiveRule(
            "keda-missing",
            "warning",
            "nothing scales: with a kedaSpec the operator sets no replicas, and KEDA would",
            _without_keda,
        ),
    )
}
