"""`seldon_s3`: Amazon S3 and what speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from seldon_deployer.secrets.credentials import Credentials, Values, is_true

# As rclone spells them; in any other spelling it takes the store for an unknown one.
_PROVIDERS = (
    "AWS", "Alibaba", "Ceph", "ChinaMobile", "Cloudflare", "ArvanCloud", "DigitalOcean",
    "Dreamhost", "HuaweiOBS", "IBMCOS", "IDrive", "IONOS", "LyveCloud", "Minio", "Netease",
    "RackCorp", "Scaleway", "SeaweedFS", "StackPath", "Storj", "TencentCOS", "Wasabi", "Other",
)  # fmt: skip
_AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")
_KEY_PAIR = ("access_key_id", "secret_access_key")


class S3Credentials(Credentials):
    """An access key, `env_auth: true` for the identity of the pod, or `anonymous: true`."""

    schema_name: ClassVar[str] = "seldon_s3"
    prefix: ClassVar[str] = "rclone_config_s3_"
    remote_type: ClassVar[str] = "s3"
    flags: ClassVar[frozenset[str]] = frozenset({"env_auth", "anonymous"})
    url_keys: ClassVar[frozenset[str]] = frozenset({"endpoint"})
    translated_keys: ClassVar[frozenset[str]] = frozenset({"anonymous"})

    rclone_config_s3_type: SecretStr | None = None
    rclone_config_s3_provider: SecretStr | None = None
    rclone_config_s3_env_auth: SecretStr | None = None
    rclone_config_s3_access_key_id: SecretStr | None = None
    rclone_config_s3_secret_access_key: SecretStr | None = None
    rclone_config_s3_session_token: SecretStr | None = None
    rclone_config_s3_region: SecretStr | None = None
    rclone_config_s3_endpoint: SecretStr | None = None

    @classmethod
    def problems(cls, given: Values) -> Iterator[str]:
        """A half key, two identities, none, and what is no address of the provider."""
        yield from cls._identity_problems(given)
        key = given.get("access_key_id", SecretStr("")).get_secret_value()
        if key.startswith("ASIA") and _is_aws(given) and "session_token" not in given:
            yield (
                f"{cls.prefix}access_key_id is a temporary key of AWS (ASIA...), which works only "
                f"with its {cls.prefix}session_token"
            )
        if "endpoint" in given and _spelt(given) == "AWS" and not _is_aws(given):
            yield (
                f"{cls.prefix}endpoint is none of AWS, where rclone would look for the bucket as "
                f"a host of its own: {cls.prefix}provider must be another, such as Minio or Other"
            )

    @classmethod
    def completed(cls, given: Values) -> Values:
        """With `env_auth`, and the provider as rclone spells it: AWS where no endpoint is given.

        Anonymous is what is left where there is neither a key nor the environment's identity.
        """
        known = {key: value for key, value in given.items() if key not in cls.translated_keys}
        return {"env_auth": SecretStr("false"), **known, "provider": SecretStr(_spelt(given))}

    def ending(self) -> str:
        """A session token belongs to temporary keys."""
        if self.rclone_config_s3_session_token is None:
            return ""
        return f"{self.prefix}session_token belongs to temporary keys, which end with their session"

    @classmethod
    def _identity_problems(cls, given: Values) -> Iterator[str]:
        keys = [key for key in (*_KEY_PAIR, "session_token") if key in given]
        flags = [flag for flag in ("env_auth", "anonymous") if is_true(given, flag)]
        for flag in flags:
            for key in keys:
                yield (
                    f"{cls.prefix}{flag}: true and {cls.prefix}{key} exclude each other: "
                    "rclone takes one identity"
                )
        if len(flags) == 2:
            yield f"{cls.prefix}env_auth: true and {cls.prefix}anonymous: true exclude each other"
        if flags:
            return
        there = [key for key in _KEY_PAIR if key in given]
        if len(there) == 1:
            (missing,) = set(_KEY_PAIR) - set(there)
            yield f"{cls.prefix}{there[0]} is given without {cls.prefix}{missing}"
        elif not there:
            yield (
                f"there is neither {cls.prefix}access_key_id with "
                f"{cls.prefix}secret_access_key nor {cls.prefix}env_auth: true, nor "
                f"{cls.prefix}anonymous: true for a public bucket"
            )


def _spelt(given: Values) -> str:
    """The provider in rclone's spelling; one that it does not know as it is written."""
    named = given.get("provider") or SecretStr("AWS" if _is_aws(given) else "Other")
    spelt = {each.casefold(): each for each in _PROVIDERS}
    text = named.get_secret_value()
    return spelt.get(text.casefold(), text)


def _is_aws(given: Values) -> bool:
    if "endpoint" not in given:
        return given.get("provider", SecretStr("AWS")).get_secret_value().casefold() == "aws"
    host = urlsplit(given["endpoint"].get_secret_value()).hostname or ""
    return host.endswith(_AWS_HOSTS)
