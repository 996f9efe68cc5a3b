"""Environment variables whose values lie in Secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, model_validator

from seldon_deployer.workload.rules import check_data_key, check_object_name
from seldon_deployer.workload.value import Object, Value


class SecretKey(Value):
    """One key of a Secret; `optional`: the pod starts without it too.

    Read as `SecretKey(secret="db", key="password")`, as text `db/password`, and as Kubernetes'
    `secretKeyRef` with `name`.
    """

    secret: Annotated[str, AfterValidator(check_object_name)]
    key: Annotated[str, AfterValidator(check_data_key)]
    optional: bool = False

    @model_validator(mode="before")
    @classmethod
    def _read_other_forms(cls, data: Any) -> Any:
        if isinstance(data, str):
            secret, slash, key = data.partition("/")
            if not slash:
                raise ValueError(f"{data!r} is not of the form SECRET/KEY")
            return {"secret": secret, "key": key}
        if isinstance(data, dict) and "name" in data and "secret" not in data:
            return {"secret" if name == "name" else name: value for name, value in data.items()}
        return data

    def to_object(self) -> Object:
        """A `secretKeyRef`."""
        reference: Object = {"name": self.secret, "key": self.key}
        return {**reference, "optional": True} if self.optional else reference


def env_variables(
    plain: Mapping[str, str], from_secrets: Mapping[str, SecretKey]
) -> list[dict[str, Any]]:
    """A container's `env`: each sorted by name, plain values first."""
    variables: list[Object] = [
        {"name": name, "value": value} for name, value in sorted(plain.items())
    ]
    variables += [
        {"name": name, "valueFrom": {"secretKeyRef": reference.to_object()}}
        for name, reference in sorted(from_secrets.items())
    ]
    return variables


def read_variables(given: Any) -> tuple[Any, dict[str, Any]]:
    """Part a container's `env` as Kubernetes writes it, a list, into plain values and references.

    Anything but a list is returned as it is. Raises ValueError for another source than a Secret.
    """
    if not isinstance(given, (list, tuple)):
        return given, {}
    plain: Object = {}
    references: Object = {}
    for index, variable in enumerate(given):
        if not isinstance(variable, dict) or not isinstance(variable.get("name"), str):
            raise ValueError(f"{index}: a variable has a name, and a value or valueFrom")
        name = variable["name"]
        if name in plain or name in references:
            raise ValueError(f"{name} is given twice")
        source = variable.get("valueFrom")
        if source is None:
            plain[name] = variable.get("value", "")
        elif isinstance(source, dict) and source.keys() == {"secretKeyRef"}:
            references[name] = source["secretKeyRef"]
        else:
            raise ValueError(f"{name}: of other sources than secretKeyRef, use the overlay")
    return plain, references
