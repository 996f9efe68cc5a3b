"""What is wrong with the fields of a value, in words for who wrote them.

pydantic finds it; its own words speak of Python's types, name an address of its documentation, and
repeat what was given, which may be a secret value of an environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from itertools import groupby
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic.dataclasses import rebuild_dataclass
from pydantic_core import ErrorDetails

from seldon_deployer.errors import InvalidFields, SeldonDeployerError

# pydantic's kinds of errors -> what whoever writes Python or YAML can act on.
_SAID: Mapping[str, str] = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dataclass_type": "must be a mapping of fields",
    "dict_type": "must be a mapping of keys to values",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "missing": "is missing",
    "model_type": "must be a mapping of fields",
    "tuple_type": "must be a list",
    "unexpected_positional_argument": "is given by position: give it by its name",
    "union_tag_not_found": "each unit says its kind: model, transformer, router, combiner, ...",
}
_UNKNOWN_FIELD = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
# Where several plain types will do, pydantic complains once of each, below the field.
_PLAIN_TYPES = {
    "str": "text",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
}


class _Place(NamedTuple):
    """Where a problem is: the path as the user wrote it, and the values that may stand there."""

    path: tuple[int | str, ...]
    kinds: tuple[type, ...]


def fields_error(error: ValidationError, kind: type) -> InvalidFields:
    """The error that the wrong fields of a value of that class mean; it names each."""
    issues = error.errors(include_url=False)
    reasons = [issue.get("ctx", {}).get("error") for issue in issues]
    ours = [each for each in reasons if isinstance(each, SeldonDeployerError)]
    hints = [each.hint for each in ours if each.hint] or _known_fields(issues, kind)
    return InvalidFields(
        f"{kind.__name__} cannot be made of these fields",
        problems=tuple(describe_problems(issues, kind)),
        hint=hints[0] if hints else "",
    )


def describe_problems(issues: Sequence[ErrorDetails], kind: type) -> Iterator[tuple[str, str]]:
    """Each wrong field of a value of that class: where it is, and what is wrong with it."""
    for where, same in groupby(issues, key=_field_of):
        group = list(same)
        path = ".".join(str(part) for part in _locate(where, kind).path)
        if where != tuple(group[0]["loc"]):
            types = [_PLAIN_TYPES[str(each["loc"][-1])] for each in group]
            yield path, f"must be {' or '.join(types)}"
            continue
        yield from ((path, _say(issue, kind)) for issue in group)


def _field_of(issue: ErrorDetails) -> tuple[int | str, ...]:
    """Where the field is: what is said of one of its types is said of the field."""
    where = tuple(issue["loc"])
    is_of_type = issue["type"].endswith(("_type", "_parsing", "_from_float"))
    return where[:-1] if is_of_type and len(where) > 1 and where[-1] in _PLAIN_TYPES else where


def _say(issue: ErrorDetails, kind: type) -> str:
    reason = issue.get("ctx", {}).get("error")
    if isinstance(reason, SeldonDeployerError):
        return f"{reason.what}: {reason.why}" if reason.why else reason.what
    match issue["type"]:
        case type_ if type_ in _UNKNOWN_FIELD:
            return f"there is no such field{_meant(issue, kind)}"
        case "string_type":
            return f"must be text{_instead(issue)}"
        case "union_tag_invalid":
            known = [tag.strip("' ") for tag in issue["ctx"]["expected_tags"].split(",")]
            given = issue["ctx"]["tag"]
            return f"kind {given!r} is none of {', '.join(known)}{_similar(given, known)}"
        case "literal_error":
            known = [each.strip("'") for each in issue["ctx"]["expected"].split(" or ")]
            known = [word.strip("' ") for each in known for word in each.split(",")]
            return f"must be {issue['ctx']['expected']}{_similar(issue['input'], known)}"
    said = _SAID.get(issue["type"], issue["msg"].removeprefix("Value error, "))
    return said.replace("Input should be", "must be").replace("should have", "must have")


def _instead(issue: ErrorDetails) -> str:
    """What to do about something that is no text."""
    given = issue["input"]
    if isinstance(given, (bool, int, float)):
        return ": put it in quotes"
    if str(issue["loc"][-1]).endswith("_uri") and given is not None:
        return f": save the {type(given).__name__}, and say where it lies"
    return ""


def _meant(issue: ErrorDetails, kind: type) -> str:
    *parents, last = issue["loc"]
    kinds = _locate(tuple(parents), kind).kinds
    return _similar(last, [name for each in kinds for name in _fields(each)])


def _similar(given: Any, known: Sequence[str]) -> str:
    """The word that a misspelt one is most like, as a question; "" where there is none."""
    similar = get_close_matches(str(given), known, n=1)
    return f" (did you mean {similar[0]}?)" if similar else ""


def _known_fields(issues: Sequence[ErrorDetails], kind: type) -> list[str]:
    """What to try about unknown fields; empty where there are none."""
    unknown = [issue for issue in issues if issue["type"] in _UNKNOWN_FIELD]
    if not unknown:
        return []
    kinds = _locate(tuple(unknown[0]["loc"][:-1]), kind).kinds
    place = kinds[0] if len(kinds) == 1 else kind
    if "overlay" in _fields(place):
        return [f"the fields are those of {place.__name__}; for all else there is `overlay`"]
    names = [name for name in _fields(place) if name not in ("kind", "seldon_type")]
    return [f"the fields of {place.__name__} are {', '.join(names)}"]


def _locate(location: tuple[int | str, ...], kind: type) -> _Place:
    """Follow a location of pydantic's, and leave out what only tells which kind of unit it is."""
    path: list[int | str] = []
    kinds: tuple[type, ...] = (kind,)
    for part in location:
        if tagged := tuple(each for each in kinds if _tag(each) == part):
            kinds = tagged
            continue
        if isinstance(part, int) and not path and is_dataclass(kind):
            part = _argument(kind, part)
        path.append(part)
        annotations = [_fields(each)[part] for each in kinds if part in _fields(each)]
        kinds = tuple(found for each in annotations for found in _values_in(each)) or kinds
    return _Place(tuple(path), tuple(dict.fromkeys(kinds)))


def _argument(kind: type, position: int) -> int | str:
    """The field that is given there by position; the position where there is none."""
    names = [field.name for field in fields(kind) if not field.kw_only]
    return names[position] if position < len(names) else position


def _tag(kind: type) -> str | None:
    """The `kind` by which a part of a graph is told."""
    return getattr(kind, "kind", None) if is_dataclass(kind) else None


def _fields(kind: type) -> dict[Any, Any]:
    """The names and types of a value's fields."""
    # Validators are built on first use, and with them the types: until then they are text.
    if issubclass(kind, BaseModel):
        kind.model_rebuild()
        return {name: field.annotation for name, field in kind.model_fields.items()}
    known = getattr(kind, "__pydantic_fields__", {})
    if not getattr(kind, "__pydantic_complete__", True):
        rebuild_dataclass(kind, _types_namespace={})  # type: ignore[arg-type]
        known = getattr(kind, "__pydantic_fields__", {})
    return {name: field.annotation for name, field in known.items()}


def _values_in(annotation: Any) -> Iterator[type]:
    """The values that a field can hold, in lists and unions too."""
    if isinstance(annotation, type) and (
        issubclass(annotation, BaseModel) or is_dataclass(annotation)
    ):
        yield annotation
    for inner in get_args(annotation):
        yield from _values_in(inner)
