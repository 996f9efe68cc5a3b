"""The file that a user fills in: `name`, `schema`, and the keys of that schema."""

from __future__ import annotations

from dataclasses import dataclass

from seldon_deployer.errors import ConfigError
from seldon_deployer.manifest.documents import Unparsed, read_documents
from seldon_deployer.naming import is_dns_subdomain
from seldon_deployer.secrets.credentials import Credentials
from seldon_deployer.secrets.schemas import parse_credentials


@dataclass(frozen=True, slots=True)
class CredentialFile:
    """What a file says: the name of the Secret, and the credentials in it."""

    name: str
    credentials: Credentials


def parse_credential_file(text: str, file: str) -> CredentialFile:
    """Read the YAML or JSON text of `file`, which errors are to name.

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
    name, schema = values.pop("name", None), values.pop("schema", None)
    if not (isinstance(name, str) and is_dns_subdomain(name)):
        raise ConfigError(
            f"name: in {file} is missing or no Kubernetes name",
            why="a Secret's name has lower-case letters, digits, hyphens and dots",
            hint="name: s3-credentials",
        )
    return CredentialFile(name, parse_credentials(schema, values))
