"""From the folder that training wrote to the folder that a server reads."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath

from seldon_deployer.artifacts.detect import SKLEARN_SERVER, Detected, detect
from seldon_deployer.artifacts.folders import fingerprint, list_files, make_once, read_head
from seldon_deployer.artifacts.frameworks import DISTRIBUTIONS, data_of
from seldon_deployer.artifacts.layouts import CONVERTERS, Source
from seldon_deployer.artifacts.layouts.triton import CONFIG_FILE
from seldon_deployer.artifacts.onnx_graph import copy_data_files, find_data_files
from seldon_deployer.artifacts.pickles import PickledObject, inspect_pickle
from seldon_deployer.artifacts.plans import NOTHING_KNOWN, Needs
from seldon_deployer.artifacts.record import NO_RECORD, ArtifactRecord
from seldon_deployer.artifacts.training import of_pickle, read_training
from seldon_deployer.artifacts.whole import check_whole
from seldon_deployer.errors import ArtifactError
from seldon_deployer.naming import CONVERTED_SUFFIX

__all__ = ["Prepared", "find_training", "fingerprint", "list_files", "prepare"]

# A model of these formats is all that lies in its folder.
_TREES = frozenset({"savedmodel", "huggingface"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """An artifact in its server's layout.

    path: the folder (or the one file) to serve. fingerprint: SHA-256 of its content.
    trained_with: library -> version, where the artifact or its record tells.
    carries_code: see PickledObject; an image of Seldon's may then lack what loading needs.
    file_format: what the model was, for `version_warning`.
    reason: why a server of Seldon's was passed over, if one was.
    parameters: what the model tells of those without which its server does not start.
    """

    path: Path
    implementation: str
    fingerprint: str
    trained_with: Mapping[str, str] = field(default_factory=dict)
    carries_code: bool = False
    file_format: str = ""
    reason: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


def prepare(
    path: Path,
    *,
    protocol: str = "seldon",
    implementation: str | None = None,
    record: ArtifactRecord = NO_RECORD,
    is_local: bool = True,
    is_own: bool = False,
    model_name: str = "model",
) -> Prepared:
    """Find the model in a folder, or in one file, and bring it into its server's layout.

    A model that fits stays where it is. Any other is written, once, into
    `<parent>/<artifact>.seldon-deployer/<hash>/`: the folder appears whole or not at all and the
    original is never touched. Most models are only copied under another name.

    record: what a pipeline noted of the artifact. is_local: whether the embedded runtime will
    serve it. is_own: whether it lies in the user's own store, so that a pickle may be loaded where
    a conversion needs that (a whole PyTorch module, a pickled Booster); otherwise nothing that is
    in an artifact ever runs. model_name: what Triton will be asked for.
    Raises ArtifactError.
    """
    folder, files = (path.parent, [path.name]) if path.is_file() else (path, list_files(path))

    def find(needs: Needs) -> Detected:
        return detect(
            files,
            protocol=protocol,
            implementation=implementation,
            record=record,
            read=lambda name, limit_bytes: read_head(folder / name, limit_bytes),
            is_local=is_local,
            needs=needs,
        )

    detected = find(NOTHING_KNOWN)
    held, versions = _look(folder, detected, record, is_told=implementation is not None)
    if not is_local and not implementation:
        detected = find(Needs(versions, held.packages))
    served, content = path, fingerprint(path)
    if not detected.fits:
        source = Source(folder, detected.file, detected.format, is_own, model_name)
        content = _content_of(source, detected)
        served = path.parent / f"{path.name}{CONVERTED_SUFFIX}" / content[:16]
        make_once(served, partial(_write, source, detected), what=detected.file)
    return Prepared(
        path=served,
        implementation=detected.implementation or SKLEARN_SERVER,
        fingerprint=content,
        trained_with=versions,
        carries_code=held.carries_code,
        file_format=detected.format,
        reason=detected.reason,
        parameters=detected.parameters,
    )


def find_training(path: Path, *, implementation: str | None = None) -> tuple[str, dict[str, str]]:
    """The server for the model in a folder, or in one file, and library -> version of its training.

    Of servers those with the model's own libraries are meant, ours. Nothing is written or loaded.
    Raises ArtifactError.
    """
    folder, files = (path.parent, [path.name]) if path.is_file() else (path, list_files(path))
    detected = detect(
        files,
        implementation=implementation,
        read=lambda name, limit_bytes: read_head(folder / name, limit_bytes),
    )
    versions = _look(folder, detected, NO_RECORD, is_told=implementation is not None)[1]
    return detected.implementation or SKLEARN_SERVER, versions


def _look(
    folder: Path, detected: Detected, record: ArtifactRecord, *, is_told: bool
) -> tuple[PickledObject, dict[str, str]]:
    """What a pickle holds, and the versions that the model or its record tell.

    is_told: whether the user named the server, and so says that it can be served.
    """
    noted = DISTRIBUTIONS.get(detected.framework, frozenset())
    versions = {name: told for name, told in record.versions.items() if name in noted}
    check_whole(folder / detected.file, detected.format)
    if detected.format not in ("pickle", "booster"):
        told = read_training(folder, detected.file, detected.framework, detected.format)
        return PickledObject(name=""), versions | told
    path = folder / detected.file
    held = inspect_pickle(path)
    if held.is_plain and not is_told:
        raise ArtifactError(
            f"{path.name} holds no model",
            why="it holds a plain value, such as a dict or a list, which has no predict",
            hint="save the model itself, or wrap what is saved in a Python class: python_class",
        )
    if detected.implementation is None:
        content = held.name or ("no object of a class" if held.is_readable else "compressed data")
        kind = data_of(held.name)
        raise ArtifactError(
            f"{path.name} holds no scikit-learn model that can be told from outside",
            why=f"it holds {content}" + (f", {kind}" if kind else ""),
            hint=(
                "set implementation=SKLEARN_SERVER if it predicts like one and the server has its "
                "library; else wrap it in a Python class: python_class"
            ),
        )
    return held, versions | of_pickle(path, held)


def _content_of(source: Source, detected: Detected) -> str:
    """What a converted copy is made from: its bytes, and what they are made into."""
    folder = source.path.parent
    content = [fingerprint(folder if detected.format in _TREES else source.path)]
    if detected.format == "onnx":
        content += [fingerprint(each) for each in find_data_files(source.path)]
    described = source.path.with_name(CONFIG_FILE)
    if (detected.format, detected.converted_to) == (
        "torchscript",
        "triton",
    ) and described.is_file():
        content.append(fingerprint(described))
    made = (detected.target, detected.converted_to or "")
    named = source.model_name if detected.converted_to == "triton" else ""
    return sha256("\0".join((*content, *made, named)).encode()).hexdigest()


def _write(source: Source, detected: Detected, draft: Path) -> None:
    """Write the model as its server wants it into an empty folder."""
    target = draft / detected.target
    if detected.converted_to is not None:
        CONVERTERS[detected.framework, detected.converted_to](source, draft, detected.target)
    elif detected.format in _TREES:
        inner = PurePosixPath(detected.target).parent
        shutil.copytree(source.path.parent, draft / inner, dirs_exist_ok=True)
    else:
        shutil.copyfile(source.path, target)
        if detected.format == "onnx":
            copy_data_files(source.path, draft)
