"""A client of an Azure container from rclone's environment: settings mean the same as there.

Source: rclone 1.59, backend/azureblob, NewFs.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from seldon_deployer.errors import ConfigError
from seldon_deployer.storage.failures import no_credentials, not_installed, unreachable
from seldon_deployer.storage.location import Location
from seldon_deployer.storage.redaction import hide_addresses_in_logs
from seldon_deployer.storage.remote import name_variable, read_flag, read_remote
from seldon_deployer.storage.store import Environment

_SCOPE = "https://storage.azure.com/.default"
_HOST = "blob.core.windows.net"
# Of the emulator, and published with it: they protect nothing.
_EMULATOR_ACCOUNT = "devstoreaccount1"
_EMULATOR_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
_EMULATOR_ADDRESS = f"http://127.0.0.1:10000/{_EMULATOR_ACCOUNT}"
# To connect, and between two bytes; so often, after two and four seconds.
_CONNECT_SECONDS = 3
_READ_SECONDS = 30
_RETRIES = 2
# Left alone, a proxy that answers for a machine without an identity is asked for a minute.
_PATIENCE = {
    "connection_timeout": _CONNECT_SECONDS,
    "read_timeout": _READ_SECONDS,
    "retry_total": _RETRIES,
    "retry_status": _RETRIES,
}
BLOCK_BYTES = 8 << 20


@dataclass(frozen=True)
class AzureSettings:
    """What `RCLONE_CONFIG_<REMOTE>_*` says, by rclone's names of the options.

    is_ambient: there is no such environment, and this machine's own identity counts: the variables
    of the `az` command line, or else whoever is logged in, or else nobody, as public containers
    are read.
    """

    container: str
    remote: str
    values: dict[str, str] = field(repr=False)
    # The account that the address names, and the endpoint of its cloud.
    account: str | None = None
    endpoint: str | None = None
    is_ambient: bool = False

    @property
    def secrets(self) -> Iterator[str]:
        """What no message may hold."""
        for key in ("key", "sas_url", "connection_string", "sas_token"):
            text = self.values.get(key, "")
            yield text
            yield from (value for _, value in parse_qsl(urlsplit(text).query))

    def open_client(self) -> Any:
        """A client of the container; asks nobody.

        Raises ConfigError, StorageDenied without an identity, and StorageUnreachable where only
        the pods have it.
        """
        if self.is_ambient:
            return self._open_ambient()
        # In the order in which rclone takes them.
        if read_flag(self.remote, self.values, "use_emulator"):
            address = self.values.get("endpoint") or _EMULATOR_ADDRESS
            return self._open(address, self._named_key(_EMULATOR_ACCOUNT, _EMULATOR_KEY))
        if read_flag(self.remote, self.values, "use_msi"):
            return self._open(self._account_address(), self._managed_identity())
        if self.values.get("account") and self.values.get("key"):
            key = self._named_key(self.values["account"], self.values["key"])
            return self._open(self._account_address(), key)
        if self.values.get("sas_url"):
            return self._open_signed(self.values["sas_url"])
        if self.values.get("service_principal_file"):
            return self._open(self._account_address(), self._principal())
        raise no_credentials(
            f"{self.remote}://{self.container}",
            "rclone finds no way to authenticate in this environment",
            f"set {name_variable(self.remote, 'account')} and "
            f"{name_variable(self.remote, 'key')}, or {name_variable(self.remote, 'sas_url')}",
        )

    def _open(self, address: str, credential: Any = None) -> Any:
        from azure.storage.blob import ContainerClient, ExponentialRetry

        try:
            return ContainerClient(
                address,
                self.container,
                credential=credential,
                connection_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                retry_policy=ExponentialRetry(
                    initial_backoff=0, increment_base=2, retry_total=_RETRIES, random_jitter_range=1
                ),
                max_block_size=BLOCK_BYTES,
                max_single_put_size=BLOCK_BYTES,
                max_single_get_size=BLOCK_BYTES,
            )
        except ValueError:
            # Its own text may quote the address, which may be signed.
            raise ConfigError(
                f"no client can be made of the settings of {self.remote}",
                why="an address, a key or a signature in them is none",
                hint="check them against the portal's",
            ) from None

    def _open_signed(self, url: str) -> Any:
        parts = urlsplit(url)
        path = [part for part in parts.path.split("/") if part]
        address = f"{parts.scheme}://{parts.netloc}"
        # rclone: by IP the account is the first part of the path, by name of the host.
        if path and _is_ip(parts.hostname or ""):
            address += f"/{path.pop(0)}"
        if path and path[0] != self.container:
            raise ConfigError(
                f"{name_variable(self.remote, 'sas_url')} is of another container",
                why=f"the address is {self.remote}://{self.container}",
                hint="sign this container, or the whole account",
            )
        return self._open(f"{address}/?{parts.query}" if parts.query else address)

    def _account_address(self) -> str:
        account = self.values.get("account", "")
        if not account:
            raise ConfigError(
                f"{name_variable(self.remote, 'account')} is not set",
                why="these credentials do not say by themselves which account they are of",
            )
        if self.account not in (None, account.lower()):
            raise ConfigError(
                f"the address is of the account {self.account}, and the credentials are not",
                why=f"rclone knows {name_variable(self.remote, 'account')} alone",
                hint="give the credentials of that account",
            )
        endpoint = self.values.get("endpoint") or _HOST
        if self.endpoint not in (None, endpoint.lower()):
            raise ConfigError(
                f"the address is of the cloud {self.endpoint}, the credentials are of {endpoint}",
                why=f"rclone knows {name_variable(self.remote, 'endpoint')} alone, and takes "
                f"{_HOST} without it",
                hint=f"set it to {self.endpoint}",
            )
        return f"https://{account}.{endpoint}"

    def _named_key(self, account: str, key: str) -> Any:
        from azure.core.credentials import AzureNamedKeyCredential

        try:
            b64decode(key, validate=True)
        except ValueError:
            raise ConfigError(
                f"the key of the account {account} is no base64, which the keys of Azure are",
                hint="copy it whole from the portal",
            ) from None
        return AzureNamedKeyCredential(account, key)

    def _managed_identity(self) -> Any:
        names = {"msi_object_id": "object_id", "msi_mi_res_id": "resource_id"}
        chosen = {name: self.values[key] for key, name in names.items() if self.values.get(key)}
        return _identity().ManagedIdentityCredential(
            client_id=self.values.get("msi_client_id") or None,
            identity_config=chosen or None,
            **_PATIENCE,
        )

    def _principal(self) -> Any:
        variable = name_variable(self.remote, "service_principal_file")
        try:
            text = Path(self.values["service_principal_file"]).expanduser().read_text()
        except (OSError, ValueError) as error:
            raise unreachable(
                f"{self.remote}://{self.container}",
                f"{variable} is a file of the pods, and is not on this machine",
            ) from error
        try:
            told = json.loads(text)
            return _identity().ClientSecretCredential(
                told["tenant"], told["appId"], told["password"], **_PATIENCE
            )
        except (ValueError, KeyError, TypeError):
            raise ConfigError(
                f"{variable} is no service principal",
                why="it has to be JSON with appId, password and tenant",
                hint="az ad sp create-for-rbac writes one",
            ) from None

    def _open_ambient(self) -> Any:
        text = self.values.get("connection_string")
        own = self.values.get("account", "").lower()
        if text and self.account in (None, _account_of(text)):
            return self._open_string(text)
        account = self.account or own
        if not account:
            raise no_credentials(
                f"{self.remote}://{self.container}",
                "nothing says which storage account it is in",
                "set AZURE_STORAGE_ACCOUNT or AZURE_STORAGE_CONNECTION_STRING, or give the "
                "store's credentials as a Secret",
            )
        address = f"https://{account}.{self.endpoint or _HOST}"
        if account == own and self.values.get("key"):
            return self._open(address, self._named_key(account, self.values["key"]))
        if account == own and self.values.get("sas_token"):
            return self._open(f"{address}/?{self.values['sas_token'].removeprefix('?')}")
        return self._open(address, self._login)

    @cached_property
    def _login(self) -> Any:
        """Who is logged in on this machine, or runs it; None for nobody."""
        from azure.core.exceptions import ClientAuthenticationError

        found = _identity().DefaultAzureCredential(**_PATIENCE)
        try:
            # Asked here: a client that has credentials asks no public container without them.
            found.get_token(_SCOPE)
        except ClientAuthenticationError:
            return None
        return found

    @property
    def has_no_identity(self) -> bool:
        """Whether this machine's own identity was looked for, and it has none."""
        return self.is_ambient and "_login" in self.__dict__ and self._login is None

    def _open_string(self, text: str) -> Any:
        from azure.storage.blob import BlobServiceClient

        try:
            service = BlobServiceClient.from_connection_string(text)
        except (ValueError, KeyError):
            raise ConfigError(
                "AZURE_STORAGE_CONNECTION_STRING is no connection string",
                hint="copy it whole from the portal, in quotes",
            ) from None
        # Its address has the signature, where the string has one.
        return self._open(service.url, service.credential)


def read_settings(location: Location, environment: Environment | None) -> AzureSettings:
    """The settings of the address's remote; of this machine where there is no environment.

    Raises ConfigError where the client is not installed.
    """
    try:
        import azure.storage.blob  # noqa: F401
    except ImportError as error:
        raise not_installed("azure-storage-blob", "azure") from error
    hide_addresses_in_logs()
    if environment is not None:
        values = read_remote(location.remote, environment)
    else:
        names = ("account", "key", "sas_token", "connection_string")
        given = {name: os.environ.get(f"AZURE_STORAGE_{name}".upper(), "") for name in names}
        values = {name: text for name, text in given.items() if text}
    return AzureSettings(
        location.bucket,
        location.remote,
        values,
        location.account,
        location.endpoint,
        is_ambient=environment is None,
    )


def _identity() -> Any:
    try:
        import azure.identity
    except ImportError as error:
        raise not_installed("azure-identity", "azure") from error
    return azure.identity


def _account_of(connection_string: str) -> str | None:
    """The account's name in a connection string; None where it has none."""
    parts = dict(part.strip().split("=", 1) for part in connection_string.split(";") if "=" in part)
    name = {key.lower(): value for key, value in parts.items()}.get("accountname")
    return name.lower() if name else None


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
