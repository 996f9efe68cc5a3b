"""Which Secret the pods of a ZenML deployment read their model with."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from seldon_deployer.artifacts.location import local_path
from seldon_deployer.config import DeploymentConfig, parts
from seldon_deployer.deployer import SecretChoice, StorageCredentials, choose_secret
from seldon_deployer.errors import ConfigError
from seldon_deployer.naming import is_dns_subdomain, secret_name
from seldon_deployer.secrets import identity_credentials
from seldon_deployer.storage.location import parse_location
from seldon_deployer.zenml_plugin.artifact_store import store_credentials
from seldon_deployer.zenml_plugin.flavor import SeldonModelDeployerConfig
from seldon_deployer.zenml_plugin.storage_secret import read_storage_secret


def choose_storage_secret(
    config: DeploymentConfig, options: SeldonModelDeployerConfig
) -> SecretChoice:
    """Apply the rule of `choose_secret` to a deployment and the options of its model deployer.

    Asks ZenML for nothing that the rule does not come to: a deployment that names its Secret, or
    has no model in a store, reads no credentials. Raises ConfigError, which holds no value.
    """
    model_uris = {uri for uri in _addresses(config) if uri and local_path(uri) is None}
    if config.secret_name or not model_uris:
        return choose_secret(secret_name=config.secret_name)
    return choose_secret(
        made_from=_named(options),
        existing=options.kubernetes_secret_name,
        of_store=lambda: (
            store_credentials(model_uris, service_account_name=config.service_account_name)
            or service_account_identity(model_uris, config.service_account_name)
        ),
    )


def service_account_identity(
    model_uris: Collection[str], service_account_name: str | None
) -> StorageCredentials | None:
    """The identity of the pods' service account, for the one kind of store that the models are in.

    rclone has to be told of it by a Secret too, though nothing in that is secret. None without a
    service account, and for stores of several kinds or of the user's own.
    """
    try:
        stores = {(each.kind, each.account) for each in map(parse_location, model_uris)}
    except ConfigError:
        return None
    if not service_account_name or len(stores) != 1:
        return None
    [(kind, account)] = stores
    credentials = identity_credentials(kind, account)
    if credentials is None:
        return None
    name = "-".join(filter(None, ("seldon-deployer-identity", kind, account)))
    source = f"the identity of the service account {service_account_name}"
    return StorageCredentials(secret_name(name), credentials, source)


def _addresses(config: DeploymentConfig) -> Iterator[str | None]:
    yield from (part.model_uri for part in parts(config).values())
    yield config.explainer.model_uri if config.explainer else None


def _named(options: SeldonModelDeployerConfig) -> StorageCredentials | None:
    """What the option storage_secret asks for, under the name that the options give it."""
    source = options.storage_secret
    if not source:
        return None
    name = options.kubernetes_secret_name or secret_name(source)
    if not is_dns_subdomain(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a Kubernetes Secret",
            why="it is the model deployer's kubernetes_secret_name, and such names have lower-case "
            "letters, digits, hyphens and dots",
        )
    return StorageCredentials(name, read_storage_secret(source), f"the ZenML secret {source}")
