"""How an artifact store is read, as ZenML has it registered, in the words of our schemas.

Pure: registered values in, access out. What a store or connector gives for a while only is not
taken: a pod may start long after it ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]

# Flavor of ZenML's own -> our schema.
SCHEMA_OF_FLAVOR = {"s3": "seldon_s3", "gcp": "seldon_gs", "azure": "seldon_az"}

_TEMPORARY = "it gives temporary tokens, and a pod may start long after they ended"
_PRINCIPAL = (
    "it is a service principal of Azure, which rclone in Seldon's initializer reads from a file "
    "alone"
)
# Connector and method -> why what it gives is of no use to pods.
_UNUSABLE = {
    ("aws", "sts-token"): _TEMPORARY,
    ("aws", "iam-role"): _TEMPORARY,
    ("aws", "session-token"): _TEMPORARY,
    ("aws", "federation-token"): _TEMPORARY,
    ("gcp", "oauth2-token"): _TEMPORARY,
    ("gcp", "impersonation"): _TEMPORARY,
    ("gcp", "external-account"): _TEMPORARY,
    ("azure", "access-token"): _TEMPORARY,
    ("azure", "service-principal"): _PRINCIPAL,
}


@dataclass(frozen=True, slots=True)
class Access:
    """The keys of one schema, without its prefix.

    address: where the store is (endpoint, region, account). identity: who reads; empty where
    nobody is named, which leaves it to the identity of the pods. unusable: why what there is
    cannot be given to pods, else ''.
    """

    address: Values = field(default_factory=dict, repr=False)
    identity: Values = field(default_factory=dict, repr=False)
    unusable: str = ""


def stored_access(schema: str, config: Mapping[str, Any], secret: Mapping[str, str]) -> Access:
    """What a store's own options and its authentication secret say.

    config: the options, references to secrets resolved. secret: values of the authentication
    secret, empty where there is none.
    """
    match schema:
        case "seldon_s3":
            return _s3(config, secret)
        case "seldon_gs":
            key = secret.get("token")
            return Access({}, _without_nothing({"service_account_credentials": key}))
        case _:
            return _az(secret)


def connected_access(
    connector: str, method: str, given: Mapping[str, Any], config: Mapping[str, Any]
) -> Access:
    """What a service connector says, and the options of the store it is for.

    connector, method: aws and secret-key, for example. given: its configuration with secrets.
    """
    address = _connected_address(connector, given, config)
    if (connector, method) in _UNUSABLE:
        return Access(address, unusable=_UNUSABLE[connector, method])
    if method == "implicit":
        return Access(address)
    if (connector, method) == ("aws", "secret-key"):
        pair = {
            "access_key_id": given.get("aws_access_key_id"),
            "secret_access_key": given.get("aws_secret_access_key"),
        }
        return Access(address, _without_nothing(pair))
    key = {"service-account": "service_account_json", "user-account": "user_account_json"}
    if connector == "gcp" and method in key:
        if _is_true(given.get("generate_temporary_tokens", True)):
            return Access(
                address,
                unusable=f"{_TEMPORARY}, unless it is told --generate_temporary_tokens=False",
            )
        return Access(address, {"service_account_credentials": given.get(key[method])})
    return Access(address, unusable=f"its method {method} is unknown here")


def _s3(config: Mapping[str, Any], secret: Mapping[str, str]) -> Access:
    names = {"access_key_id": "key", "secret_access_key": "secret", "session_token": "token"}
    identity = {
        # ZenML reads both spellings.
        name: secret.get(f"aws_{name}") or secret.get(name) if secret else config.get(option)
        for name, option in names.items()
    }
    address = _s3_address(config)
    if identity["session_token"]:
        return Access(address, unusable="they are temporary keys: a session token is among them")
    return Access(address, _without_nothing(identity))


def _az(secret: Mapping[str, str]) -> Access:
    address = _without_nothing({"account": secret.get("account_name")})
    if secret.get("connection_string"):
        return Access({}, {"connection_string": secret["connection_string"]})
    identity = {"key": secret.get("account_key"), "sas_token": secret.get("sas_token")}
    if secret.get("client_secret") and not any(identity.values()):
        return Access(address, unusable=_PRINCIPAL)
    return Access(address, _without_nothing(identity))


def _connected_address(
    connector: str, given: Mapping[str, Any], config: Mapping[str, Any]
) -> Values:
    if connector == "aws":
        own = {"region": given.get("region"), "endpoint": given.get("endpoint_url")}
        return {**_without_nothing(own), **_s3_address(config)}
    if connector == "azure":
        return _without_nothing({"account": given.get("storage_account")})
    return {}


def _s3_address(config: Mapping[str, Any]) -> Values:
    client = config.get("client_kwargs") or {}
    botocore = config.get("config_kwargs") or {}
    return _without_nothing(
        {
            "region": client.get("region_name") or botocore.get("region_name"),
            "endpoint": client.get("endpoint_url"),
        }
    )


def _without_nothing(values: Mapping[str, Any]) -> Values:
    return {key: value for key, value in values.items() if value}


def _is_true(value: object) -> bool:
    # A connector's options are stored as text.
    return str(value).lower() == "true"
