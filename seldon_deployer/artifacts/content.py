"""What the first bytes of a file say: which library wrote it, in which of its formats.

Bytes are only compared, never loaded.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from seldon_deployer.artifacts.compressed import unpack_start
from seldon_deployer.artifacts.frameworks import BOOSTERS, data_of, framework_of
from seldon_deployer.artifacts.names import SHARED, UNREAD, Candidate
from seldon_deployer.artifacts.pickles import peek_pickle

# Enough for the first names in an archive, and for a pickle's class.
HEAD_BYTES = 64 * 1024

_UBJ = re.compile(rb"\{[iUIlL].{1,8}learner", re.DOTALL)
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_UNSURE = frozenset({UNREAD, "pickle", "h5"})
# How pickles of protocol 2 and newer begin, and what those of classes by value name.
_PICKLE = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_BY_VALUE = b"cloudpickle"
# The first number in what torch.save wrote before version 1.6.
_OLD_TORCH = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
# Classes that a pickle of tensors, without any code, begins with.
_TENSORS = ("collections.OrderedDict", "torch._utils.", "torch._tensor.")
_ZIP_HEADER = struct.Struct("<4s2xH14x4xHH")
# What torch.export puts first, before and since version 2.8.
_EXPORT = re.compile(r"[^/]+/data/weights/.*|(?:[^/]+/)?serialized_exported_program\.json")


def look_inside(candidate: Candidate, head: bytes) -> Candidate | None:
    """The candidate with what its first bytes tell; None where it is no model at all.

    What joblib has compressed is unpacked, whatever its name. A name that stands for one format
    alone is believed, unless the bytes are another library's.
    """
    head, file = unpack_head(head), candidate.file
    if is_sure(candidate):
        return _other_than(candidate, head) or candidate
    if candidate.framework == "pytorch":
        if (other := _other_than(candidate, head)) is not None:
            return other
        return Candidate("pytorch", _torch_format(head), file)
    if candidate.format == "pickle":
        return None if data_inside(head) else _pickled(file, head)
    found = _by_bytes(head)
    if found is not None:
        return Candidate(*found, file)
    if head.startswith(_ZIP) and (kind := _torch_format(head)) != "broken":
        return Candidate("pytorch", kind, file)
    if head.startswith(_PICKLE) and (pickled := _pickled(file, head)).framework is not None:
        return pickled
    if candidate.framework == "xgboost" and candidate.format == UNREAD and head:
        # The format before 1.6 has no mark of its own: the name is all there is.
        return Candidate("xgboost", "binary", file)
    return None


def is_sure(candidate: Candidate) -> bool:
    """Whether the name tells the format; others lie, or are shared with other things."""
    return candidate.format not in _UNSURE and candidate.file not in SHARED


def unpack_head(head: bytes) -> bytes:
    """The first bytes as they were before compression; as they are where they were not."""
    try:
        return unpack_start(head, HEAD_BYTES)[0]
    except ValueError:
        return head


def _other_than(candidate: Candidate, head: bytes) -> Candidate | None:
    """What the bytes surely are, where that is another framework's."""
    found = _by_bytes(head)
    if found is not None and found[0] != candidate.framework:
        return Candidate(*found, candidate.file)
    if head.startswith(_PICKLE) and (held := _pickled(candidate.file, head)).framework is not None:
        return held
    return None


def data_inside(head: bytes) -> str | None:
    """What kind of data a pickle holds, by its first bytes; None where it may be a model."""
    # A class that is pickled by value has before it whatever its code uses.
    head = unpack_head(head)
    return None if _BY_VALUE in head else data_of(peek_pickle(head))


def _pickled(file: str, head: bytes) -> Candidate:
    held = peek_pickle(head)
    return Candidate(framework_of(held), "booster" if held in BOOSTERS else "pickle", file)


def _by_bytes(head: bytes) -> tuple[str, str] | None:
    start = head[:512].lstrip()
    if start.startswith(b"{") and b'"learner"' in start:
        return "xgboost", "json"
    if _UBJ.match(head[:32]):
        return "xgboost", "ubj"
    if head.startswith(b"binf"):
        return "xgboost", "binary"
    if start.startswith(b"{") and (b'"features_info"' in start or b'"ctr_data"' in start):
        return "catboost", "json"
    if head.startswith(b"CBM1"):
        return "catboost", "cbm"
    if head.startswith(b"tree\n") and b"\nversion=v" in head[:64]:
        return "lightgbm", "text"
    if head.startswith(_HDF5) and b"pandas_version" not in head:
        return "keras", "h5"
    return None


def _torch_format(head: bytes) -> str:
    """torchscript, export, module (a pickled object) or weights (tensors without code)."""
    if not head.startswith(_ZIP):
        return "old" if _OLD_TORCH in head[:32] else "broken"
    for name, content in _zip_entries(head):
        inner = name.partition("/")[2]
        if _EXPORT.fullmatch(name):
            return "export"
        if inner == "data.pkl":
            held = peek_pickle(content)
            if held.startswith("__torch__."):
                return "torchscript"
            is_module = held and not held.startswith(_TENSORS)
            return "module" if is_module else "weights"
        if inner.startswith(("data/", "code/", "constants")):
            return "torchscript"  # torch.save writes its pickle before the tensors
    return "broken"


def _zip_entries(head: bytes) -> Iterator[tuple[str, bytes]]:
    """Each file that begins in the first bytes of an archive: its name, and what is there of it."""
    at = head.find(_ZIP)
    while at >= 0 and at + _ZIP_HEADER.size <= len(head):
        _, _, name_size, extra_size = _ZIP_HEADER.unpack_from(head, at)
        begin = at + _ZIP_HEADER.size + name_size
        name = head[at + _ZIP_HEADER.size : begin].decode(errors="replace")
        yield name, head[begin + extra_size :]
        at = head.find(_ZIP, begin)
