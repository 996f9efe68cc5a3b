"""What a deploy would change, as text that people and Git tools read."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from seldon_deployer.cluster import Object
from seldon_deployer.manifest.ownership import Held, describe_held

_METADATA = ("name", "namespace", "labels", "annotations")
# kubectl's own copy of what it applied: a second text of the same.
_KUBECTL_COPY = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True)
class Difference:
    """A SeldonDeployment as it is (None: there is none) and as it would be.

    Compared are the specification, labels and annotations: what a deployment is asked to be.
    conflicts: the fields over which a deploy would fail, with who owns them. taken: those that it
    would take from them. shared: those that it would own beside others from then on.
    """

    before: Object | None
    after: Object
    conflicts: tuple[Held, ...] = ()
    taken: tuple[Held, ...] = ()
    shared: tuple[Held, ...] = ()

    @property
    def name(self) -> str:
        """The name of the SeldonDeployment."""
        return str(self.after["metadata"]["name"])

    def __bool__(self) -> bool:
        return self.before is None or _asked(self.before) != _asked(self.after)

    @property
    def notes(self) -> list[str]:
        """What a deploy would meet besides: a sentence for each kind of other owners."""
        notes = []
        if self.conflicts:
            notes.append(
                f"deploy would fail, for others own what it changes: "
                f"{describe_held(self.conflicts)} (--force takes it)"
            )
        if self.taken:
            notes.append(f"deploy would take {describe_held(self.taken)}")
        if self.shared:
            notes.append(f"deploy would share {describe_held(self.shared)}")
        return notes

    def __str__(self) -> str:
        """A unified diff of YAML; empty where nothing differs."""
        old = [] if self.before is None else _text(self.before)
        files = (f"live/{self.name}", f"deployed/{self.name}")
        return "".join(unified_diff(old, _text(self.after), *files))


def _asked(obj: Object) -> Object:
    """The parts of an object that somebody asked for; the rest is the API server's."""
    given = dict(obj["metadata"])
    notes = (given.get("annotations") or {}).items()
    given["annotations"] = {key: text for key, text in notes if key != _KUBECTL_COPY}
    metadata: dict[str, Any] = {key: given[key] for key in _METADATA if given.get(key)}
    head = {key: obj[key] for key in ("apiVersion", "kind")}
    return {**head, "metadata": metadata, "spec": obj.get("spec")}


def _text(obj: Object) -> list[str]:
    import yaml

    # Sorted: the API server keeps no order of keys.
    return yaml.safe_dump(_asked(obj), width=1000, allow_unicode=True).splitlines(keepends=True)
