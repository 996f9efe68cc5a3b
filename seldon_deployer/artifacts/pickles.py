"""Reading a pickle as data: what it holds and who wrote it, without loading it.

Loading a pickle runs what is in it; reading its opcodes does not.
"""

from __future__ import annotations

import mmap
import pickletools
import re
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from seldon_deployer.artifacts.compressed import MARKS, NotUnpackable, unpack_start
from seldon_deployer.errors import ArtifactError

# What stands before the class of an object without being it.
_SCAFFOLDING = frozenset(
    {
        "__builtin__",
        "abc",
        "builtins",
        "cloudpickle",
        "copy_reg",
        "copyreg",
        "joblib",
        "types",
        "typing",
    }
)
_BY_VALUE = "cloudpickle"
_JOBLIB_ARRAY = "joblib.numpy_pickle.NumpyArrayWrapper"
# Of a compressed file so much is unpacked: the class and the versions stand before the numbers.
_UNPACKED_BYTES = 16 << 20
_PACKED_BYTES = 4 << 20
# The opcode that ends every pickle, those with arrays between the opcodes too.
_STOP = ord(".")
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
# A pickle of plain values begins by pushing one, or ends by closing a tuple or naming a class.
_PLAIN_STARTS = frozenset(
    {"NONE", "DICT", "LIST", "EMPTY_DICT", "EMPTY_LIST", "EMPTY_SET", "EMPTY_TUPLE"}
)
_PLAIN_ENDS = frozenset({"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "GLOBAL", "STACK_GLOBAL"})
# What reading anything else as a pickle ends in; the warning where warnings are errors.
_NO_PICKLE = (ValueError, IndexError, OverflowError, struct.error, DeprecationWarning)
_BOOKKEEPING = frozenset({"PROTO", "FRAME", "MEMOIZE", "STOP", "MARK"}) | _PUTS
# scikit-learn's estimators keep the version that wrote them, in every pickle protocol and inside
# joblib's files alike: between key and value stand a memo opcode, a string's opcode and its length.
_SKLEARN_VERSION = re.compile(
    rb"_sklearn_version\n?(?:\x94|q.|r.{4}|p\d+\n)?"
    rb"(?:\x8c(?P<short>.)|X(?P<long>.{4})|V(?=[0-9.a-z]+\n))(?P<text>[0-9a-z.+]+)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class PickledObject:
    """What a pickle holds.

    name: the dotted name of its class, or of the first class it is derived from where the class
    itself is part of the pickle; "" where it is no object of a class (plain values, functions).
    carries_code: whether functions or classes are in it by value, so that only an environment
    with cloudpickle can load it.
    is_readable: false for a file compressed by what is not installed: nothing else is known of it.
    modules: every module that loading would import, as far as the file was read.
    """

    name: str
    carries_code: bool = False
    is_readable: bool = True
    modules: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def is_plain(self) -> bool:
        """Whether it is known to be a dict, a list or another plain value, and no object."""
        return self.is_readable and not (self.name or self.carries_code or self.modules)

    @property
    def package(self) -> str:
        """The package that the class comes from."""
        return self.name.partition(".")[0]

    @property
    def packages(self) -> frozenset[str]:
        """The packages that loading needs, but for Python's own and those of pickling."""
        tops = (module.partition(".")[0] for module in self.modules)
        return frozenset(top for top in tops if top not in _SCAFFOLDING | sys.stdlib_module_names)

    @property
    def is_numpy_2(self) -> bool:
        """Whether its arrays name a module that numpy has since version 2."""
        return any(f"{module}.".startswith("numpy._core.") for module in self.modules)


def inspect_pickle(path: Path) -> PickledObject:
    """Read a file of pickle or joblib; raises ArtifactError when it is none, or is cut.

    joblib puts raw arrays between the opcodes: such a file is read up to its first array, and a
    compressed one as far as it is unpacked.
    """
    names: list[str] = []
    last = first = ""
    content = _Content(None)
    try:
        with _open_content(path) as content:
            if content.bytes is None:
                return PickledObject(name="", is_readable=False)
            for opcode, name in _globals(_Bounded(content.bytes)):
                if name:
                    names.append(name)
                if opcode not in _BOOKKEEPING:
                    first, last = first or opcode, opcode
    except OSError as error:
        raise unreadable(path, error) from error
    except _NO_PICKLE as error:
        is_joblib = _JOBLIB_ARRAY in names and content.ends_well
        if is_joblib or (names and not content.is_whole):
            return PickledObject(name="") if first in _PLAIN_STARTS else _describe(names)
        early = "its opcodes end too early"
        raise _incomplete(path, early if names else str(error) or early) from error
    if first in _PLAIN_STARTS or last in _PLAIN_ENDS:
        return PickledObject(name="")
    return _describe(names)


def peek_pickle(head: bytes) -> str:
    """The name that `inspect_pickle` would give, by the first bytes of a file; "" for any other.

    What follows is not looked at: a tuple of objects passes for the first of them.
    """
    names: list[str] = []
    try:
        for opcode, name in _globals(_Bounded(head)):
            if name:
                names.append(name)
            elif not names and opcode in _PLAIN_STARTS:
                return ""
    except _NO_PICKLE:
        pass  # the rest was not given
    return _describe(names).name


def _describe(names: list[str]) -> PickledObject:
    packages = [name.partition(".")[0] for name in names]
    own = (n for n, package in zip(names, packages, strict=True) if package not in _SCAFFOLDING)
    modules = frozenset(name.rpartition(".")[0] for name in names)
    return PickledObject(next(own, ""), carries_code=_BY_VALUE in packages, modules=modules)


def sklearn_version(path: Path) -> str | None:
    """The scikit-learn version recorded in a pickle or joblib file; None where there is none.

    Of a compressed file it is looked for in what is unpacked of it. Raises ArtifactError.
    """
    try:
        with _open_content(path) as content:
            found = _SKLEARN_VERSION.search(content.bytes) if content.bytes else None
            if found is None:
                return None
            size = found["short"] or found["long"]
            end = int.from_bytes(size, "little") if size else None
            return found["text"][:end].decode()
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> ArtifactError:
    """The error for a file that the operating system does not give."""
    return ArtifactError(
        f"{path.name} cannot be read",
        why=error.strerror or type(error).__name__,
        hint="check the path and its permissions",
    )


@dataclass(frozen=True, slots=True)
class _Content:
    """What a file holds, unpacked where it is compressed.

    bytes: None where it cannot be unpacked here. is_whole: whether they are all.
    ends_well: whether the last byte is a pickle's last, as far as that is known.
    """

    bytes: mmap.mmap | bytes | None
    is_whole: bool = True
    ends_well: bool = False


@contextmanager
def _open_content(path: Path) -> Iterator[_Content]:
    """The content of a file while the context lasts. Raises OSError, and ArtifactError as cut."""
    size = path.stat().st_size
    if size == 0:
        yield _Content(b"")
        return
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        if not content[:8].startswith(MARKS):
            yield _Content(content, ends_well=content[-1] == _STOP)
            return
        packed = content[:_PACKED_BYTES]
        try:
            unpacked, is_whole = unpack_start(packed, _UNPACKED_BYTES)
        except NotUnpackable:
            yield _Content(None)
            return
        except ValueError as error:
            raise _incomplete(path, str(error)) from error
        if not is_whole and len(packed) == size and len(unpacked) < _UNPACKED_BYTES:
            raise _incomplete(path, "what is packed in it ends too early")
        yield _Content(unpacked, is_whole, not is_whole or unpacked[-1:] == bytes([_STOP]))


def _incomplete(path: Path, reason: str) -> ArtifactError:
    return ArtifactError(
        f"{path.name} is no complete pickle",
        why=reason,
        hint="save the model again, and check that the copy is whole",
    )


class _Bounded:
    """Bytes as a file that is never asked for more than it has: broken pickles claim any length."""

    def __init__(self, content: mmap.mmap | bytes) -> None:
        self._content = content
        self._at = 0

    def read(self, size: int = -1, /) -> bytes:
        end = len(self._content) if size < 0 else min(self._at + size, len(self._content))
        self._at, begin = end, self._at
        return self._content[begin:end]

    def readline(self, size: int | None = -1, /) -> bytes:  # noqa: ARG002 - never asked for here
        found = self._content.find(b"\n", self._at)
        return self.read(-1 if found < 0 else found + 1 - self._at)


def _globals(file: _Bounded) -> Iterator[tuple[str, str]]:
    """Each opcode with the dotted name it looks up, or ""."""
    memo: dict[int, str] = {}
    strings = ["", ""]  # the last two values pushed, where they are strings
    for opcode, argument, _ in pickletools.genops(cast(BinaryIO, file)):
        name = opcode.name
        looked_up = ""
        if name == "MEMOIZE":
            memo[len(memo)] = strings[-1]
        elif name in _PUTS:
            memo[int(str(argument))] = strings[-1]
        elif name in _GETS:
            strings = [strings[-1], memo.get(int(str(argument)), "")]
        elif name in ("GLOBAL", "INST"):
            looked_up = str(argument).replace(" ", ".")
            strings = [strings[-1], ""]
        elif name == "STACK_GLOBAL":
            looked_up = ".".join(strings)
            strings = ["", ""]
        elif name not in ("PROTO", "FRAME"):
            strings = [strings[-1], argument if isinstance(argument, str) else ""]
        yield name, looked_up
