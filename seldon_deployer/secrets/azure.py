"""`seldon_az`: Azure Blob Storage."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from seldon_deployer.secrets.credentials import Credentials, Values, is_true


class AzureCredentials(Credentials):
    """An account with its key, a SAS URL, or an account with `use_msi: true`.

    The last is the managed identity of the pod.
    """

    schema_name: ClassVar[str] = "seldon_az"
    prefix: ClassVar[str] = "rclone_config_azureblob_"
    remote_type: ClassVar[str] = "azureblob"
    flags: ClassVar[frozenset[str]] = frozenset({"use_msi"})
    url_keys: ClassVar[frozenset[str]] = frozenset({"sas_url"})

    rclone_config_azureblob_type: SecretStr | None = None
    rclone_config_azureblob_account: SecretStr | None = None
    rclone_config_azureblob_key: SecretStr | None = None
    rclone_config_azureblob_sas_url: SecretStr | None = None
    rclone_config_azureblob_use_msi: SecretStr | None = None

    @classmethod
    def problems(cls, given: Values) -> Iterator[str]:
        """Two identities, none, one without its account, a key or SAS URL that is none."""
        identities: list[str] = [key for key in ("key", "sas_url") if key in given]
        if is_true(given, "use_msi"):
            identities.append("use_msi")
        names = [cls.prefix + key for key in identities]
        if len(names) > 1:
            yield f"{' and '.join(names)} exclude each other"
        elif not names:
            yield (
                f"there is none of {cls.prefix}key, {cls.prefix}sas_url and {cls.prefix}use_msi: "
                "true"
            )
        elif "account" not in given and identities != ["sas_url"]:
            yield f"{names[0]} is given without {cls.prefix}account"
        if "key" in given and not _is_base64(given["key"].get_secret_value()):
            yield f"{cls.prefix}key is no base64, which the keys of Azure are"
        if "sas_url" in given and not _is_signed(given["sas_url"].get_secret_value()):
            yield f"{cls.prefix}sas_url has no signature (sig=...)"

    @classmethod
    def completed(cls, given: Values) -> Values:
        """With `use_msi`."""
        return {"use_msi": SecretStr("false"), **given}


def _is_base64(text: str) -> bool:
    try:
        return bool(b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return False


def _is_signed(url: str) -> bool:
    return "sig" in parse_qs(urlsplit(url).query)
