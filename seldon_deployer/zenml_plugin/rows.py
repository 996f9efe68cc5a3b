"""ZenML's service rows: one for each deployment, written whole, holding nothing that changes.

A row's configuration cannot be changed after it was created, so it holds only what identifies
the deployment; all else is read from the resource. That keeps a service's UUID, like its URL,
over redeployments, and a service that an earlier run returned can still be loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from uuid import UUID

from pydantic import ValidationError
from zenml.client import Client
from zenml.enums import ServiceState
from zenml.exceptions import EntityExistsError
from zenml.model_deployers.base_model_deployer import get_model_version_id_if_exists
from zenml.models import ServiceRequest, ServiceResponse

from seldon_deployer.errors import InvalidName, NotFound
from seldon_deployer.naming import resource_name
from seldon_deployer.zenml_plugin.config import SeldonDeploymentConfig
from seldon_deployer.zenml_plugin.service import SeldonDeploymentService

logger = logging.getLogger(__name__)

SERVICE_SOURCE = f"{SeldonDeploymentService.__module__}.{SeldonDeploymentService.__qualname__}"

_PAGE_SIZE = 100
_IDENTITY = {
    "type",
    "name",
    "model_name",
    "service_name",
    "model_deployer_id",
    "kubernetes_namespace",
    "project_id",
}


def list_services(
    model_deployer_id: UUID, namespace: str, *, service_uuid: UUID | None = None
) -> list[SeldonDeploymentService]:
    """All services of one model deployer and namespace, newest first, as their rows tell.

    A row that cannot be read is reported and left out: it must not hide the others. Of two rows
    for one model name, which deployments at the same moment may leave, the older one counts.
    """
    services = {
        service.name: service
        for row in _rows(service_uuid)
        if (row.config or {}).get("model_deployer_id") == str(model_deployer_id)
        and (service := _read(row))
        and service.config.kubernetes_namespace == namespace
    }
    return list(services.values())


def ensure_service(
    config: SeldonDeploymentConfig, model_deployer_id: UUID, namespace: str
) -> tuple[SeldonDeploymentService, bool]:
    """Find the service of this model name, or create its row; tells whether it was created."""
    existing = find_service(config.model_name, model_deployer_id, namespace)
    if existing:
        return existing, False
    client = Client()
    identity = SeldonDeploymentConfig(
        name=config.model_name,
        model_name=config.model_name,
        model_deployer_id=str(model_deployer_id),
        kubernetes_namespace=namespace,
        project_id=str(client.active_project.id),
    )
    service = SeldonDeploymentService(
        # The store gives the UUID: this one only completes what the row is written from.
        uuid=UUID(int=0),
        admin_state=ServiceState.ACTIVE,
        config=identity,
        status={"state": ServiceState.PENDING_STARTUP},
    )
    request = ServiceRequest(
        name=identity.service_name,
        service_type=SeldonDeploymentService.SERVICE_TYPE,
        service_source=SERVICE_SOURCE,
        admin_state=service.admin_state,
        config=identity.model_dump(include=_IDENTITY, mode="json"),
        status=service.status.model_dump(mode="json"),
        project=client.active_project.id,
        model_version_id=_model_version(config),
    )
    try:
        created = client.zen_store.create_service(request).id
    except EntityExistsError:
        created = None
    # Somebody else may deploy the same model name at this moment; the older row stays.
    oldest = find_service(config.model_name, model_deployer_id, namespace)
    if oldest is None:
        raise NotFound(
            f"the service of {config.model_name} was deleted while it was deployed",
            hint="deploy it again",
        )
    if created is not None and oldest.uuid != created:
        forget_service(created)
    return oldest, oldest.uuid == created


def find_service(
    model_name: str, model_deployer_id: UUID, namespace: str
) -> SeldonDeploymentService | None:
    """The service of a model name, or None."""
    name = resource_name(model_name)
    services = list_services(model_deployer_id, namespace)
    return next((service for service in services if service.name == name), None)


def save_service(service: SeldonDeploymentService) -> None:
    """Write what a dashboard shows of the service: state, URL, model version."""
    Client().update_service(
        id=service.uuid,
        admin_state=service.admin_state,
        status=service.status.model_dump(mode="json"),
        prediction_url=service.prediction_url,
        model_version_id=_model_version(service.config),
    )


def forget_service(service_uuid: UUID) -> None:
    """Delete the row; one that is gone already is fine."""
    try:
        Client().delete_service(service_uuid)
    except KeyError:
        logger.debug("service row %s was gone already", service_uuid)


def _rows(service_uuid: UUID | None) -> Iterator[ServiceResponse]:
    client = Client()
    page = 1
    while True:
        answer = client.list_services(
            sort_by="desc:created",
            page=page,
            size=_PAGE_SIZE,
            id=service_uuid,
            type=SeldonDeploymentService.SERVICE_TYPE.type,
            flavor=SeldonDeploymentService.SERVICE_TYPE.flavor,
            hydrate=True,
        )
        yield from answer.items
        if page >= answer.total_pages:
            return
        page += 1


def _read(row: ServiceResponse) -> SeldonDeploymentService | None:
    if row.service_source != SERVICE_SOURCE:
        logger.warning("left out service %s: unknown class %s", row.id, row.service_source)
        return None
    try:
        service = SeldonDeploymentService(
            uuid=row.id,
            admin_state=row.admin_state or ServiceState.ACTIVE,
            config=row.config,
            status=row.status or {},
        )
        logger.debug("service %s is %s", service.uuid, service.name)
    except (ValidationError, InvalidName) as error:
        # Not the error's own text: it repeats values of the row.
        logger.warning("left out service %s: %s in its row", row.id, type(error).__name__)
        return None
    return service


def _model_version(config: SeldonDeploymentConfig) -> UUID | None:
    if not config.model_version:
        return None
    return get_model_version_id_if_exists(config.model_name, config.model_version)
