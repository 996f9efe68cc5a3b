"""`seldon_gs`: Google Cloud Storage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import SecretStr

from seldon_deployer.secrets.credentials import Credentials, Values, is_true

_IDENTITIES = ("service_account_credentials", "token")
_PARTS = {
    "service_account": ("client_email", "private_key"),
    # What `gcloud auth application-default login` leaves: rclone knows it as token and client.
    "authorized_user": ("client_id", "client_secret", "refresh_token"),
}


class GSCredentials(Credentials):
    """A service account's key, an OAuth token, `anonymous: true`, or `anonymous: false` alone.

    The last is the identity of the pod, such as a workload identity. A user's own key, as gcloud
    stores it, is taken in the place of a service account's.
    """

    schema_name: ClassVar[str] = "seldon_gs"
    prefix: ClassVar[str] = "rclone_config_gs_"
    remote_type: ClassVar[str] = "google cloud storage"
    flags: ClassVar[frozenset[str]] = frozenset({"anonymous"})
    json_keys: ClassVar[frozenset[str]] = frozenset(_IDENTITIES)
    url_keys: ClassVar[frozenset[str]] = frozenset({"auth_url", "token_url"})
    number_keys: ClassVar[frozenset[str]] = frozenset({"project_number"})

    rclone_config_gs_type: SecretStr | None = None
    rclone_config_gs_client_id: SecretStr | None = None
    rclone_config_gs_client_secret: SecretStr | None = None
    rclone_config_gs_token: SecretStr | None = None
    rclone_config_gs_project_number: SecretStr | None = None
    rclone_config_gs_service_account_credentials: SecretStr | None = None
    rclone_config_gs_anonymous: SecretStr | None = None
    rclone_config_gs_auth_url: SecretStr | None = None
    rclone_config_gs_token_url: SecretStr | None = None

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
        for key in ("client_id", "client_secret", "auth_url", "token_url"):
            if key in given and "token" not in given:
                yield f"{cls.prefix}{key} is given without {cls.prefix}token"
        if "service_account_credentials" in given:
            account = _read(given["service_account_credentials"])
            for problem in _account_problems(account):
                yield f"{cls.prefix}service_account_credentials {problem}"
        if "token" in given:
            yield from cls._token_problems(given)

    @classmethod
    def completed(cls, given: Values) -> Values:
        """With `anonymous`: Seldon's initializer has it on, which would leave the key unread."""
        return {"anonymous": SecretStr("false"), **_as_token(given)}

    def ending(self) -> str:
        """A token that nothing renews."""
        token = json.loads(self.text("token") or "{}")
        if not token or token.get("refresh_token"):
            return ""
        return f"{self.prefix}token has no refresh_token: it ends within the hour that Google gives"

    @classmethod
    def _token_problems(cls, given: Values) -> Iterator[str]:
        key, token = f"{cls.prefix}token", _read(given["token"])
        renewed = bool(token.get("refresh_token"))
        if not (renewed or token.get("access_token")):
            yield f"{key} has neither access_token nor refresh_token"
        if renewed and ("client_id" in given) != ("client_secret" in given):
            yield (
                f"{cls.prefix}client_id and {cls.prefix}client_secret belong together: the token "
                "is renewed for that client"
            )
        end = _moment(token.get("expiry"))
        if not renewed and end is not None and end <= datetime.now(UTC):
            yield f"{key} ended at {end:%Y-%m-%d %H:%M} UTC and has no refresh_token"


def _account_problems(account: Mapping[str, Any]) -> Iterator[str]:
    kind = account.get("type")
    parts = _PARTS.get(kind) if isinstance(kind, str) else None
    if parts is None:
        yield (
            "is no key of a service account: its type is another, and rclone in Seldon's "
            "initializer reads no other (for a workload identity give its service account to the "
            "pods, and no key)"
        )
        return
    missing = [part for part in parts if not account.get(part)]
    if missing:
        yield f"is no key of a {str(kind).replace('_', ' ')}: it has no {' and no '.join(missing)}"
    elif kind == "service_account" and not _is_pem(account["private_key"]):
        yield "has a private_key that is no PEM text: line breaks may have been lost"


def _is_pem(text: object) -> bool:
    return isinstance(text, str) and text.startswith("-----BEGIN ") and "-----\n" in text


def _as_token(given: Values) -> Values:
    """Write a user's own key as the token and the client that rclone knows."""
    values = dict(given)
    key = values.get("service_account_credentials")
    user = _read(key) if key is not None else {}
    if user.get("type") != "authorized_user":
        return values
    del values["service_account_credentials"]
    token = {
        # rclone does not read a token without one; it asks for a new one as this has ended.
        "access_token": "ended",
        "token_type": "Bearer",
        "refresh_token": user["refresh_token"],
        "expiry": "2000-01-01T00:00:00Z",
    }
    texts = {
        "client_id": user["client_id"],
        "client_secret": user["client_secret"],
        "token": json.dumps(token),
        "token_url": user.get("token_uri"),
    }
    return {**values, **{name: SecretStr(text) for name, text in texts.items() if text}}


def _read(value: SecretStr) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(value.get_secret_value())
    return read


def _moment(text: object) -> datetime | None:
    """A time as Go writes it, or None; its fractions are longer than Python's."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
