"""Constructors that raise our errors instead of pydantic's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from seldon_deployer.errors import InvalidFields

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class Telling(type):
    """The type of values whose constructor raises InvalidFields, which names each wrong field.

    What pydantic itself reads (`model_validate`, a field of another model) raises its own error,
    as whoever calls it expects. A constructor in Python is the one place that neither goes through.
    """

    if not TYPE_CHECKING:  # Arguments are checked by the class's own signature.

        def __call__(cls, *args: Any, **fields: Any) -> Any:
            """Make a value."""
            try:
                return super().__call__(*args, **fields)
            except ValidationError as error:
                from seldon_deployer.workload.problems import fields_error

                # Without its cause: that repeats what was given.
                raise fields_error(error, cls) from None


class TellingModel(Telling, ModelMetaclass):
    """The same for pydantic's models, which take their fields by name."""

    if not TYPE_CHECKING:

        def __call__(cls, *args: Any, **fields: Any) -> Any:
            """Make a value."""
            if args:
                raise InvalidFields(
                    f"{cls.__name__} takes its fields by name",
                    problems=(("", f"{len(args)} given by position"),),
                    hint=f"{cls.__name__}({next(iter(cls.model_fields), 'field')}=...)",
                )
            return super().__call__(**fields)
