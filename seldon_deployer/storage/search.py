"""What is there, where an address has nothing: a wrong prefix in a right bucket is found here.

rclone copies nothing from such an address and is content; the server fails later, without a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from seldon_deployer.errors import StorageError, StorageMissing
from seldon_deployer.naming import CONVERTED_SUFFIX
from seldon_deployer.storage.location import Location
from seldon_deployer.storage.store import Bucket, StoredFile

# One page of most stores: enough to help, and soon over in a store of millions.
_LOOK_AT = 1000
_SHOW = 5


class NothingThere(StorageMissing):
    """The bucket is there, and nothing in it is below the address."""


def nothing_there(uri: str, location: Location, bucket: Bucket) -> NothingThere:
    """The error for an address with nothing in it, with what is there one level up, or higher."""
    if location.kind == "file" and (why := _empty_on_disk(Path(location.path))):
        return NothingThere(f"there is nothing at {uri}", why=why)
    parts = location.path.split("/") if location.path else []
    for depth in range(len(parts) - 1, -1, -1):
        parent, name = "/".join(parts[:depth]), parts[depth]
        if there := _names(location, bucket, f"{parent}/" if parent else "", name):
            close = _close(name, there)
            return NothingThere(
                f"there is nothing at {uri}",
                why=f"{_address(location, parent)} has no {name}",
                hint=f"did you mean {' or '.join(close)}?"
                if close
                else f"there are {_shown(there)}",
            )
    return NothingThere(
        f"there is nothing at {uri}",
        why="nothing can be seen above it either",
        hint="check the address, and that the model was uploaded",
    )


def _empty_on_disk(path: Path) -> str:
    """What stands in the place of files on this machine; '' where nothing does."""
    with suppress(OSError):
        if path.is_dir():
            dangling = [each for each in path.rglob("*") if each.is_symlink() and not each.exists()]
            links = [f"{each.relative_to(path)} -> {each.readlink()}" for each in dangling]
            return f"its links lead nowhere: {_shown(links)}" if links else "it holds no file"
        if path.is_symlink():
            return f"it is a link to {path.readlink()}, which is not there"
    return ""


def find_wanted(uri: str, files: Sequence[StoredFile], wanted: Sequence[str]) -> list[StoredFile]:
    """The files that one of the patterns names. Raises StorageMissing where there is none."""
    found = [file for file in files if any(fnmatchcase(file.path, each) for each in wanted)]
    if found or not wanted:
        return found
    deeper = [file for file in files if any(fnmatchcase(file.path, f"*/{each}") for each in wanted)]
    return _raise_missing(uri, files, wanted, deeper)


def _raise_missing(
    uri: str, files: Sequence[StoredFile], wanted: Sequence[str], deeper: Sequence[StoredFile]
) -> list[StoredFile]:
    raise StorageMissing(
        f"{uri} has no {' or '.join(wanted)}",
        why=f"there are {_shown([file.path for file in files])}",
        hint=f"is {uri}/{deeper[0].path.rpartition('/')[0]} meant?" if deeper else "",
    )


def _names(location: Location, bucket: Bucket, prefix: str, name: str) -> list[str]:
    """Names of one level, those that begin like `name` among them even where there are many."""
    if location.kind == "file":
        # Looking below every folder of a disk may take long, and its own names are at hand.
        with suppress(OSError):
            return sorted(filter(_is_users, (each.name for each in Path(prefix or "/").iterdir())))
        return []
    found: dict[str, None] = {}
    # Rights may end at the address: then there is nothing to suggest, and nothing else to say.
    with suppress(StorageError):
        for start in (prefix + name[:1], prefix):
            for file in islice(bucket.list(start), _LOOK_AT):
                found.setdefault(file.path[len(prefix) :].partition("/")[0], None)
    return [each for each in found if each and _is_users(each)]


def _is_users(name: str) -> bool:
    """Whether it is none of the copies that we made beside a model."""
    return CONVERTED_SUFFIX not in name


def _close(name: str, there: Sequence[str]) -> list[str]:
    folded = {each.casefold(): each for each in there}
    return [folded[each] for each in get_close_matches(name.casefold(), folded, n=3)]


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOW]) + (f" and {len(names) - _SHOW} more" * (len(names) > _SHOW))


def _address(location: Location, path: str) -> str:
    if location.kind == "file":
        return path or "/"
    return f"{location.remote}://{location.bucket}" + (f"/{path}" if path else "")
