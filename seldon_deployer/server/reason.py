"""One sentence from what a library says of a file or of a caller's data.

C++ libraries add where in their own source they stood, and every function above it.
"""

from __future__ import annotations

import lzma
import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator

# What follows is of interest to the library's authors alone.
_TAILS = re.compile(
    r"\s*(?:Stack trace:|This is an internal miniz error|The above operation failed|"
    r"\n\s*~+|Serialized\s+File \").*",
    re.DOTALL,
)
# `[14:58:48] /src/json.cc:409: `, `catboost/libs/model.cpp:1192: `,
# `[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from /x/model.onnx failed:`,
# `/onnxruntime_src/graph.cc:1587 void onnxruntime::Graph::Init(...) `.
_HEADS = re.compile(
    r"^(?:\[\d\d:\d\d:\d\d\]\s+"
    r"|\(?[\w./+-]+\.(?:cc|cpp|cu|h|hpp):\d+\)?:?\s+"
    r"|\[ONNXRuntimeError\] : \d+ : \w+ : "
    r"|Load model from \S+ failed:"
    r"|(?:\w[\w ]* )?onnxruntime::[\w:]+\([^)]*\) )"
)
# How reading bytes ends that stop too early or were changed, whoever reads them.
_DAMAGE = (
    *(EOFError, IndexError, KeyError, OverflowError, UnicodeDecodeError),
    *(pickle.UnpicklingError, struct.error, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)


def give_reason(error: BaseException) -> str:
    """What a library says, as one sentence on one line, without its own traces."""
    text = _TAILS.sub("", str(error)).strip()
    while (shorter := _HEADS.sub("", text, count=1).strip()) != text:
        text = shorter
    return shorten(text).removesuffix(".") or shorten(str(error))


def explain_unreadable(error: BaseException) -> str:
    """Why a model's file could not be read: that it is damaged, where the kind of error says so."""
    damage = next((each for each in _with_causes(error) if _is_damage(each)), None)
    error = damage or error
    said, kind = give_reason(error), type(error).__name__
    if isinstance(error, MemoryError) or said == "std::bad_alloc":
        return "there is not memory enough for it, or it is damaged"
    if damage is not None:
        told = f"{kind}: {said}" if said else kind
        return f"it is cut short or damaged ({told})"
    # The name of a library's own kind of error says no more than its words.
    is_own = type(error).__module__.partition(".")[0] not in ("builtins", "_pickle", "pickle")
    return said if is_own and said else f"{kind}: {said}" if said else kind


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from: joblib takes damaged text for Python 2's."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


def _is_damage(error: BaseException) -> bool:
    # numpy says of an array that is cut: "EOF: reading array data, expected 24 bytes got 0".
    return isinstance(error, _DAMAGE) or (type(error) is ValueError and "EOF" in str(error))


def shorten(text: str, limit: int = 500) -> str:
    """A library's message on one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]}..."
