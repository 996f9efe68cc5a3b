"""`seldon_s3`: Amazon S3 and what speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import SecretStr

from seldon_deployer.secrets.credentials import Credentials, Values, is_true

# As rclone spells them; in any other spelling it takes the store for an unknown one.
_PROVIDERS = (
    "AWS", "Alibaba", "Ceph", "ChinaMobile", "Cloudflare", "ArvanCloud", "DigitalOcean",
    "Dreamhost", "HuaweiOBS", "IBMCOS", "IDrive", "IONOS", "LyveCloud", "Minio", "Netease",
    "RackCorp", "Scaleway", "SeaweedFS", "StackPath", "Storj", "TencentCOS", "Wasabi", "Other",
)  # fmt: skip


class S3Credentials(Credentials):
    """An access key, or `env_auth: true` for the identity of the pod."""

    schema_name: ClassVar[str] = "seldon_s3"
    prefix: ClassVar[str] = "rclone_config_s3_"
    remote_type: ClassVar[str] = "s3"
    flags: ClassVar[frozenset[str]] = frozenset({"env_auth"})
    url_keys: ClassVar[frozenset[str]] = frozenset({"endpoint"})

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
        """A half key, a key beside `env_auth: true`, or neither of them."""
        pair = ("access_key_id", "secret_access_key")
        there = [key for key in pair if key in given]
        if is_true(given, "env_auth"):
            for key in (*pair, "session_token"):
                if key in given:
                    yield (
                        f"{cls.prefix}env_auth: true and {cls.prefix}{key} exclude each other: "
                        "rclone takes one identity"
                    )
            return
        if len(there) == 1:
            (missing,) = set(pair) - set(there)
            yield f"{cls.prefix}{there[0]} is given without {cls.prefix}{missing}"
        elif not there:
            yield (
                f"there is neither {cls.prefix}access_key_id with "
                f"{cls.prefix}secret_access_key nor {cls.prefix}env_auth: true"
            )

    @classmethod
    def completed(cls, given: Values) -> Values:
        """With `env_auth`, and the provider as rclone spells it: AWS where no endpoint is given."""
        named = given.get("provider") or SecretStr("Other" if "endpoint" in given else "AWS")
        spelt = {each.casefold(): each for each in _PROVIDERS}
        provider = spelt.get(named.get_secret_value().casefold())
        return {
            "env_auth": SecretStr("false"),
            **given,
            "provider": SecretStr(provider) if provider else named,
        }
