"""What Kubernetes models are made of: the base class, and field types with their schemas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    StrictStr,
    model_serializer,
)
from pydantic.alias_generators import to_camel

from seldon_deployer.quantity import QUANTITY_PATTERN

Object = dict[str, Any]

_INT_OR_STRING: Object = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
}


@dataclass(frozen=True, eq=False)  # compared by identity: a dict cannot be hashed
class Schema:
    """The OpenAPI keywords of an annotated field type, merged over what the type itself says."""

    keywords: Object


class KubernetesModel(BaseModel):
    """A part of a Kubernetes object: unknown fields stay, nothing is coerced or invented."""

    # Validators are built on first use: most imports want the schema alone.
    model_config = ConfigDict(
        alias_generator=to_camel,
        defer_build=True,
        extra="allow",
        frozen=True,
        protected_namespaces=(),
    )

    @model_serializer(mode="wrap")
    def _serialize(self, handler: SerializerFunctionWrapHandler) -> Object:
        obj: Object = handler(self)
        # An unknown field with the Python name of a known one counts as both to pydantic.
        for name in (self.model_extra or {}).keys() & type(self).model_fields.keys():
            if getattr(self, name) is None:
                obj.pop(type(self).model_fields[name].alias or name, None)
        return obj

    @classmethod
    def model_rebuild(cls, **options: Any) -> bool | None:
        """Build the validators, never by names of the code that makes the first value."""
        return super().model_rebuild(**{"_types_namespace": {}, **options})

    def to_object(self) -> Object:
        """The plain object again: exactly the fields that were given."""
        return self.model_dump(by_alias=True, exclude_unset=True)

    @classmethod
    def from_object(cls, obj: Object) -> Self:
        """Read a plain object; raises pydantic's ValidationError where types are wrong."""
        return cls.model_validate(obj)


Text = StrictStr
Flag = StrictBool
Int32 = Annotated[StrictInt, Schema({"format": "int32"})]
Int64 = Annotated[StrictInt, Schema({"format": "int64"})]
Moment = Annotated[StrictStr, Schema({"format": "date-time"})]
NullableMoment = Annotated[StrictStr, Schema({"format": "date-time", "nullable": True})]
IntOrString = Annotated[StrictInt | StrictStr, Schema(_INT_OR_STRING)]
Quantity = Annotated[StrictInt | StrictStr, Schema({**_INT_OR_STRING, "pattern": QUANTITY_PATTERN})]
StringMap = dict[str, StrictStr]
QuantityMap = dict[str, Quantity]
# Kept whole and unchecked: the parts of a pod that nothing here reads.
Opaque = Annotated[Object, Schema({"type": "object", "x-kubernetes-preserve-unknown-fields": True})]
