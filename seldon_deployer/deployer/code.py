"""The bytes of a Python class, so that new code is a new revision."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from seldon_deployer.config import DeploymentConfig


def code_fingerprint(config: DeploymentConfig) -> str:
    """SHA-256 over the module or package that holds `python_class`; '' where there is none here."""
    if config.python_class is None or config.code_path is None:
        return ""
    digest = sha256()
    for file in sorted(_code_files(config.code_path, config.python_class)):
        digest.update(f"{file.relative_to(config.code_path)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _code_files(folder: Path, python_class: str) -> Iterator[Path]:
    top = python_class.partition(".")[0]
    module = folder / f"{top}.py"
    if module.is_file():
        yield module
    yield from (folder / top).rglob("*.py")
