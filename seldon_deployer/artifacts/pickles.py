"""Reading a pickle as data: what it holds and who wrote it, without loading it.

Loading a pickle runs what is in it; reading its opcodes does not.
"""

from __future__ import annotations

import io
import mmap
import pickletools
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

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
# How joblib's compressed files begin: gzip, bzip2, xz, lzma, lz4, zlib.
_COMPRESSED = (
    *(b"\x1f\x8b", b"BZ", b"\xfd7zXZ", b"]\x00", b"\x04\x22\x4d\x18"),
    # zlib's own letter alone would take any text with an x in front for compressed.
    *(b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"),
)
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
    is_readable: false for a compressed file, of which nothing else is known.
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

    joblib puts raw arrays between the opcodes: such a file is read up to its first array.
    """
    names: list[str] = []
    last = first = ""
    try:
        with _Bounded(path) as file:
            if file.read(8).startswith(_COMPRESSED):
                return PickledObject(name="", is_readable=False)
            file.seek(0)
            for opcode, name in _globals(file):
                if name:
                    names.append(name)
                if opcode not in _BOOKKEEPING:
                    first, last = first or opcode, opcode
    except OSError as error:
        raise unreadable(path, error) from error
    except _NO_PICKLE as error:
        if _JOBLIB_ARRAY in names:
            return PickledObject(name="") if first in _PLAIN_STARTS else _describe(names)
        raise ArtifactError(
            f"{path.name} is no complete pickle",
            why=str(error) or "its opcodes end too early",
            hint="save the model again, and check that the copy is whole",
        ) from error
    if first in _PLAIN_STARTS or last in _PLAIN_ENDS:
        return PickledObject(name="")
    return _describe(names)


def peek_pickle(head: bytes) -> str:
    """The name that `inspect_pickle` would give, by the first bytes of a file; "" for any other.

    What follows is not looked at: a tuple of objects passes for the first of them.
    """
    names: list[str] = []
    try:
        for opcode, name in _globals(io.BytesIO(head)):
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

    A compressed file keeps it out of sight.
    """
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                return None
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                found = _SKLEARN_VERSION.search(content)
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


class _Bounded(io.BufferedReader):
    """A file that is never asked for more than it has: broken pickles claim any length."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._size if size is None else min(size, self._size))


def _globals(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """Each opcode with the dotted name it looks up, or ""."""
    memo: dict[int, str] = {}
    strings = ["", ""]  # the last two values pushed, where they are strings
    for opcode, argument, _ in pickletools.genops(file):
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
