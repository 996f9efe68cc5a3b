"""What ZenML hands over untyped, and must be ours."""

from __future__ import annotations

from zenml.models.v2.misc.service import ServiceType
from zenml.services.service import BaseService, ServiceConfig

from seldon_deployer.errors import ConfigError
from seldon_deployer.zenml_plugin.config import SeldonDeploymentConfig
from seldon_deployer.zenml_plugin.service import SeldonDeploymentService


def own_config(config: ServiceConfig) -> SeldonDeploymentConfig:
    """The configuration, which must be one of ours. Raises ConfigError."""
    if not isinstance(config, SeldonDeploymentConfig):
        raise ConfigError(
            f"a {type(config).__name__} cannot be deployed to Seldon Core",
            hint="use seldon_deployer.zenml_plugin.SeldonDeploymentConfig",
        )
    return config


def own_service(service: BaseService) -> SeldonDeploymentService:
    """The service, which must be one of ours. Raises ConfigError."""
    if not isinstance(service, SeldonDeploymentService):
        raise ConfigError(f"a {type(service).__name__} is no service of this model deployer")
    return service


def check_service_type(service_type: ServiceType | None) -> None:
    """Raise ConfigError for a service type of another model deployer."""
    own = SeldonDeploymentService.SERVICE_TYPE
    if service_type and (service_type.type, service_type.flavor) != (own.type, own.flavor):
        raise ConfigError(
            f"the service type {service_type.type}/{service_type.flavor} cannot be deployed here",
            hint=f"leave service_type out, or use {own.type}/{own.flavor}",
        )
