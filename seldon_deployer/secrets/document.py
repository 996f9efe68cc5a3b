"""The file that a user fills in: `name`, `schema`, and the keys of that schema."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seldon_deployer.errors import ConfigError
from seldon_deployer.manifest.documents import Unparsed, read_documents
from seldon_deployer.naming import is_dns_subdomain
from seldon_deployer.secrets.credentials import Credentials
from seldon_deployer.secrets.schemas import parse_credentials

# rclone's own name for it. Its initializer has no such file, so the text goes into the Secret.
_KEY_FILE = "rclone_config_gs_service_account_file"
_KEY_TEXT = "rclone_config_gs_service_account_credentials"
# The key of a service account has about 2,400 characters.
_LIMIT_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class CredentialFile:
    """What a file says: the name of the Secret, and the credentials in it."""

    name: str
    credentials: Credentials


def parse_credential_file(text: str, file: str) -> CredentialFile:
    """Read the YAML or JSON text of `file`, which errors are to name.

    A key of Google may be named by its path, from the folder of `file`.
    Raises ConfigError, which never holds a part of the text but its keys.
    """
    documents = read_documents(text)
    broken = next((each for each in documents if isinstance(each, Unparsed)), None)
    if broken is not None:
        # The parser's own message may quote the text.
        raise ConfigError(
            f"{file} is neither YAML nor JSON",
            why=f"line {broken.line} or near it cannot be read",
            hint="put values with special characters in 'single quotes'",
        )
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise ConfigError(
            f"{file} holds no credentials",
            why="it must be one document of the form KEY: VALUE",
            hint="begin with a template of secrets/*.example.yaml",
        )
    values = dict(documents[0])
    if values.get("kind") == "Secret" and "apiVersion" in values:
        raise ConfigError(
            f"{file} is a Kubernetes Secret already, and no file of credentials",
            why="a file of credentials has name:, schema: and the keys of that schema",
            hint="apply it with kubectl and name it by secret_name, or begin with a template of "
            "secrets/*.example.yaml",
        )
    name, schema = values.pop("name", None), values.pop("schema", None)
    if not (isinstance(name, str) and is_dns_subdomain(name)):
        raise ConfigError(
            f"name: in {file} is missing or no Kubernetes name",
            why="a Secret's name has lower-case letters, digits, hyphens and dots",
            hint="name: s3-credentials",
        )
    return CredentialFile(
        name, parse_credentials(schema, _with_key_text(values, Path(file).parent))
    )


def _with_key_text(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The values with the text of a key file in the place of its path."""
    if not values.get(_KEY_FILE):
        return values
    if values.get(_KEY_TEXT):
        raise ConfigError(f"{_KEY_FILE} and {_KEY_TEXT} exclude each other")
    rest = {key: value for key, value in values.items() if key != _KEY_FILE}
    reason = "it is larger than any key"
    try:
        path = folder / Path(str(values[_KEY_FILE])).expanduser()
        with path.open("rb") as key_file:
            data = key_file.read(_LIMIT_BYTES + 1)
        if len(data) <= _LIMIT_BYTES:
            return {**rest, _KEY_TEXT: data.decode()}
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except (UnicodeDecodeError, ValueError, RuntimeError):
        # The error holds the bytes or the path, so it is not chained.
        reason = "it is no text"
    # Not the path: a key may have been pasted in its place.
    raise ConfigError(
        f"the file that {_KEY_FILE} names cannot be read",
        why=reason,
        hint=f"give its path from the folder of this file, or its text in {_KEY_TEXT}",
    )
