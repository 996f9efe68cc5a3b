"""Which services a search asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zenml.enums import ServiceState

if TYPE_CHECKING:
    from seldon_deployer.zenml_plugin.service import SeldonDeploymentService

# Known only to the row or to the deployer: a searched configuration cannot match them.
_OURS = {"type", "name", "service_name", "model_deployer_id", "project_id"}


@dataclass(frozen=True)
class Criteria:
    """What a service must be; None does not matter, and all that is given must hold."""

    config: dict[str, Any] | None = None
    running: bool | None = None
    pipeline_name: str | None = None
    pipeline_step_name: str | None = None
    service_name: str | None = None
    model_name: str | None = None
    model_version: str | None = None
    type: str | None = None
    flavor: str | None = None
    pipeline_run_id: str | None = None

    def match(self, service: SeldonDeploymentService) -> bool:
        """Whether the service, as last seen, is what is asked for."""
        config, kind = service.config, service.SERVICE_TYPE
        wanted_and_is = [
            (self.pipeline_name, config.pipeline_name),
            (self.pipeline_step_name, config.pipeline_step_name),
            (self.service_name, config.service_name),
            (self.model_name, config.model_name),
            (self.model_version, config.model_version),
            (self.type, kind.type),
            (self.flavor, kind.flavor),
            (str(self.pipeline_run_id) if self.pipeline_run_id else None, config.pipeline_run_id),
        ]
        if any(wanted is not None and wanted != actual for wanted, actual in wanted_and_is):
            return False
        # ZenML's CLI says False where it means "any".
        if self.running and service.status.state != ServiceState.ACTIVE:
            return False
        return self._config_matches(config.model_dump())

    def _config_matches(self, actual: dict[str, Any]) -> bool:
        """Compare only what the searched configuration says: empty values say nothing."""
        wanted = {key: value for key, value in (self.config or {}).items() if value}
        return all(actual.get(key) == value for key, value in wanted.items() if key not in _OURS)
