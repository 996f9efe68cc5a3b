"""One artifact in one store: what is there, and how it comes and goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from seldon_deployer.errors import ConfigError, StorageDenied, StorageError, StorageMissing
from seldon_deployer.storage.download import download
from seldon_deployer.storage.location import Location
from seldon_deployer.storage.paths import without_folders
from seldon_deployer.storage.progress import Progress, ignore_progress
from seldon_deployer.storage.search import find_wanted, nothing_there
from seldon_deployer.storage.store import Bucket, StoredFile
from seldon_deployer.storage.upload import is_whole, upload

# Inside the class `list` is its method.
_Files = list[StoredFile]


class RemoteFolder:
    """The files below an address, by their paths relative to it.

    An address that is a file counts as a folder with that one file, as it does for rclone.
    """

    def __init__(self, uri: str, location: Location, bucket: Bucket) -> None:
        self.uri = uri
        self.location = location
        self._bucket = bucket
        # Keys have no slash in front, also where they are paths of this machine.
        self._path = location.path.lstrip("/")

    def list(self) -> _Files:
        """The files, in the order of their paths.

        Raises StorageMissing, with what is there instead, where there is none.
        """
        stored = self._list_stored()
        return [replace(file, path=path) for path, file in sorted(stored.items())]

    def check(self, wanted: Sequence[str] = ()) -> _Files:
        """The files, when a server with these credentials can read them; reads one byte.

        wanted: names of files of which one must be there; `*` stands for any part, as in
        `*/saved_model.pb`. Raises StorageMissing, StorageDenied, StorageUnreachable.
        """
        stored = self._list_stored()
        files = [replace(file, path=path) for path, file in sorted(stored.items())]
        found = find_wanted(self.uri, files, wanted) or files
        # To list and to read are two rights, and an archived file can be listed too.
        self._bucket.read(stored[found[0].path].path, 1)
        return files

    def read(self, path: str, limit_bytes: int) -> bytes:
        """The first bytes of a file, at most `limit_bytes`."""
        is_itself = path == self.location.name and self._is_file()
        return self._bucket.read(self._path if is_itself else self._prefix + path, limit_bytes)

    def download(
        self, folder: Path, *, paths: Sequence[str] | None = None, progress: Progress | None = None
    ) -> _Files:
        """Bring the files, or those of `paths`, into a folder; returns them.

        What is there with the same bytes is not fetched. Each file is there whole and verified or
        not at all: after an error a second call fetches the rest. Raises StorageError.
        """
        stored = self._list_stored()
        if paths is not None:
            for path in paths:
                if path not in stored:
                    raise StorageMissing(f"{self.uri} has no {path}")
            stored = {path: stored[path] for path in paths}
        download(self._bucket, stored, folder, self.uri, progress or ignore_progress)
        return [replace(file, path=path) for path, file in sorted(stored.items())]

    def upload(self, folder: Path, *, progress: Progress | None = None) -> None:
        """Send a folder's files here; `is_whole` is true only after the last of them.

        What is here with the same bytes is not sent again. Raises StorageError, and before
        anything is sent where other files are here.
        """
        if self._is_file():
            raise StorageError(f"{self.uri} is a file", hint="upload to a folder's address")
        upload(self._bucket, self._prefix, folder, self.uri, progress or ignore_progress)

    def is_whole(self) -> bool:
        """Whether what is here was uploaded by `upload`, to the end, and is unchanged since."""
        return is_whole(self._bucket, self._prefix)

    def beside(self, suffix: str) -> RemoteFolder:
        """The sibling whose name is this one's and `suffix`: for what is made of the artifact."""
        if not self._path:
            raise ConfigError(
                f"there is no place beside {self.uri}",
                why="it is a whole bucket",
                hint="put the model into a folder of the bucket",
            )
        location = replace(self.location, path=self.location.path + suffix)
        return RemoteFolder(location.server_uri, location, self._bucket)

    @property
    def _prefix(self) -> str:
        return f"{self._path}/" if self._path else ""

    def _list_stored(self) -> dict[str, StoredFile]:
        """The stored files, whose paths are keys, by their paths relative to the address."""
        if self._is_file():
            return {file.path.rpartition("/")[2]: file for file in self._itself()}
        files = without_folders(list(self._bucket.list(self._prefix)))
        if not files:
            raise nothing_there(self.uri, self.location, self._bucket)
        return {file.path[len(self._prefix) :]: file for file in files}

    def _is_file(self) -> bool:
        """Whether the address is a file's; an empty object may stand for the folder below it."""
        found = self._itself()
        return bool(found) and (
            found[0].size_bytes > 0 or next(iter(self._bucket.list(self._prefix)), None) is None
        )

    def _itself(self) -> _Files:
        if not self._path:
            return []
        try:
            # Of all keys that begin with the path, the path itself is the first.
            first = next(iter(self._bucket.list(self._path)), None)
        except StorageDenied:
            # Rights may begin at `<path>/`. If they do not, the next list says so.
            return []
        return [first] if first is not None and first.path == self._path else []
