"""A served model as ZenML knows it: state, URL, predictions, logs."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import Field, PrivateAttr
from typing_extensions import override
from zenml.enums import ServiceState
from zenml.model_deployers.base_model_deployer import (
    DEFAULT_DEPLOYMENT_START_STOP_TIMEOUT as START_STOP_SECONDS,
)
from zenml.models.v2.misc.service import ServiceType
from zenml.services.service import BaseDeploymentService
from zenml.services.service_status import ServiceStatus

from seldon_deployer.errors import ConfigError, NotFound, SeldonDeployerError
from seldon_deployer.naming import resource_name
from seldon_deployer.zenml_plugin.config import SeldonDeploymentConfig
from seldon_deployer.zenml_plugin.provenance import read_config

if TYPE_CHECKING:
    from seldon_deployer.client.exchange import Returns
    from seldon_deployer.service import Service
    from seldon_deployer.zenml_plugin.model_deployer import SeldonModelDeployer

_STATES = {
    "Available": ServiceState.ACTIVE,
    "Creating": ServiceState.PENDING_STARTUP,
    "Failed": ServiceState.ERROR,
    "Stopped": ServiceState.INACTIVE,
}


class SeldonDeploymentServiceStatus(ServiceStatus):
    """The last known state, and where predictions are asked for."""

    prediction_url: str | None = None
    replicas: int | None = None


class SeldonDeploymentService(BaseDeploymentService):
    """One SeldonDeployment; its UUID and URL stay over redeployments of the same model name."""

    SERVICE_TYPE = ServiceType(
        name="seldon-deployment",
        type="model-serving",
        flavor="seldon_core",
        description="Seldon Core v1 inference service",
    )

    config: SeldonDeploymentConfig
    status: SeldonDeploymentServiceStatus = Field(default_factory=SeldonDeploymentServiceStatus)

    _model_deployer: SeldonModelDeployer | None = PrivateAttr(default=None)
    _handle: Service | None = PrivateAttr(default=None)

    @property
    def name(self) -> str:
        """Name of the SeldonDeployment."""
        return resource_name(self.config.model_name)

    @property
    def prediction_url(self) -> str | None:
        """The whole URL that takes predictions, as last seen; None before the first deployment."""
        return self.status.prediction_url

    def bind(self, model_deployer: SeldonModelDeployer) -> None:
        """Use this model deployer's connection instead of looking the component up."""
        self._model_deployer = model_deployer

    def show(self, handle: Service | None) -> None:
        """Take configuration and state from the live resource; None means that it is gone."""
        self._handle = handle
        if handle is None:
            self.status.update_state(
                ServiceState.INACTIVE, f"there is no SeldonDeployment {self.name} any more"
            )
            return
        live = read_config(handle.manifest)
        live.project_id = self.config.project_id
        self.config = live
        self.status.prediction_url = handle.prediction_url
        self.status.replicas = handle.replicas
        state, message = service_state(handle)
        self.status.clear_error()
        self.status.update_state(state, message)

    def check_status(self) -> tuple[ServiceState, str]:
        """Read the live resource: one request."""
        try:
            self.show(self.model_deployer.deployer.get(self.name))
        except NotFound:
            self.show(None)
        except SeldonDeployerError as error:
            return ServiceState.ERROR, str(error)
        return self.status.state, self.status.last_error

    def predict(
        self,
        request: Any,
        *,
        names: Sequence[str] | None = None,
        returns: Returns = "value",
        timeout_seconds: float | None = None,
    ) -> Any:
        """Ask for a prediction and return what the model answers, as the core's handle does.

        `request` is an array, rows, a frame, a list of dicts, one row of a frame, a text, bytes,
        or a whole Seldon or V2 message as a dict. `returns` asks for the whole `message`, or a
        `pandas` or `polars` frame.
        Raises PredictionError when the service answers with an error, or not at all.
        """
        if self._handle is None:
            self._handle = self.model_deployer.deployer.get(self.name)
        return self._handle.predict(
            request, names=names, returns=returns, timeout_seconds=timeout_seconds
        )

    @override
    def start(self, timeout: int = 0) -> None:
        """Bring back as many replicas as there were before the stop, and wait until they answer.

        `timeout` is in seconds; 0 is the model deployer's own. Raises DeploymentTimeout,
        DeploymentFailed, or NotFound where it was deleted.
        """
        self.model_deployer.start_model_server(self.uuid, timeout or START_STOP_SECONDS)
        self.admin_state = ServiceState.ACTIVE
        self.update_status()

    @override
    def stop(self, timeout: int = 0, force: bool = False) -> None:
        """End all replicas; the deployment stays, and so does its URL. Else as `start`."""
        self.model_deployer.stop_model_server(self.uuid, timeout or START_STOP_SECONDS, force)
        self.admin_state = ServiceState.INACTIVE
        self.update_status()

    def get_logs(self, follow: bool = False, tail: int | None = None) -> Generator[str, bool, None]:
        """Yield the log lines of all its pods and containers, as they were written."""
        if self._handle is None:
            self._handle = self.model_deployer.deployer.get(self.name)
        yield from self._handle.logs(tail=tail, follow=follow)

    @property
    def model_deployer(self) -> SeldonModelDeployer:
        """The stack component that deployed this, in whichever stack it is now."""
        if self._model_deployer is None:
            self._model_deployer = _load_model_deployer(self.config.model_deployer_id)
        return self._model_deployer


def service_state(handle: Service) -> tuple[ServiceState, str]:
    """Translate a SeldonDeployment's state, with what Seldon says of it unless all is well."""
    state = _STATES.get(handle.state, ServiceState.PENDING_STARTUP)
    if state in {ServiceState.ACTIVE, ServiceState.INACTIVE}:
        return state, ""
    return state, str((handle.manifest.get("status") or {}).get("description") or "")


def _load_model_deployer(component_id: str) -> SeldonModelDeployer:
    from zenml.client import Client
    from zenml.enums import StackComponentType
    from zenml.stack import StackComponent

    from seldon_deployer.zenml_plugin.model_deployer import SeldonModelDeployer

    try:
        component = Client().get_stack_component(
            StackComponentType.MODEL_DEPLOYER, UUID(component_id)
        )
    except (KeyError, ValueError) as error:
        raise ConfigError(
            "the service cannot be reached through ZenML",
            why=f"its model deployer {component_id or '(none)'} is not registered any more",
            hint="seldon-deployer list",
        ) from error
    model_deployer = StackComponent.from_model(component)
    if not isinstance(model_deployer, SeldonModelDeployer):
        raise ConfigError(
            "the service cannot be reached through ZenML",
            why=f"its model deployer {component.name} is of the flavor {component.flavor_name}",
        )
    return model_deployer
