"""From the folder that training wrote to the folder that a server reads."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import file_digest, sha256
from pathlib import Path

from seldon_deployer.artifacts.detect import MODEL_FILE, SKLEARN_SERVER, detect
from seldon_deployer.artifacts.pickles import (
    PickledObject,
    inspect_pickle,
    sklearn_version,
    unreadable,
)
from seldon_deployer.errors import ArtifactError

# Converted copies lie beside the artifact, one folder per content.
CONVERTED_SUFFIX = ".seldon-deployer"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An artifact in its server's layout.

    path: the folder (or the one file) to serve. fingerprint: SHA-256 of its content.
    trained_with: library -> version, where the artifact tells.
    carries_code: see PickledObject; an image of Seldon's may then lack what loading needs.
    """

    path: Path
    implementation: str
    fingerprint: str
    trained_with: Mapping[str, str] = field(default_factory=dict)
    carries_code: bool = False


def prepare(path: Path, *, protocol: str = "seldon", implementation: str | None = None) -> Prepared:
    """Find the model in a folder, or in one file, and bring it into its server's layout.

    A model that fits stays where it is. A pickle is copied as `model.joblib` into
    `<parent>/<artifact>.seldon-deployer/<hash>/`, once: the folder appears whole or not at all,
    the original is never touched, and nothing is loaded (joblib reads plain pickles).
    Raises ArtifactError.
    """
    if path.is_file():
        return _prepare_file(path, implementation)
    detected = detect(list_files(path), protocol=protocol, implementation=implementation)
    if not detected.fits:
        return _convert(path, path / detected.file, implementation)
    file, held = path / detected.file, PickledObject(name="")
    if detected.implementation == SKLEARN_SERVER:
        held = inspect_pickle(file)  # its name is trusted; that it is no pickle at all is told now
    return Prepared(
        path=path,
        implementation=detected.implementation or SKLEARN_SERVER,
        fingerprint=fingerprint(path),
        trained_with=_trained_with(file),
        carries_code=held.carries_code,
    )


def _prepare_file(file: Path, implementation: str | None) -> Prepared:
    """Serve one file: as it is under the server's own name, else as a copy."""
    if file.name != MODEL_FILE or implementation not in (None, SKLEARN_SERVER):
        return _convert(file, file, implementation)
    held = inspect_pickle(file)
    return Prepared(
        path=file,
        implementation=SKLEARN_SERVER,
        fingerprint=_file_hash(file),
        trained_with=_trained_with(file),
        carries_code=held.carries_code,
    )


def list_files(folder: Path) -> list[str]:
    """The files below a folder, as relative POSIX paths, sorted."""
    if not folder.is_dir():
        raise ArtifactError(
            f"there is no artifact at {folder}",
            why="the path is not a folder" if folder.exists() else "the path does not exist",
            hint="check model_uri",
        )
    try:
        found = [
            (Path(top) / name).relative_to(folder).as_posix()
            for top, _, names in os.walk(folder, onerror=_raise)
            for name in names
        ]
    except OSError as error:
        raise unreadable(folder, error) from error
    return sorted(found)


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's bytes, or of a folder's names and bytes; times do not matter."""
    if path.is_file():
        return _file_hash(path)
    digest = sha256()
    for name in list_files(path):
        digest.update(f"{name}\0{_file_hash(path / name)}\n".encode())
    return digest.hexdigest()


def _convert(artifact: Path, file: Path, implementation: str | None) -> Prepared:
    if implementation not in (None, SKLEARN_SERVER):
        raise ArtifactError(
            f"{file.name} is none that {implementation} reads",
            why="one file is taken for a scikit-learn model",
            hint="give the folder that holds the model",
        )
    content = _file_hash(file)
    target = artifact.parent / f"{artifact.name}{CONVERTED_SUFFIX}" / content[:16]
    trained_with = _trained_with(file)
    held = _inspect(file, implementation)
    if not target.is_dir():
        _copy_once(file, target)
    return Prepared(
        path=target,
        implementation=SKLEARN_SERVER,
        fingerprint=content,
        trained_with=trained_with,
        carries_code=held.carries_code,
    )


def _inspect(file: Path, implementation: str | None) -> PickledObject:
    """Look into a pickle; what is no scikit-learn object passes only where the user says so."""
    held = inspect_pickle(file)
    if held.package == "sklearn" or implementation == SKLEARN_SERVER:
        return held
    content = held.name or ("no object of a class" if held.is_readable else "compressed data")
    raise ArtifactError(
        f"{file.name} holds no scikit-learn model that can be told from outside",
        why=f"it holds {content}",
        hint=(
            "set implementation=SKLEARN_SERVER if it predicts like one and the server has its "
            "library; else wrap it in a Python class: python_class"
        ),
    )


def _copy_once(file: Path, target: Path) -> None:
    """Make `target` with the model in it; of several at once, one wins and all are content."""
    try:
        target.parent.mkdir(exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=target.parent))
    except OSError as error:
        raise ArtifactError(
            f"the converted model cannot be written beside {file.name}",
            why=error.strerror or type(error).__name__,
            hint="make the folder above the artifact writable, or save the model as model.joblib",
        ) from error
    try:
        shutil.copyfile(file, draft / MODEL_FILE)
        draft.chmod(0o755)  # drafts are private; an artifact is read by its servers
        draft.rename(target)
    except OSError as error:
        if not target.is_dir():
            raise unreadable(file, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        with suppress(OSError):
            target.parent.rmdir()  # goes only where nothing was made


def _trained_with(file: Path) -> dict[str, str]:
    version = sklearn_version(file)
    return {"scikit-learn": version} if version else {}


def _file_hash(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(file, error) from error


def _raise(error: OSError) -> None:
    raise error
