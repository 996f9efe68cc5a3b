"""Keras: from pickles to its own files, and from either to a TensorFlow SavedModel."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from seldon_deployer.artifacts.layouts.source import Source, import_framework, load_pickle, quiet
from seldon_deployer.errors import ArtifactError

_SAVE_AS = "save it with model.save('model.keras')"
_EXPORT = (
    "deploy the folder that model.export('1') writes where it was trained: that is without code"
)
_PREDICT = "serve it by a predict function that imports that code, with the custom deployer step"
# How Keras says, in the midst of a whole configuration, what a pickle lacks.
_LACKS = re.compile(r"Could not locate (?:class|function) '[^']+'")
# Whose classes it imports by itself, registered or not: all others it knows from who has.
_IMPORTED = frozenset({"keras", "keras_cv", "keras_hub", "keras_nlp"})


def save_pickled(source: Source, draft: Path, target: str) -> None:
    """Save a pickled model as Keras' own file, which its server reads without the user's code."""
    model = _load_pickled(source, import_framework("keras", file=source.file))
    path = draft / target
    try:
        with quiet():
            model.save(path)
    except Exception as error:
        raise ArtifactError(
            f"{source.file} cannot be saved as a file of Keras",
            why=f"{type(error).__name__}: {error}",
            hint=_EXPORT,
        ) from error
    if own := sorted(set(_find_registered(_read_config(path)))):
        raise ArtifactError(
            f"{source.file} cannot be served from a file of Keras",
            why=f"its server has no code of yours, such as {', '.join(own)}",
            hint=f"set implementation=TENSORFLOW_SERVER, to have it exported; or {_PREDICT}",
        )


def export_saved_model(source: Source, draft: Path, target: str) -> None:
    """Export a model for TensorFlow's server, in a version's folder.

    Code in a `.keras` or HDF5 file (lambda layers) is not run: Keras refuses such a model, and so
    do we.
    """
    keras = import_framework("keras", file=source.file)
    import_framework("tensorflow", file=source.file)
    model = _load_pickled(source, keras) if source.format == "pickle" else None
    try:
        with quiet():
            if model is None:
                model = keras.saving.load_model(source.path, compile=False)
            model.export(str(draft / PurePosixPath(target).parent), verbose=False)
    except Exception as error:
        raise ArtifactError(
            f"{source.file} cannot be exported for TensorFlow's server",
            why=f"{type(error).__name__}: {error}",
            hint="export it where it was trained, model.export('1'), and deploy that folder",
        ) from error


def _load_pickled(source: Source, keras: Any) -> Any:
    """The model in a pickle, which Keras builds again from its configuration and its weights."""
    try:
        model = load_pickle(source, save_as=_SAVE_AS)
    except ArtifactError as error:
        # Keras pickles no classes, but their names; those of the user's it finds nowhere.
        if (lacks := _LACKS.search(str(error.__cause__))) is None:
            raise
        raise ArtifactError(
            f"{source.file} cannot be loaded to convert it",
            why=f"Keras pickles a model without the code in it that is yours: {lacks[0]}",
            hint=f"where that is a loss or a metric, {_SAVE_AS} and deploy that; else {_EXPORT}; "
            f"or register it with @keras.saving.register_keras_serializable(), and {_PREDICT}",
        ) from error.__cause__
    if not isinstance(model, keras.Model):
        raise ArtifactError(
            f"{source.file} holds no model of Keras {keras.__version__.partition('.')[0]}",
            why=f"it is a {type(model).__module__}.{type(model).__qualname__}",
            hint=f"{_SAVE_AS}, and deploy that",
        )
    return model


def _read_config(path: Path) -> Any:
    """The configuration in a file of Keras, but for how it was compiled: serving does without."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    config.pop("compile_config", None)
    return config


def _find_registered(config: Any) -> Iterator[str]:
    """The names, package>name, that only who has registered them can load."""
    if isinstance(config, list):
        for part in config:
            yield from _find_registered(part)
    elif isinstance(config, dict):
        is_function = config.get("class_name") == "function"
        name = config.get("config" if is_function else "registered_name")
        package = str(config.get("module") or "").partition(".")[0]
        if isinstance(name, str) and ">" in name and package not in _IMPORTED:
            yield name
        yield from _find_registered(list(config.values()))
