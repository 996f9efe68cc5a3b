"""The artifact store's own credentials, for the pods that read models from it.

Read from what is registered, not from the store itself: that would need the store's libraries, and
would ask its cloud.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.models import ComponentResponse, ServiceConnectorResponse
from zenml.stack import Flavor

from seldon_deployer.deployer import StorageCredentials
from seldon_deployer.errors import ConfigError
from seldon_deployer.naming import secret_name, short_hash
from seldon_deployer.secrets import SCHEMAS, Credentials, parse_credentials
from seldon_deployer.zenml_plugin.storage_secret import read_zenml_secret
from seldon_deployer.zenml_plugin.store_access import (
    SCHEMA_OF_FLAVOR,
    Access,
    Values,
    connected_access,
    stored_access,
)

logger = logging.getLogger(__name__)

# rclone knows no store that it is not told of, so the identity of the pods is told too.
_IDENTITIES: dict[str, Values] = {
    "seldon_s3": {"env_auth": True},
    "seldon_gs": {"anonymous": False},
    "seldon_az": {"use_msi": True},
}


def store_credentials(
    model_uris: Collection[str], *, service_account_name: str | None = None
) -> StorageCredentials | None:
    """The credentials of the active stack's artifact store, where a model lies in it.

    A store without any is read by the identity of the pods. None for models elsewhere, and for a
    store on this machine or of a flavor of somebody's own.
    service_account_name: of the pods; its identity takes the place of credentials that cannot be
    given to pods. Without it those raise ConfigError, which holds no value.
    """
    store = _active_store()
    path = str(store.configuration.get("path", "")) if store is not None else ""
    if store is None or not any(_is_below(uri, path) for uri in model_uris):
        return None
    schema = SCHEMA_OF_FLAVOR.get(store.flavor_name)
    if schema is None:
        logger.debug("%s is of the flavor %s, without credentials", store.name, store.flavor_name)
        return None
    access = _read_access(store, schema)
    if access.unusable and not service_account_name:
        raise ConfigError(
            f"the credentials of the artifact store {store.name} cannot be given to pods",
            why=access.unusable,
            hint="name a ZenML secret in the model deployer's storage_secret, an existing Secret "
            "in its kubernetes_secret_name, or in the deployment's service_account_name an account "
            "that has a role at the cloud",
        )
    source = f"the artifact store {store.name}"
    if not access.identity:
        if schema == "seldon_az" and "account" not in access.address:
            return None
        reason = f" ({access.unusable})" if access.unusable else ""
        source += f", which is left to the identity of the pods{reason}"
    return StorageCredentials(
        name=secret_name(f"zenml-{store.name}-{short_hash(str(store.id))}"),
        credentials=_parse(store.name, schema, access),
        source=source,
    )


def _active_store() -> ComponentResponse | None:
    components = Client().active_stack_model.components
    return next(iter(components.get(StackComponentType.ARTIFACT_STORE, [])), None)


def _is_below(model_uri: str, path: str) -> bool:
    return bool(path) and f"{model_uri}/".startswith(f"{path.rstrip('/')}/")


def _read_access(store: ComponentResponse, schema: str) -> Access:
    # The flavor's own class resolves references such as {{aws.key}}.
    options = Flavor.from_model(store.flavor).config_class(**store.configuration)
    config = {name: getattr(options, name) for name in type(options).model_fields}
    if store.connector is not None:
        connector = Client().get_service_connector(
            store.connector.id, allow_name_prefix_match=False, expand_secrets=True
        )
        kind = connector.type if isinstance(connector.type, str) else connector.type.connector_type
        return connected_access(kind, connector.auth_method, _configuration(connector), config)
    name = config.get("authentication_secret")
    try:
        secret = read_zenml_secret(name) if name else {}
    except KeyError as error:
        raise ConfigError(
            f"there is no ZenML secret {name}",
            why=f"it is the authentication_secret of the artifact store {store.name}",
        ) from error
    return stored_access(schema, config, secret)


def _configuration(connector: ServiceConnectorResponse) -> Values:
    """The options of a connector with its secrets in plain text."""
    configuration = connector.configuration
    if hasattr(configuration, "plain"):
        return dict(configuration.plain)
    # Older versions of ZenML keep the two apart.
    return dict(connector.full_configuration)  # type: ignore[attr-defined]


def _parse(store: str, schema: str, access: Access) -> Credentials:
    values = {**access.address, **(access.identity or _IDENTITIES[schema])}
    prefix = SCHEMAS[schema].prefix
    try:
        return parse_credentials(schema, {prefix + key: value for key, value in values.items()})
    except ConfigError as error:
        raise ConfigError(
            f"the credentials of the artifact store {store} cannot be used",
            why=error.why,
            hint="correct them, or name a ZenML secret in the model deployer's storage_secret",
        ) from error
