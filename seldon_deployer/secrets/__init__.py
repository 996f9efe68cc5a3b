"""Storage credentials: from the keys that a user writes to the Kubernetes Secret that rclone reads.

Values are `SecretStr` until they are encoded into the Secret; no error here holds one.
"""

from __future__ import annotations

from seldon_deployer.secrets.azure import AzureCredentials
from seldon_deployer.secrets.credentials import Credentials
from seldon_deployer.secrets.document import CredentialFile, parse_credential_file
from seldon_deployer.secrets.gs import GSCredentials
from seldon_deployer.secrets.s3 import S3Credentials
from seldon_deployer.secrets.schemas import SCHEMAS, identity_credentials, parse_credentials
from seldon_deployer.secrets.secret import build_secret, redacted

__all__ = [
    "SCHEMAS",
    "AzureCredentials",
    "CredentialFile",
    "Credentials",
    "GSCredentials",
    "S3Credentials",
    "build_secret",
    "identity_credentials",
    "parse_credential_file",
    "parse_credentials",
    "redacted",
]
