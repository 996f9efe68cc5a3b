"""The stack component: deploys, finds and deletes served models."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from rich.markup import escape
from typing_extensions import override
from zenml.enums import ServiceState
from zenml.logger import get_logger
from zenml.model_deployers.base_model_deployer import (
    DEFAULT_DEPLOYMENT_START_STOP_TIMEOUT,
    BaseModelDeployer,
    BaseModelDeployerFlavor,
)
from zenml.models.v2.misc.service import ServiceType
from zenml.services.service import BaseService, ServiceConfig

from seldon_deployer import __version__
from seldon_deployer.errors import (
    DeploymentError,
    NotFound,
    OwnershipError,
    SeldonDeployerError,
)
from seldon_deployer.zenml_plugin.config import SeldonDeploymentConfig
from seldon_deployer.zenml_plugin.connection import connect_deployer
from seldon_deployer.zenml_plugin.flavor import (
    SeldonModelDeployerConfig,
    SeldonModelDeployerFlavor,
)
from seldon_deployer.zenml_plugin.own import check_service_type, own_config, own_service
from seldon_deployer.zenml_plugin.provenance import (
    MODEL_DEPLOYER_LABEL,
    provenance_annotations,
    provenance_labels,
)
from seldon_deployer.zenml_plugin.rows import (
    ensure_service,
    find_service,
    forget_service,
    list_services,
    save_service,
)
from seldon_deployer.zenml_plugin.search import Criteria
from seldon_deployer.zenml_plugin.service import SeldonDeploymentService
from seldon_deployer.zenml_plugin.wording import told_in_zenml_words

if TYPE_CHECKING:
    from zenml.config.build_configuration import BuildConfiguration
    from zenml.models import PipelineSnapshotBase

    from seldon_deployer.deployer import Deployer
    from seldon_deployer.service import Service

logger = get_logger(__name__)


class SeldonModelDeployer(BaseModelDeployer):
    """Serves models with Seldon Core v1, on a cluster or on the embedded runtime."""

    NAME: ClassVar[str] = "Seldon Core"
    FLAVOR: ClassVar[type[BaseModelDeployerFlavor]] = SeldonModelDeployerFlavor

    _deployer: Deployer | None = None

    @property
    def config(self) -> SeldonModelDeployerConfig:
        """The options it was registered with."""
        return cast(SeldonModelDeployerConfig, self._config)

    @property
    def requirements(self) -> set[str]:
        """What a step image needs: ZenML cannot tell for a component outside its own package."""
        return {f"seldon-deployer[server]=={__version__}"}

    @property
    def deployer(self) -> Deployer:
        """The core's deployer, connected on first use and again when a connector expired."""
        if self._deployer is None or self.connector_has_expired():
            with told_in_zenml_words(self.name):
                self._deployer = connect_deployer(self.name, self.config, self.get_connector())
        return self._deployer

    @property
    def namespace(self) -> str:
        """The Kubernetes namespace that it deploys to."""
        return self.deployer.cluster.namespace

    @override
    def get_docker_builds(
        self,
        snapshot: PipelineSnapshotBase | None = None,
        *,
        deployment: PipelineSnapshotBase | None = None,
    ) -> list[BuildConfiguration]:
        """The images of steps that serve by code of the user's own, for a cluster.

        The embedded runtime needs none. ZenML called a snapshot a deployment before 0.90. It asks
        before anything runs, with all that a run's configuration gives: so that is judged here.
        """
        # Imported on use: most pipelines have no such step.
        from seldon_deployer.zenml_plugin.custom_image import (
            CUSTOM_DEPLOYMENT,
            contexts_folder,
            custom_builds,
        )
        from seldon_deployer.zenml_plugin.known_fields import check_steps

        compiled = snapshot or deployment
        if compiled is None:
            return []
        steps = compiled.step_configurations
        check_steps(steps)
        if not any(step.config.extra.get(CUSTOM_DEPLOYMENT) for step in steps.values()):
            return []
        if self.deployer.is_local:
            return []
        with told_in_zenml_words(self.name):
            return custom_builds(steps, contexts_folder())

    @override
    def deploy_model(
        self,
        config: ServiceConfig,
        service_type: ServiceType | None = None,
        replace: bool = True,
        continuous_deployment_mode: bool = False,
        timeout: int = DEFAULT_DEPLOYMENT_START_STOP_TIMEOUT,
    ) -> SeldonDeploymentService:
        """Serve a model and wait until it answers; a model name that is served is updated.

        An update is in place: same URL, same service, no request lost. With `replace=False` a
        served model name is left as it is: returned when it serves this model URI, an error
        otherwise. `continuous_deployment_mode` asks for what always happens here.
        Raises DeploymentFailed, DeploymentTimeout, or another error of this package; nothing
        half-made stays behind.
        """
        wanted = own_config(config)
        check_service_type(service_type)
        live = self._live(wanted)
        if live is not None and not replace and not continuous_deployment_mode:
            return self._served_already(wanted, live)
        service, is_new = ensure_service(wanted, self.id, self.namespace)
        try:
            deployed = self.perform_deploy_model(service.uuid, wanted, timeout)
        except BaseException:
            if is_new and self._is_absent(service):
                forget_service(service.uuid)
            raise
        save_service(deployed)
        return deployed

    @override
    def perform_deploy_model(
        self,
        id: UUID,
        config: ServiceConfig,
        timeout: int = DEFAULT_DEPLOYMENT_START_STOP_TIMEOUT,
    ) -> SeldonDeploymentService:
        """Deploy to the cluster; the service row with this id is the caller's."""
        from seldon_deployer.zenml_plugin.artifact_record import read_artifact_record
        from seldon_deployer.zenml_plugin.secret_choice import choose_storage_secret

        wanted = own_config(config)
        deployment = wanted.to_deployment_config(
            labels={**wanted.labels, **provenance_labels(wanted, str(self.id))},
            annotations={**wanted.annotations, **provenance_annotations(wanted)},
        )
        choice = choose_storage_secret(deployment, self.config)
        if choice.made_from is None and choice.name is not None:
            deployment = deployment.model_copy(update={"secret_name": choice.name})
        with told_in_zenml_words(self.name):
            handle = self.deployer.deploy(
                deployment,
                credentials=choice.made_from,
                record=read_artifact_record(deployment.model_uri),
                timeout_seconds=timeout,
                progress=logger.info,
            )
        service = SeldonDeploymentService(uuid=id, config=wanted.model_copy())
        return self._shown(service, handle, ServiceState.ACTIVE)

    @override
    def find_model_server(
        self,
        config: dict[str, Any] | None = None,
        running: bool | None = None,
        service_uuid: UUID | None = None,
        pipeline_name: str | None = None,
        pipeline_step_name: str | None = None,
        service_name: str | None = None,
        model_name: str | None = None,
        model_version: str | None = None,
        service_type: ServiceType | None = None,
        type: str | None = None,
        flavor: str | None = None,
        pipeline_run_id: str | None = None,
    ) -> list[BaseService]:
        """Find this component's services that match all criteria, newest first.

        The rows say which services there are, one LIST of the cluster says what each of them is
        now; one whose resource is gone is shown as inactive.
        """
        criteria = Criteria(
            config=config,
            running=running,
            pipeline_name=pipeline_name,
            pipeline_step_name=pipeline_step_name,
            service_name=service_name,
            model_name=model_name,
            model_version=model_version,
            type=type or (service_type.type if service_type else None),
            flavor=flavor or (service_type.flavor if service_type else None),
            pipeline_run_id=pipeline_run_id,
        )
        services = list_services(self.id, self.namespace, service_uuid=service_uuid)
        if not services:
            return []
        handles = self.deployer.find(labels={MODEL_DEPLOYER_LABEL: str(self.id)})
        by_name = {handle.name: handle for handle in handles}
        for service in services:
            service.bind(self)
            service.show(by_name.get(service.name))
        return [service for service in services if criteria.match(service)]

    @override
    def delete_model_server(
        self,
        uuid: UUID,
        timeout: int = DEFAULT_DEPLOYMENT_START_STOP_TIMEOUT,
        force: bool = False,
    ) -> None:
        """Delete the deployment and then its row; raises NotFound for an unknown UUID."""
        service = self._service(uuid)
        self.perform_delete_model(service, timeout, force)
        forget_service(uuid)
        while twin := find_service(service.config.model_name, self.id, self.namespace):
            forget_service(twin.uuid)

    @override
    def perform_delete_model(
        self,
        service: BaseService,
        timeout: int = DEFAULT_DEPLOYMENT_START_STOP_TIMEOUT,
        force: bool = False,
    ) -> None:
        """Delete the SeldonDeployment, unless it is gone or belongs to somebody else by now."""
        name = own_service(service).name
        try:
            handle = self.deployer.get(name)
            if self._is_ours(handle):
                self.deployer.delete(name, timeout_seconds=timeout)
        except NotFound:
            logger.info("%s was gone already", name)

    @override
    def perform_stop_model(
        self,
        service: BaseService,
        timeout: int = DEFAULT_DEPLOYMENT_START_STOP_TIMEOUT,
        force: bool = False,
    ) -> SeldonDeploymentService:
        """End all replicas; the deployment stays, and so does the service."""
        stopped = self._checked(service)
        handle = self.deployer.stop(stopped.name, timeout_seconds=timeout)
        return self._shown(stopped, handle, ServiceState.INACTIVE)

    @override
    def perform_start_model(
        self,
        service: BaseService,
        timeout: int = DEFAULT_DEPLOYMENT_START_STOP_TIMEOUT,
    ) -> SeldonDeploymentService:
        """Bring back as many replicas as there were before the stop, and wait for them."""
        started = self._checked(service)
        with told_in_zenml_words(self.name):
            handle = self.deployer.start(started.name, timeout_seconds=timeout)
        return self._shown(started, handle, ServiceState.ACTIVE)

    @override
    def stop_model_server(
        self,
        uuid: UUID,
        timeout: int = DEFAULT_DEPLOYMENT_START_STOP_TIMEOUT,
        force: bool = False,
    ) -> None:
        """Stop a service; raises NotFound for an unknown UUID."""
        save_service(self.perform_stop_model(self._service(uuid), timeout, force))

    @override
    def start_model_server(
        self, uuid: UUID, timeout: int = DEFAULT_DEPLOYMENT_START_STOP_TIMEOUT
    ) -> None:
        """Start a stopped service; raises NotFound for an unknown UUID."""
        save_service(self.perform_start_model(self._service(uuid), timeout))

    @staticmethod
    def get_model_server_info(service: BaseService) -> dict[str, str | None]:
        """What `zenml model-deployer models describe` and `get-url` show."""
        from urllib.parse import urlsplit

        own = own_service(service)
        url = own.prediction_url
        return {
            "PREDICTION_URL": url,
            "PREDICTION_HOSTNAME": urlsplit(url).hostname if url else None,
            "MODEL_NAME": own.config.model_name,
            "MODEL_URI": own.config.model_uri,
            "IMPLEMENTATION": own.config.implementation,
            "SELDON_DEPLOYMENT": own.name,
            "NAMESPACE": own.config.kubernetes_namespace,
            "PIPELINE_RUN_ID": own.config.pipeline_run_id,
        }

    @override
    def get_model_server_logs(
        self, uuid: UUID, follow: bool = False, tail: int | None = None
    ) -> Generator[str, bool, None]:
        """Yield log lines for ZenML's CLI, which reads `[...]` as markup: so it is escaped."""
        for line in self._service(uuid).get_logs(follow=follow, tail=tail):
            yield escape(line)

    def _live(self, config: SeldonDeploymentConfig) -> Service | None:
        name = config.to_deployment_config().name
        try:
            handle = self.deployer.get(name)
        except NotFound:
            return None
        self._check_ours(handle)
        return handle

    def _check_ours(self, handle: Service) -> None:
        if not self._is_ours(handle):
            raise OwnershipError(
                f"{handle.name} in namespace {handle.namespace} was deployed already, "
                f"and not by the model deployer {self.name}",
                why="changing it would change somebody else's service",
                hint=f"use another model_name, or first `seldon-deployer delete {handle.name}`",
            )

    def _checked(self, service: BaseService) -> SeldonDeploymentService:
        own = own_service(service)
        self._check_ours(self.deployer.get(own.name))
        return own

    def _shown(
        self, service: SeldonDeploymentService, handle: Service, admin_state: ServiceState
    ) -> SeldonDeploymentService:
        service.bind(self)
        service.admin_state = admin_state
        service.show(handle)
        return service

    def _is_ours(self, handle: Service) -> bool:
        labels = handle.manifest["metadata"].get("labels", {})
        return bool(labels.get(MODEL_DEPLOYER_LABEL) == str(self.id))

    def _is_absent(self, service: SeldonDeploymentService) -> bool:
        try:
            self.deployer.get(service.name)
        except NotFound:
            return True
        except SeldonDeployerError:
            logger.warning("cannot tell whether %s is still there; its row stays", service.name)
        return False

    def _served_already(
        self, wanted: SeldonDeploymentConfig, live: Service
    ) -> SeldonDeploymentService:
        if live.model_uri != wanted.model_uri:
            raise DeploymentError(
                f"{wanted.model_name} is not deployed",
                why=f"that name serves {live.model_uri} and replace=False",
                hint="deploy with replace=True, which updates it in place",
            )
        service, _ = ensure_service(wanted, self.id, self.namespace)
        self._shown(service, live, service.admin_state)
        logger.info("%s serves %s already", service.name, live.model_uri)
        return service

    def _service(self, uuid: UUID) -> SeldonDeploymentService:
        services = self.find_model_server(service_uuid=uuid)
        if not services:
            raise NotFound(
                f"there is no model server {uuid} of the model deployer {self.name}",
                hint="zenml model-deployer models list",
            )
        return own_service(services[0])

    def find_by_model_name(self, model_name: str) -> SeldonDeploymentService | None:
        """The service of a model name as it is now, or None."""
        service = find_service(model_name, self.id, self.namespace)
        if service is not None:
            service.bind(self)
            service.update_status()
        return service
