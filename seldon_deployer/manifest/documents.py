"""Reading manifests: the documents of a text, and the SeldonDeployments in them.

YAML, several documents of it, JSON (tabs included), lists. Values are read as the Kubernetes tools
read them: a date stays text, `1e-3` is a number, every key is text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml

from seldon_deployer.manifest.kind import KIND, find_misnamed

if TYPE_CHECKING:
    from yaml import SafeLoader as _FastLoader
else:
    # LibYAML reads ten times faster; PyYAML may be built without it.
    _FastLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Object = dict[str, Any]

_SEPARATOR = re.compile(r"---(?=\s|$)")
_NOTHING = re.compile(r"\s*(#.*|%.*|\.\.\.\s*)?")
_DEEPEST = 200
_LARGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A document that is neither YAML nor JSON; `line` counts from 1 in the whole text.

    is_template: it holds `{{`, as templates of Helm do, which are YAML only once they are rendered.
    """

    line: int
    message: str
    is_template: bool = False


def read_documents(text: str) -> list[Any]:
    """The documents of a text as plain values, empty ones left out, in order.

    What cannot be parsed is an `Unparsed` in its place: the documents around it are still read.
    """
    documents: list[Any] = []
    for start, part in _split(text.removeprefix("\ufeff")):
        try:
            found = _parse(part, start)
            for each in found:
                _check_plain(each)
        except (ValueError, RecursionError) as error:
            found = [Unparsed(start, str(error))]
        documents += (
            replace(each, is_template="{{" in part) if isinstance(each, Unparsed) else each
            for each in found
        )
    return [each for each in documents if each is not None]


def find_resources(value: Any) -> Iterator[Object]:
    """Every SeldonDeployment in a document: itself, the items of a List, or parts of another kind.

    Of whatever version; without an apiVersion too, and what is nearly one or of another kind of
    Seldon's, which is for the verdict to tell. What only speaks of one is passed: references of
    autoscalers and owned objects, its own definition, settings of Argo CD.
    """
    yield from _find(value, is_inside=False)


def _find(value: Any, *, is_inside: bool) -> Iterator[Object]:
    if isinstance(value, list):
        for item in value:
            yield from _find(item, is_inside=is_inside)
    elif isinstance(value, dict):
        is_one = value.get("kind") == KIND or find_misnamed(value) is not None
        if is_one and not (is_inside and _is_mention(value)):
            yield value
        else:
            yield from _find(list(value.values()), is_inside=True)


def _is_mention(value: Object) -> bool:
    if {"metadata", "spec"} & value.keys():
        return False
    return "name" in value or "apiVersion" not in value


def _split(text: str) -> Iterator[tuple[int, str]]:
    """The parts between lines of `---`, each with the number of its first line."""
    start, lines = 1, list[str]()
    for number, line in enumerate(text.split("\n"), start=1):
        separator = _SEPARATOR.match(line)
        if separator:
            yield start, "\n".join(lines)
            start, lines = number, []
            line = line[separator.end() :]
        lines.append(line)
    yield start, "\n".join(lines)


def _parse(text: str, start: int) -> list[Any]:
    if all(_NOTHING.fullmatch(line) for line in text.split("\n")):
        return []
    # A tab is fine in JSON and an error in YAML, so what looks like JSON is first read as such.
    is_json = text.lstrip().startswith(("{", "["))
    broken: Unparsed | None = None
    if is_json:
        try:
            return _parse_json(text)
        except json.JSONDecodeError as error:
            broken = Unparsed(start + error.lineno - 1, error.msg)
    try:
        return [yaml.load(text, Loader=_Loader)]  # noqa: S506 - made of the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = start + (mark.line if mark else 0)
        return [broken or Unparsed(line, error.problem or "no YAML")]
    except yaml.YAMLError as error:
        return [broken or Unparsed(start, str(error).partition("\n")[0])]
    except (AttributeError, LookupError):
        # PyYAML trips over a tag that does not fit its value, such as `!!bool maybe`.
        return [broken or Unparsed(start, "a tag does not fit its value")]


def _parse_json(text: str) -> list[Any]:
    """One JSON value after another."""
    decoder, values, position = json.JSONDecoder(), list[Any](), 0
    while rest := text[position:].lstrip():
        position = len(text) - len(rest)
        value, position = decoder.raw_decode(text, position)
        values.append(value)
    return values


def _check_plain(document: Any) -> None:
    """Raise ValueError for what JSON does not have, or what aliases blow up or tie into a knot."""
    left, seen = [(document, 0)], 0
    while left:
        value, depth = left.pop()
        seen += 1
        if depth > _DEEPEST or seen > _LARGEST:
            raise ValueError(f"more than {_DEEPEST} levels or {_LARGEST} values")
        if isinstance(value, dict):
            left += [(item, depth + 1) for item in value.values()]
        elif isinstance(value, list):
            left += [(item, depth + 1) for item in value]
        elif not isinstance(value, _PLAIN):
            raise ValueError(f"a {type(value).__name__} is nothing that JSON has")


class _Loader(_FastLoader):
    """The safe loader with the scalars and keys of the Kubernetes tools."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping; keys that are numbers or booleans become text as in JSON."""
        self.flatten_mapping(node)
        mapping: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (dict, list)):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a scalar", key_node.start_mark
                )
            mapping[_key_text(key)] = self.construct_object(value_node, deep=deep)
        return mapping


_PLAIN = (str, int, float, bool, type(None), Unparsed)


def _key_text(key: Any) -> str:
    return key if isinstance(key, str) else json.dumps(key, default=str)


_DROPPED = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:float", "tag:yaml.org,2002:int")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag not in _DROPPED]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# Without YAML 1.1's numbers to the base of 60, and with exponents that have neither dot nor sign.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0|0[0-7_]+|[1-9][0-9_]*)$"),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
    ),
    list("-+0123456789."),
)
