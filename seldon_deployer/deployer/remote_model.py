"""A model in a store: known by its listing and a few of its bytes, and fetched only for a reason.

It is fetched where its server cannot read it as it is, and where it is small: the versions that it
was trained with stand all over some files, and choose between servers on a cluster. A converted
copy lies beside the artifact, in `<artifact>.seldon-deployer/<hash>/`, as it does on this machine;
the original stays as it is.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from seldon_deployer.artifacts.detect import Detected, detect
from seldon_deployer.artifacts.layout import Prepared, prepare
from seldon_deployer.artifacts.record import ArtifactRecord
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer.code import code_fingerprint
from seldon_deployer.deployer.model import Model, has_own_server, warn_of_versions
from seldon_deployer.deployer.stores import Stores
from seldon_deployer.errors import ArtifactError, ConfigError, StorageDenied, StorageError
from seldon_deployer.naming import CONVERTED_SUFFIX
from seldon_deployer.storage import RemoteFolder, StoredFile, open_folder

log = logging.getLogger(__name__)

Tell = Callable[[str], None]

SMALL_BYTES = 16 << 20
_HEX_DIGITS = 64


@dataclass(frozen=True)
class _Artifact:
    """An artifact, and what is asked of it."""

    folder: RemoteFolder
    config: DeploymentConfig
    record: ArtifactRecord
    is_local: bool
    tell: Tell

    def detect(self, files: Iterable[StoredFile]) -> Detected:
        """The model among the files, of which little is read and nothing loaded."""
        sizes = {each.path: each.size_bytes for each in files}
        return detect(
            sizes,
            sizes=sizes,
            protocol=self.config.protocol,
            implementation=self.config.implementation,
            record=self.record,
            read=self.folder.read,
            is_local=self.is_local,
        )

    def prepare(self, folder: Path) -> Prepared:
        """The fetched artifact in its server's layout; a copy of it beside `folder`, or itself."""
        return prepare(
            folder,
            protocol=self.config.protocol,
            implementation=self.config.implementation,
            record=self.record,
            is_local=self.is_local,
            # What a pipeline noted, it also wrote.
            is_own=self.record.materializer is not None,
            model_name=self.config.name,
        )


def find_remote_model(
    config: DeploymentConfig,
    *,
    stores: Stores | None,
    previous: Model | None,
    record: ArtifactRecord,
    is_local: bool,
    tell: Tell,
) -> Model:
    """Find the model at an address of a store, and convert it where its server needs that.

    stores: None where no store may be asked. previous: what is deployed of this very address: kept
    while the same bytes are there, and where the store cannot be read. record: what a pipeline
    noted of the artifact. Raises ArtifactError, StorageError or ConfigError.
    """
    uri = config.model_uri or ""
    files = None if stores is None else stores.look(uri, config.secret_name)
    if stores is None or files is None:
        return _unread(config, stores, previous)
    where = stores.location(uri, config.secret_name).server_uri
    whole = files_fingerprint(files)
    if has_own_server(config):
        return Model(where, None, whole + code_fingerprint(config))
    if previous is not None and _is_still_right(previous, where, whole, config, stores):
        return previous
    artifact = _Artifact(stores.open(uri, config.secret_name), config, record, is_local, tell)
    found = artifact.detect(files)
    if found.fits and sum(each.size_bytes for each in files) > SMALL_BYTES:
        return Model(where, found.implementation, whole, parameters=found.parameters)
    return _fetched(artifact, where, whole)


def files_fingerprint(files: Iterable[StoredFile]) -> str:
    """SHA-256 over names, sizes and versions: it changes whenever a byte does."""
    digest = sha256()
    for each in sorted(files, key=lambda file: file.path):
        digest.update(f"{each.path}\0{each.size_bytes}\0{each.version}\n".encode())
    return digest.hexdigest()


def _unread(config: DeploymentConfig, stores: Stores | None, previous: Model | None) -> Model:
    """What can be said without a look at the store."""
    code = code_fingerprint(config)
    if previous is not None and config.implementation in (None, previous.implementation):
        log.info("%s is taken for unchanged", config.model_uri)
        return replace(previous, fingerprint=previous.fingerprint[:_HEX_DIGITS] + code)
    served_from = _served_from(config, stores)
    if not config.implementation and not has_own_server(config):
        raise ArtifactError(
            f"what lies at {config.model_uri} is unknown",
            why="its store was not read, and no implementation is given",
            hint="set implementation, and store the model in that server's layout "
            "(SKLEARN_SERVER reads model.joblib)",
        )
    return Model(served_from, config.implementation, code)


def _served_from(config: DeploymentConfig, stores: Stores | None) -> str:
    uri = config.model_uri or ""
    try:
        asked = stores or Stores(None, preflight="off")
        return asked.location(uri, config.secret_name).server_uri
    except ConfigError:
        if config.secret_name is None:
            raise
        # A remote of the user's own, which a Secret that we did not read tells of.
        return uri


def _is_still_right(
    previous: Model, where: str, whole: str, config: DeploymentConfig, stores: Stores
) -> bool:
    """Whether what is deployed was made of these very bytes, and is there."""
    if previous.fingerprint != whole or config.implementation not in (
        None,
        previous.implementation,
    ):
        return False
    return previous.uri == where or stores.open(previous.uri or "", config.secret_name).is_whole()


def _fetched(artifact: _Artifact, where: str, whole: str) -> Model:
    """Fetch it and look at all of it; a copy that its server needs is sent to its side."""
    # In a folder of its own: conversion writes beside the artifact.
    with tempfile.TemporaryDirectory(prefix="seldon-deployer-") as private:
        folder = Path(private) / "artifact"
        artifact.folder.download(folder)
        prepared = artifact.prepare(folder)
        warn_of_versions(prepared, artifact.config.protocol, is_local=artifact.is_local)
        if prepared.path == folder:
            return Model(where, prepared.implementation, whole, parameters=prepared.parameters)
        copy = artifact.folder.beside(f"{CONVERTED_SUFFIX}/{prepared.path.name}")
        _upload(prepared.path, copy)
    artifact.tell(f"the model is served from {copy.location.server_uri}")
    return Model(
        copy.location.server_uri, prepared.implementation, whole, parameters=prepared.parameters
    )


def _upload(folder: Path, copy: RemoteFolder) -> None:
    """Upload with the credentials of the pods; they may be for reading only, so then with ours."""
    try:
        copy.upload(folder)
    except StorageDenied as error:
        log.info("the pods' credentials may not write %s: trying this machine's own", copy.uri)
        try:
            open_folder(copy.uri).upload(folder)
        except StorageError:
            raise StorageDenied(
                f"the converted model cannot be written to {copy.uri}",
                why=f"{error.why}; neither the Secret's credentials nor this machine's own may",
                hint="let one of them write there, or store the model in its server's layout",
            ) from error
