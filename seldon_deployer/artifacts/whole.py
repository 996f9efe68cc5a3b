"""Whether a model's file is all there, by what its format says of its own length and end.

Copies break off and downloads are cut, and some libraries end the process over such a file or
serve half of the model. Nothing is loaded: structure is read as data. Of a file in a store its
first bytes and its size tell the same of some formats.
"""

from __future__ import annotations

import mmap
import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from seldon_deployer.artifacts.pickles import unreadable
from seldon_deployer.artifacts.ubjson import walk_ubjson
from seldon_deployer.errors import ArtifactError

_Bytes: TypeAlias = mmap.mmap | bytes
# (the bytes that are there, the size of the file) -> what is wrong, or None.
_Check: TypeAlias = Callable[[_Bytes, int], str | None]

_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["{}\[\]]', re.DOTALL)
_TREE_SIZES = re.compile(rb"^tree_sizes=([0-9 ]+)$", re.MULTILINE)
_HEADER_ENDS = re.compile(rb"\r?\n\r?\n")
_END_OF_TREES = b"end of trees"
_UNDEFINED = 0xFFFF_FFFF_FFFF_FFFF
_END_OF_TABLE = bytes.fromhex("57fb808b247547db")


def check_whole(path: Path, kind: str) -> None:
    """Raise ArtifactError where the file of a format is cut short or damaged, with the reason.

    kind: a format as detection calls it. A format that says nothing of its end passes.
    """
    try:
        size = path.stat().st_size
        if size == 0 and kind not in _MAY_BE_EMPTY:
            raise not_whole(path.name, "it is empty")
        if kind in _ARCHIVES:
            reason = _find_damage_in_archive(path)
        elif kind == "savedmodel":
            reason = _find_damage_in_variables(path.parent / "variables")
        elif (check := _CHECKS.get(kind)) is not None:
            with (
                path.open("rb") as file,
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
            ):
                reason = check(content, size)
        else:
            return
    except OSError as error:
        raise unreadable(path, error) from error
    if reason:
        raise not_whole(path.name, reason)


def can_tell_by_head(kind: str) -> bool:
    """Whether the first bytes of a format's file and its size tell that it is cut."""
    return kind in _BY_HEAD


def check_head(name: str, kind: str, head: bytes, size_bytes: int) -> None:
    """Raise ArtifactError where the first bytes of a file promise more than its size."""
    if size_bytes == 0 and kind not in _MAY_BE_EMPTY:
        raise not_whole(name, "it is empty")
    check = _BY_HEAD.get(kind)
    if check is not None and (reason := check(head, size_bytes)):
        raise not_whole(name, reason)


def not_whole(name: str, reason: str) -> ArtifactError:
    """The error for a file that is cut short or damaged."""
    return ArtifactError(
        f"{name} is not whole",
        why=reason,
        hint="copy the file again and compare the sizes, or save the model again",
    )


def _find_damage_in_archive(path: Path) -> str | None:
    """A zip's list of contents lies at its end, and each file in it has a checksum."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, EOFError, struct.error, ValueError) as error:
        return f"its archive ends too early or is damaged: {error}"
    except (NotImplementedError, RuntimeError, zipfile.LargeZipFile) as error:
        # A compression that no framework writes, or a flag that says it is encrypted.
        return f"its archive is damaged: {error}"
    except Exception as error:  # noqa: BLE001 - whatever a decompressor says of damaged bytes
        return f"its archive is damaged: {type(error).__name__}"
    return f"its archive is damaged in {damaged}" if damaged else None


def _find_damage_in_variables(folder: Path) -> str | None:
    """A SavedModel's weights: an index, which ends in a mark, and numbered parts.

    Source: TensorFlow, tensor bundle: its index is a table of LevelDB's.
    """
    index = folder / "variables.index"
    parts = [each.name for each in folder.glob("variables.data-*-of-*")]
    if not index.is_file():
        return f"there are {parts[0]} and no variables.index beside it" if parts else None
    content = index.read_bytes()
    if not content.endswith(_END_OF_TABLE):
        return f"variables/{index.name} ends too early, after {len(content)} bytes"
    count = int(parts[0].rpartition("-")[2]) if parts else 1
    wanted = [f"variables.data-{number:05}-of-{count:05}" for number in range(count)]
    missing = sorted(set(wanted) - set(parts))
    return f"variables/{missing[0]} is not there" if missing else None


def _check_json(content: _Bytes, size: int) -> str | None:
    """Count what opens and closes: the text is passed over once, and never built up."""
    depth = 0
    for token in _TOKENS.finditer(content):
        begin = content[token.start()]
        if begin == ord('"') and token.end() - token.start() == 1:
            return _cut(size)
        if begin in b"{[":
            depth += 1
        elif begin in b"}]":
            depth -= 1
            if depth == 0:
                left = content[token.end() :].strip(b" \t\r\n\0")
                return f"something follows its end (byte {token.end()})" if left else None
    return _cut(size)


def _check_ubjson(content: _Bytes, size: int) -> str | None:
    try:
        end = walk_ubjson(content)
    except ValueError as error:
        return str(error)
    return f"something follows its end (byte {end})" if end < size else None


def _check_lightgbm(content: _Bytes, size: int) -> str | None:
    """LightGBM's text tells the sizes of its trees, and says where they and its settings end."""
    if reason := _check_tree_sizes(content, size):
        return reason
    ends = content.find(_END_OF_TREES)
    if ends < 0:
        return f"it ends before its {_END_OF_TREES.decode()!r}, after {size} bytes"
    settings = content.find(b"\nparameters:", ends)
    if settings >= 0 and content.find(b"\nend of parameters", settings) < 0:
        return f"it ends in its settings, after {size} bytes"
    return None


def _check_tree_sizes(content: _Bytes, size: int) -> str | None:
    header = _HEADER_ENDS.search(content)
    sizes = _TREE_SIZES.search(content, 0, header.start()) if header else None
    if header is None or sizes is None:
        return None
    end = header.end() + sum(map(int, sizes[1].split()))
    if end > size:
        return f"it has {size} bytes, and its trees alone end at {end}"
    if not _END_OF_TREES.startswith(content[end : end + len(_END_OF_TREES)]):
        # Also where a tool changed the ends of lines: LightGBM counts every byte.
        return f"its trees do not end at byte {end}, where it says that they do"
    return None


def _check_catboost(content: _Bytes, size: int) -> str | None:
    """CatBoost's file is a mark, the size of what follows, and that; other parts may follow."""
    if content[:4] != b"CBM1"[: len(content)]:
        return "it does not begin as CatBoost's files do"
    if len(content) < 8:
        return _cut(size)
    end = 8 + int.from_bytes(content[4:8], "little")
    return (
        f"it has {size} bytes, and says that its trees alone end at {end}" if end > size else None
    )


def _check_hdf5(content: _Bytes, size: int) -> str | None:
    """Source: HDF5 file format specification 3.0, the superblock's end-of-file address."""
    if content[:8] != b"\x89HDF\r\n\x1a\n"[: len(content)]:
        return "it does not begin as HDF5 files do"
    if len(content) < 48:
        return _cut(size)
    version = content[8]
    width, base = (content[13], 24) if version < 2 else (content[9], 12)
    if version > 3 or width not in (4, 8):
        return "the description of its layout is damaged"
    field = base + 2 * width
    end = int.from_bytes(content[field : field + width], "little")
    if end != _UNDEFINED and end > size:
        return f"it has {size} bytes of {end}"
    return None


def _check_safetensors(content: _Bytes, size: int) -> str | None:
    """The first number is the size of the description, in which each tensor tells where it ends."""
    if len(content) < 8:
        return _cut(size)
    begin = 8 + int.from_bytes(content[:8], "little")
    if begin > size:
        return f"it has {size} bytes, and its description alone ends at {begin}"
    if begin > len(content):
        return None
    ends = re.findall(rb'"data_offsets":\s*\[\s*\d+\s*,\s*(\d+)\s*\]', content[8:begin])
    end = begin + max(map(int, ends), default=0)
    return f"it has {size} bytes of {end}" if end > size else None


def _cut(size: int) -> str:
    return f"it ends too early, after {size} bytes"


# Of these the first bytes and the size tell, each as far as it is given.
_BY_HEAD: Mapping[str, _Check] = {
    "cbm": _check_catboost,
    "h5": _check_hdf5,
    "safetensors": _check_safetensors,
    "text": _check_tree_sizes,
}
_CHECKS: Mapping[str, _Check] = {
    **_BY_HEAD,
    "json": _check_json,
    "text": _check_lightgbm,
    "ubj": _check_ubjson,
}
# Triton fills in what a configuration does not say.
_MAY_BE_EMPTY = frozenset({"triton"})
_ARCHIVES = frozenset({"keras", "torchscript", "module", "export"})
