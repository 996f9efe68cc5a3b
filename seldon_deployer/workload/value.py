"""What all values of a configuration are: frozen, strict about names, lenient about spelling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import AliasGenerator, BaseModel, ConfigDict
from pydantic import model_validator as _model_validator
from pydantic.alias_generators import to_camel, to_snake

# Its home: pydantic itself names it from 2.10 on, and older ZenML comes with older pydantic.
from pydantic.functional_validators import ModelWrapValidatorHandler

from seldon_deployer.workload.constructor import TellingModel

Object = dict[str, Any]


class Value(BaseModel, metaclass=TellingModel):
    """A part of a configuration.

    Fields have Python's spelling, and are read in Kubernetes' own too (`mount_path`, `mountPath`),
    so that a snippet of YAML can be pasted. An unknown field is an error. The constructor raises
    InvalidFields, which names each wrong field.
    """

    model_config = ConfigDict(
        alias_generator=AliasGenerator(serialization_alias=to_camel),
        # Validators are built on first use: most programs use few of these.
        defer_build=True,
        extra="forbid",
        frozen=True,
        protected_namespaces=(),
    )

    @_model_validator(mode="wrap")
    @classmethod
    def _read_either_spelling(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return handler(cls.own_names(data) if isinstance(data, Mapping) else data)

    @classmethod
    def own_names(cls, data: Mapping[Any, Any]) -> Object:
        """A mapping with the fields' own names; raises ValueError for one in two spellings."""
        spelt: Object = {}
        for key, value in data.items():
            name = _field_name(key, cls.model_fields)
            if name in spelt:
                raise ValueError(f"{name} is given twice, in two spellings")
            spelt[name] = value
        return spelt

    @classmethod
    def model_rebuild(cls, **options: Any) -> bool | None:
        """Build the validators, by the names of the class's own module.

        pydantic's default looks annotations up in whatever code makes the first value: a variable
        `PDB`, or a `Protocol` from typing, in a user's script would be taken for ours.
        """
        return super().model_rebuild(**{"_types_namespace": {}, **options})

    def to_object(self) -> Object:
        """The plain object in Kubernetes' spelling: exactly the fields that were given."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)


def _field_name(key: Any, known: Mapping[str, Any]) -> Any:
    if not isinstance(key, str) or key in known:
        return key
    snake = to_snake(key)
    return snake if snake in known else key
