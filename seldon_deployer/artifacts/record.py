"""What a pipeline noted of an artifact when it stored it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seldon_deployer.artifacts.frameworks import framework_of


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """What ZenML knows of an artifact; empty where nobody does.

    materializer: dotted name of the class that wrote it. data_type: of the object's class.
    versions: library -> version of the environment that ran the step.
    """

    materializer: str | None = None
    data_type: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def framework(self) -> str | None:
        """The framework of the stored object's class; None where it tells none."""
        return framework_of(self.data_type or "")


NO_RECORD = ArtifactRecord()
