"""What every part of a graph is: a frozen value that reads back from what it prints."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any, Self, cast

from pydantic import ConfigDict, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic.alias_generators import to_snake
from pydantic.dataclasses import dataclass, rebuild_dataclass

from seldon_deployer.workload.constructor import Telling

# Validators are built on first use: most programs write no graph.
VALUE = ConfigDict(defer_build=True, extra="forbid", protected_namespaces=())


@dataclass(frozen=True, config=VALUE, repr=False)
class Node(metaclass=Telling):
    """A value that prints, and is written to files, without what it leaves at its default.

    Read from files, its fields may have Kubernetes' spelling (`modelUri`) as well as Python's.
    The constructor raises InvalidFields, which names each wrong field.
    """

    def __new__(cls, *_args: Any, **_fields: Any) -> Self:
        """Build the validators before the first value, by the names of the class's own module.

        pydantic's default looks annotations up in whatever code makes that value: a `Path` or
        `Model` of a user's script would be taken for ours.
        """
        if not cls.__pydantic_complete__:  # type: ignore[attr-defined]
            rebuild_dataclass(cls, _types_namespace={})  # type: ignore[arg-type]
        return super().__new__(cls)

    @model_validator(mode="before")
    @classmethod
    def _read_either_spelling(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = {each.name for each in fields(cls)}
        spelt: dict[Any, Any] = {}
        for key, value in data.items():
            name = to_snake(key) if isinstance(key, str) and to_snake(key) in known else key
            if name in spelt:
                raise ValueError(f"{name} is given twice, in two spellings")
            spelt[name] = value
        return spelt

    @model_serializer(mode="wrap")
    def _write_compactly(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written = cast("dict[str, Any]", handler(self))
        # `kind` has a default too, and tells what to read the rest as.
        kind = {"kind": getattr(self, "kind")}  # noqa: B009
        return kind | {name: written[name] for name in self._given() if name in written}

    def __repr__(self) -> str:
        given = sorted(self._given().values(), key=lambda field: bool(field.kw_only))
        words = [
            f"{f'{field.name}=' if field.kw_only else ''}{getattr(self, field.name)!r}"
            for field in given
        ]
        return f"{type(self).__name__}({', '.join(words)})"

    def _given(self) -> dict[str, Field[Any]]:
        return {each.name: each for each in fields(self) if self._is_given(each)}

    def _is_given(self, field: Field[Any]) -> bool:
        default = field.default
        if field.default_factory is not MISSING:
            default = field.default_factory()
        return field.name != "kind" and bool(getattr(self, field.name) != default)
