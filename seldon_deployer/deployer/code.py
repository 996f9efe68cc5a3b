"""The bytes of the user's code, so that new code is a new revision."""

from __future__ import annotations

from hashlib import sha256

from seldon_deployer.config import DeploymentConfig
from seldon_deployer.image.code import find_code, named_code


def code_fingerprint(config: DeploymentConfig) -> str:
    """SHA-256 over the files below `code_path` that `python_class` needs; '' where there is none
    here. Of a wrapped function they are those that the function needs.
    """
    names = named_code(config.python_class, config.parameters)
    if not names or config.code_path is None:
        return ""
    digest = sha256()
    for file in find_code(config.code_path, names):
        digest.update(f"{file}\0".encode())
        digest.update((config.code_path / file).read_bytes())
    return digest.hexdigest()
