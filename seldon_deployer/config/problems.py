"""What is wrong with a field, in words for who wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from seldon_deployer.config.deployment import DeploymentConfig

# pydantic's kinds of errors that speak of Python -> what whoever writes YAML can act on.
_SAID: Mapping[str, str] = {
    "dict_type": "must be a mapping of keys to values",
    "list_type": "must be a list",
    "missing": "is missing",
    "model_type": "must be a mapping of fields",
    "tuple_type": "must be a list",
    "union_tag_not_found": "each unit says its kind: model, transformer, router, combiner, ...",
}
UNKNOWN_FIELD = "extra_forbidden"


def describe_problem(issue: ErrorDetails) -> str:
    """One wrong field of a configuration: where it is, and what is wrong with it."""
    where = ".".join(str(part) for part in issue["loc"])
    said = _say(issue)
    return f"{where}: {said}" if where else said


def _say(issue: ErrorDetails) -> str:
    if issue["type"] == UNKNOWN_FIELD:
        return f"there is no such field{_meant(issue['loc'])}"
    if issue["type"] == "string_type":
        is_plain = isinstance(issue["input"], (bool, int, float))
        return "must be text" + (": put it in quotes" if is_plain else "")
    return _SAID.get(issue["type"], issue["msg"].removeprefix("Value error, "))


def _meant(location: tuple[int | str, ...]) -> str:
    """The field that a misspelt one is most like, as a question; "" where there is none."""
    *parents, last = location
    kinds: list[type[BaseModel]] = [DeploymentConfig]
    for name in parents:
        fields = [kind.model_fields[name] for kind in kinds if name in kind.model_fields]
        kinds = [each for field in fields for each in _models_in(field.annotation)] or kinds
    known = [name for kind in kinds for name in kind.model_fields]
    similar = get_close_matches(str(last), known, n=1)
    return f" (did you mean {similar[0]}?)" if similar else ""


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field can hold, in lists and unions too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
