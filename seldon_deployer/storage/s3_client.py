"""An S3 client from rclone's environment: the same settings mean the same here as there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from seldon_deployer.errors import ConfigError
from seldon_deployer.storage.failures import not_installed
from seldon_deployer.storage.redaction import hide_signing_in_logs
from seldon_deployer.storage.store import Environment

# As rclone 1.59 has them (backend/s3, setQuirks). Whatever is not named counts as "Other".
_LISTS_V2 = frozenset(
    {"AWS", "Alibaba", "Cloudflare", "DigitalOcean", "Dreamhost", "IDrive", "LyveCloud", "Minio",
     "RackCorp", "Scaleway", "Storj", "Wasabi"}
)  # fmt: skip
_HOST_STYLE = frozenset(
    {"AWS", "Alibaba", "DigitalOcean", "Dreamhost", "HuaweiOBS", "LyveCloud", "Netease", "RackCorp",
     "Scaleway", "Storj", "TencentCOS", "Wasabi"}
)  # fmt: skip
_MD5_OF_PARTS = frozenset(
    {"AWS", "ArvanCloud", "Ceph", "ChinaMobile", "DigitalOcean", "Dreamhost", "HuaweiOBS", "IDrive",
     "Minio", "Scaleway", "StackPath", "Storj", "Wasabi"}
)  # fmt: skip
# Of these it is known that they check it; all of them check an MD5.
_CRC32 = frozenset({"AWS", "Minio"})
_MOST_PARTS = {"Scaleway": 1000}
# Each try to reach a store that is not there; three of them.
_CONNECT_SECONDS = 3
_READ_SECONDS = 30
_TRIES = 3
_CONNECTIONS = 16


@dataclass(frozen=True)
class S3Settings:
    """What `RCLONE_CONFIG_<REMOTE>_*` says, by rclone's names of the options.

    is_ambient: none of it, but this machine's own identity and region, as every tool of AWS finds
    them; without one, requests go unsigned, as public buckets take them.
    """

    remote: str
    values: Mapping[str, str] = field(repr=False)
    is_ambient: bool = False

    @property
    def provider(self) -> str:
        """Whose S3 it is, in rclone's spelling."""
        return self.values.get("provider", "AWS" if self.is_ambient else "Other")

    @property
    def list_operation(self) -> str:
        """Which of S3's two ways to list the provider knows."""
        version = self.values.get("list_version", "0")
        is_second = version == "2" or (version != "1" and self.provider in _LISTS_V2)
        return "list_objects_v2" if is_second else "list_objects"

    @property
    def has_md5_of_parts(self) -> bool:
        """Whether the provider's etag of an object sent in parts is the MD5 of the parts' MD5s."""
        return self.provider in _MD5_OF_PARTS

    @property
    def checks_crc32(self) -> bool:
        """Whether the provider checks the CRC32 of a part, and keeps it."""
        return self.provider in _CRC32

    @property
    def most_parts(self) -> int:
        """In how many parts an object may be sent."""
        return _MOST_PARTS.get(self.provider, 10_000)

    @property
    def read_options(self) -> dict[str, str]:
        """What every request that reads an object, or sends a part of one, has beside its key."""
        options = {"RequestPayer": "requester"} if self.flag("requester_pays") else {}
        return options | self._customer_key

    @property
    def list_options(self) -> dict[str, str]:
        """What every request for a list has beside its prefix."""
        return {"RequestPayer": "requester"} if self.flag("requester_pays") else {}

    @property
    def write_options(self) -> dict[str, str]:
        """What a request that makes an object has beside its key."""
        named = {
            "ServerSideEncryption": "server_side_encryption",
            "SSEKMSKeyId": "sse_kms_key_id",
            "ACL": "acl",
            "StorageClass": "storage_class",
        }
        given = {name: self.values[key] for name, key in named.items() if self.values.get(key)}
        return self.read_options | given

    def flag(self, key: str) -> bool:
        """Whether an option is on; rclone reads what Go's ParseBool reads."""
        return self.values.get(key, "") in {"1", "t", "T", "true", "TRUE", "True"}

    @cached_property
    def endpoint(self) -> str | None:
        """The address of the store, with a scheme; None: AWS's own, or the machine's setting."""
        endpoint = self.values.get("endpoint", "")
        # The AWS client for Go, which rclone has, takes a bare host for https.
        if not endpoint:
            return None
        return endpoint if "://" in endpoint else f"https://{endpoint}"

    def open_client(self) -> Any:
        """A client for this store. Raises ConfigError."""
        try:
            import boto3  # noqa: F401
            import botocore.exceptions
            from botocore import UNSIGNED
            from botocore.config import Config
        except ImportError as error:
            raise not_installed("boto3", "s3") from error
        self._check_addressing()
        hide_signing_in_logs()
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _TRIES},
            max_pool_connections=_CONNECTIONS,
            # Parts go with their MD5, which every S3 checks; newer checksums only some know.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            # rclone knows the endpoint of its own settings alone.
            ignore_configured_endpoint_urls=not self.is_ambient,
            s3={"addressing_style": self._addressing} | self._acceleration,
        )
        if self.is_anonymous:
            config = config.merge(Config(signature_version=UNSIGNED))
        try:
            client = self._session.client(
                "s3",
                config=config,
                endpoint_url=self.endpoint,
                region_name=self.values.get("region") or self._default_region(),
                **self._identity(),
            )
        except (botocore.exceptions.BotoCoreError, ValueError) as error:
            raise ConfigError(
                f"no S3 client can be made of the settings of {self.remote}",
                why=type(error).__name__,
                hint="check the endpoint, the region and the profile",
            ) from error
        if self.is_ambient:
            client.meta.events.register(
                "choose-signer.s3", lambda **_: UNSIGNED if self.has_no_identity else None
            )
        else:
            client.meta.events.register_first("needs-retry.s3", _stay_in_region)
        return client

    @cached_property
    def has_no_identity(self) -> bool:
        """Whether this machine's own identity is to be used, and it has none; asks its hosts."""
        return self.is_ambient and self._session.get_credentials() is None

    @cached_property
    def _session(self) -> Any:
        import boto3

        return boto3.Session(profile_name=self.values.get("profile") or None)

    @property
    def is_anonymous(self) -> bool:
        """Whether requests go unsigned: no key, and no leave to look for one elsewhere."""
        keys = ("access_key_id", "secret_access_key")
        return not (
            self.is_ambient or self.flag("env_auth") or any(self.values.get(key) for key in keys)
        )

    def _identity(self) -> dict[str, str]:
        names = {
            "aws_access_key_id": "access_key_id",
            "aws_secret_access_key": "secret_access_key",
            "aws_session_token": "session_token",
        }
        given = {name: self.values[key] for name, key in names.items() if self.values.get(key)}
        pair = ("aws_access_key_id", "aws_secret_access_key")
        missing = [names[name] for name in pair if name not in given]
        if len(missing) == 1 and not self.flag("env_auth"):
            raise ConfigError(
                f"the S3 credentials of {self.remote} are half",
                why=f"{_name(self.remote, missing[0])} is missing",
                hint="give both keys, or none of them for a public bucket",
            )
        return {} if missing else given

    def _default_region(self) -> str:
        # rclone's default; a machine's own setting counts only where its identity does.
        if self.is_ambient or self.flag("env_auth"):
            return self._session.region_name or "us-east-1"
        return "us-east-1"

    @property
    def _addressing(self) -> str:
        if self.is_ambient:
            return "auto"
        is_host_style = self.provider in _HOST_STYLE or self.flag("use_accelerate_endpoint")
        asked = self.values.get("force_path_style", "true") in {"0", "f", "F", "false", "FALSE"}
        return "virtual" if is_host_style or asked else "path"

    def _check_addressing(self) -> None:
        host = urlsplit(self.endpoint or "").hostname or ""
        if self._addressing == "virtual" and _is_ip(host):
            raise ConfigError(
                f"the settings of {self.remote} reach no bucket",
                why=f"with the provider {self.provider} a bucket is a host of its own, and there "
                f"is none below {host}",
                hint=f"{_name(self.remote, 'provider')}: Minio or Other",
            )

    @property
    def _acceleration(self) -> dict[str, bool]:
        return {"use_accelerate_endpoint": True} if self.flag("use_accelerate_endpoint") else {}

    @property
    def _customer_key(self) -> dict[str, str]:
        names = {
            "SSECustomerAlgorithm": "sse_customer_algorithm",
            "SSECustomerKey": "sse_customer_key",
        }
        return {name: self.values[key] for name, key in names.items() if self.values.get(key)}


def read_settings(remote: str, environment: Environment | None) -> S3Settings:
    """The settings of one remote; of this machine where there is no environment."""
    if environment is None:
        return S3Settings(remote, {}, is_ambient=True)
    prefix = _name(remote, "")
    return S3Settings(
        remote,
        {
            key.removeprefix(prefix).lower(): value.get_secret_value()
            for key, value in environment.items()
            if key.startswith(prefix)
        },
    )


def _stay_in_region(
    request_dict: dict[str, Any], response: tuple[Any, dict[str, Any]] | None, **_: object
) -> None:
    """Take a wrong region for an error, as rclone does; boto3 would go on with the right one."""
    error = response[1].get("Error", {}) if response else {}
    if error.get("Code") == "AuthorizationHeaderMalformed":
        request_dict["context"].setdefault("s3_redirect", {})["redirected"] = True


def _is_ip(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _name(remote: str, key: str) -> str:
    return f"RCLONE_CONFIG_{remote}_{key}".upper()
