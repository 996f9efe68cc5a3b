"""`seldon_gs`: Google Cloud Storage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import ClassVar

from pydantic import SecretStr

from seldon_deployer.secrets.credentials import Credentials, Values, is_true

_IDENTITIES = ("service_account_credentials", "token")


class GSCredentials(Credentials):
    """A service account's key, an OAuth token, `anonymous: true`, or `anonymous: false` alone.

    The last is the identity of the pod, such as a workload identity.
    """

    schema_name: ClassVar[str] = "seldon_gs"
    prefix: ClassVar[str] = "rclone_config_gs_"
    remote_type: ClassVar[str] = "google cloud storage"
    flags: ClassVar[frozenset[str]] = frozenset({"anonymous"})
    json_keys: ClassVar[frozenset[str]] = frozenset(_IDENTITIES)
    url_keys: ClassVar[frozenset[str]] = frozenset({"auth_url"})
    number_keys: ClassVar[frozenset[str]] = frozenset({"project_number"})

    rclone_config_gs_type: SecretStr | None = None
    rclone_config_gs_client_secret: SecretStr | None = None
    rclone_config_gs_token: SecretStr | None = None
    rclone_config_gs_project_number: SecretStr | None = None
    rclone_config_gs_service_account_credentials: SecretStr | None = None
    rclone_config_gs_anonymous: SecretStr | None = None
    rclone_config_gs_auth_url: SecretStr | None = None

    @classmethod
    def problems(cls, given: Values) -> Iterator[str]:
        """Two identities, none, an account's key that is none, or parts of a token without it."""
        identities = [key for key in _IDENTITIES if key in given]
        if is_true(given, "anonymous"):
            for key in (*identities, "client_secret"):
                if key in given:
                    yield f"{cls.prefix}anonymous: true and {cls.prefix}{key} exclude each other"
        elif len(identities) == 2:
            yield " and ".join(cls.prefix + key for key in identities) + " exclude each other"
        elif not identities and "anonymous" not in given:
            yield (
                f"there is none of {cls.prefix}service_account_credentials, {cls.prefix}token and "
                f"{cls.prefix}anonymous"
            )
        for key in ("client_secret", "auth_url"):
            if key in given and "token" not in given:
                yield f"{cls.prefix}{key} is given without {cls.prefix}token"
        yield from cls._key_problems(given)

    @classmethod
    def completed(cls, given: Values) -> Values:
        """With `anonymous`: Seldon's initializer has it on, which would leave the key unread."""
        return {"anonymous": SecretStr("false"), **given}

    @classmethod
    def _key_problems(cls, given: Values) -> Iterator[str]:
        key = f"{cls.prefix}service_account_credentials"
        if "service_account_credentials" not in given:
            return
        account = json.loads(given["service_account_credentials"].get_secret_value())
        if account.get("type") != "service_account":
            yield f"{key} is no key of a service account: its type is another"
        missing = [part for part in ("client_email", "private_key") if not account.get(part)]
        if missing:
            yield f"{key} is no key of a service account: it has no {' and no '.join(missing)}"
