"""Keras: from its own files to a TensorFlow SavedModel."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from seldon_deployer.artifacts.layouts.source import Source, import_framework, quiet
from seldon_deployer.errors import ArtifactError


def export_saved_model(source: Source, draft: Path, target: str) -> None:
    """Export a `.keras` or HDF5 model for TensorFlow's server, in a version's folder.

    Code in the file (lambda layers) is not run: Keras refuses such a model, and so do we.
    """
    keras = import_framework("keras", file=source.file)
    import_framework("tensorflow", file=source.file)
    try:
        with quiet():
            model = keras.saving.load_model(source.path, compile=False)
            model.export(str(draft / PurePosixPath(target).parent), verbose=False)
    except Exception as error:
        raise ArtifactError(
            f"{source.file} cannot be exported for TensorFlow's server",
            why=f"{type(error).__name__}: {error}",
            hint="export it where it was trained, model.export('1'), and deploy that folder",
        ) from error
