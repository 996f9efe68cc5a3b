"""Values that must be found nowhere, and the looking for them in every form."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus

# Unlike anything that a program writes by itself; each contains what URLs and JSON escape.
CANARIES = (
    "AKIAcanary7Qx1KeyOfNobody",
    "canary7Qx2/se+cret=of nobody",
    "canary7Qx3//tok+en==",
)


def forms(value: str) -> set[str]:
    """A value as itself, escaped, and inside base64 at each of its three alignments."""
    found = {value, quote(value), quote(value, safe=""), quote_plus(value), repr(value)[1:-1]}
    found |= {json.dumps(value)[1:-1], value.encode().hex()}
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + value.encode()).decode()
        # Its ends depend on what stands beside it.
        found.add(encoded[4 if shift else 0 : -4])
    return found


FORMS = frozenset(form for each in CANARIES for form in forms(each))


def canaries_in(text: str) -> list[str]:
    """What of the values is in a text, each with what stands before it."""
    found = []
    for form in FORMS:
        place = text.find(form)
        if place >= 0:
            found.append(f"{text[max(0, place - 120) : place]}<<CANARY>>")
    return found


def canaries_in_files(folder: Path, *, but: Iterable[str] = ()) -> list[str]:
    """What of the values is in the files below a folder, but for those of some names."""
    left_out = tuple(but)
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.startswith(left_out):
            text = path.read_bytes().decode(errors="replace")
            found += [f"{path}: {each}" for each in canaries_in(text)]
    return found


def told_by(error: BaseException) -> str:
    """All that an error shows of itself: text, repr, and the traceback with all its causes."""
    return "\n".join([str(error), repr(error), *traceback.format_exception(error)])
