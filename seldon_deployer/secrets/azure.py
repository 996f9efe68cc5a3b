"""`seldon_az`: Azure Blob Storage."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from seldon_deployer.secrets.connection_string import (
    BLOB_HOST,
    EMULATOR_ADDRESS,
    account_endpoint,
    read_connection_string,
    sas_url,
)
from seldon_deployer.secrets.credentials import Credentials, Values, is_true, is_url
from seldon_deployer.secrets.sas import ends_at, token_problems, url_problems

# Each of them alone says who reads.
_IDENTITIES = (
    "key", "sas_url", "sas_token", "connection_string", "service_principal_file",
)  # fmt: skip
_FLAGS = ("use_msi", "use_emulator", "anonymous")
_MSI_IDS = ("msi_client_id", "msi_object_id", "msi_mi_res_id")
# rclone knows them from version 1.61 on; Seldon's initializer has 1.59.1.
_PRINCIPAL = ("tenant", "client_id", "client_secret")
# These bring the address of the account along.
_WITH_ADDRESS = {"sas_url", "connection_string", "use_emulator"}


class AzureCredentials(Credentials):
    """An account with its key, a SAS, a connection string, or an account with `use_msi: true`.

    The last is the managed identity of the pod. `anonymous: true` reads public containers.
    """

    schema_name: ClassVar[str] = "seldon_az"
    prefix: ClassVar[str] = "rclone_config_azureblob_"
    remote_type: ClassVar[str] = "azureblob"
    flags: ClassVar[frozenset[str]] = frozenset(_FLAGS)
    url_keys: ClassVar[frozenset[str]] = frozenset({"sas_url"})
    translated_keys: ClassVar[frozenset[str]] = frozenset(
        {"connection_string", "sas_token", "anonymous"}
    )

    rclone_config_azureblob_type: SecretStr | None = None
    rclone_config_azureblob_account: SecretStr | None = None
    rclone_config_azureblob_key: SecretStr | None = None
    rclone_config_azureblob_sas_url: SecretStr | None = None
    rclone_config_azureblob_use_msi: SecretStr | None = None
    rclone_config_azureblob_msi_client_id: SecretStr | None = None
    rclone_config_azureblob_msi_object_id: SecretStr | None = None
    rclone_config_azureblob_msi_mi_res_id: SecretStr | None = None
    rclone_config_azureblob_service_principal_file: SecretStr | None = None
    rclone_config_azureblob_use_emulator: SecretStr | None = None
    rclone_config_azureblob_endpoint: SecretStr | None = None

    @classmethod
    def problems(cls, given: Values) -> Iterator[str]:
        """Two identities, none, one without its account, a key or signature that is none."""
        identities = [key for key in _IDENTITIES if key in given]
        identities += [flag for flag in _FLAGS if is_true(given, flag)]
        names = [cls.prefix + key for key in identities]
        if len(names) > 1:
            yield f"{' and '.join(names)} exclude each other"
            return
        if not names:
            yield (
                f"there is none of {cls.prefix}key, {cls.prefix}sas_url, {cls.prefix}sas_token, "
                f"{cls.prefix}connection_string, {cls.prefix}use_msi: true, "
                f"{cls.prefix}anonymous: true and {cls.prefix}service_principal_file"
            )
            return
        if "account" not in given and identities[0] not in _WITH_ADDRESS:
            yield f"{names[0]} is given without {cls.prefix}account"
        ids = [cls.prefix + key for key in _MSI_IDS if key in given]
        if ids and not is_true(given, "use_msi"):
            yield f"{' and '.join(ids)} say nothing without {cls.prefix}use_msi: true"
        if len(ids) > 1:
            yield f"{' and '.join(ids)} name one managed identity: give one of them"
        yield from cls._value_problems(given)

    @classmethod
    def completed(cls, given: Values) -> Values:
        """As rclone knows it: a connection string taken apart, a SAS as the URL of the account."""
        values = {key: value for key, value in given.items() if key not in cls.translated_keys}
        values = {"use_msi": SecretStr("false"), **values, **_translated(given)}
        return {key: value for key, value in values.items() if value.get_secret_value()}

    def ending(self) -> str:
        """A signature with an end of its own."""
        end = ends_at(urlsplit(self.text("sas_url")).query)
        if end is None:
            return ""
        return f"the signature of {self.prefix}sas_url ends at {end:%Y-%m-%d %H:%M} UTC"

    @classmethod
    def _value_problems(cls, given: Values) -> Iterator[str]:
        texts, now = _texts(given), datetime.now(UTC)
        checks: dict[str, Callable[[str], Iterator[str]]] = {
            "key": _key_problems,
            "sas_url": lambda text: url_problems(text, now),
            "sas_token": lambda text: token_problems(text, now),
            "connection_string": lambda text: _string_problems(text, now),
            "endpoint": lambda text: _endpoint_problems(text, texts),
        }
        for key, check in checks.items():
            if key in texts:
                yield from (f"{cls.prefix}{key} {problem}" for problem in check(texts[key]))

    @classmethod
    def _unknown(cls, key: object, number: int) -> str:
        if isinstance(key, str) and key.removeprefix(cls.prefix) in _PRINCIPAL:
            return (
                f"{key} is of a service principal, which rclone in Seldon's initializer reads from "
                "a file alone, and a Secret is its environment: give a managed identity "
                f"({cls.prefix}use_msi: true), a SAS, or in an initializer image of your own "
                f"{cls.prefix}service_principal_file"
            )
        return super()._unknown(key, number)


def _texts(given: Values) -> dict[str, str]:
    return {key: value.get_secret_value() for key, value in given.items()}


def _translated(given: Values) -> Values:
    """What takes the place of keys that rclone lacks, or writes otherwise; '' where a key goes."""
    texts = _texts(given)
    if "connection_string" in texts:
        parts = read_connection_string(texts["connection_string"])
    elif is_true(given, "use_emulator"):
        # rclone forgets the emulator's own address when it is not told.
        parts = {"endpoint": texts.get("endpoint", EMULATOR_ADDRESS)}
    else:
        account, host = texts.get("account", ""), texts.get("endpoint", "")
        host = account_endpoint(account, host) if host else ""
        parts = {"endpoint": host}
        if "sas_token" in texts or is_true(given, "anonymous"):
            # Without a signature the URL is that of a public container.
            address = f"https://{account}.{host or BLOB_HOST}"
            parts = {"endpoint": "", "sas_url": sas_url(address, texts.get("sas_token", ""))}
    return {key: SecretStr(text) for key, text in parts.items()}


def _key_problems(text: str) -> Iterator[str]:
    try:
        is_base64 = bool(b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        is_base64 = False
    if not is_base64:
        yield "is no base64, which the keys of Azure are"


def _string_problems(text: str, now: datetime) -> Iterator[str]:
    try:
        parts = read_connection_string(text)
    except ValueError as problem:
        yield str(problem)
        return
    if "sas_url" in parts:
        yield from url_problems(parts["sas_url"], now)
    if "key" in parts:
        yield from (f"has an AccountKey that {each}" for each in _key_problems(parts["key"]))


def _endpoint_problems(text: str, texts: Mapping[str, str]) -> Iterator[str]:
    if "connection_string" in texts or "sas_url" in texts:
        yield "is given already, in the connection string or the SAS URL"
    elif texts.get("use_emulator") == "true":
        if not is_url(text):
            yield "must begin with https:// or http:// for the emulator"
    else:
        try:
            account_endpoint(texts.get("account", ""), text)
        except ValueError as problem:
            yield str(problem)
