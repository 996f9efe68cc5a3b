"""The flavor `seldon_core` and the options that `zenml model-deployer register` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator
from zenml.constants import KUBERNETES_CLUSTER_RESOURCE_TYPE
from zenml.model_deployers.base_model_deployer import (
    BaseModelDeployerConfig,
    BaseModelDeployerFlavor,
)
from zenml.models import ServiceConnectorRequirements

if TYPE_CHECKING:
    from seldon_deployer.zenml_plugin.model_deployer import SeldonModelDeployer

# `seldon` belongs to ZenML's own integration; a migration would put it back.
FLAVOR_NAME = "seldon_core"


class SeldonModelDeployerConfig(BaseModelDeployerConfig):
    """Where models are deployed to, and with which credentials they are read.

    Every option has a default: ZenML's CLI cannot register an optional one without.
    """

    kubernetes_context: str | None = Field(
        default=None, description="Context of the kubeconfig; the active one if left out."
    )
    kubernetes_namespace: str | None = Field(
        default=None, description="Namespace of the deployments; the context's own if left out."
    )
    base_url: str | None = Field(
        default=None, description="URL under which the cluster's ingress is reached."
    )
    storage_secret: str | None = Field(
        default=None,
        description="Name of a ZenML secret with the storage credentials, of which a Kubernetes "
        "Secret is made for the pods.",
    )
    kubernetes_secret_name: str | None = Field(
        default=None,
        description="Name of that Kubernetes Secret; without storage_secret, of an existing one.",
    )
    runtime: Literal["auto", "cluster", "local"] = Field(
        default="auto",
        description="A cluster, the embedded runtime, or whichever is there.",
    )
    preflight: Literal["strict", "warn", "off"] = Field(
        default="warn",
        description="Look at the model and its credentials before anything is sent: what this "
        "machine cannot see is an error, a warning, or nothing is looked at.",
    )
    server_image: str | None = Field(
        default=None,
        description="Image of our model server on a cluster, for models that no server of Seldon's "
        "reads; `seldon-deployer image context` writes what to build.",
    )

    @model_validator(mode="before")
    @classmethod
    def _local_has_no_context(cls, given: Any) -> Any:
        # Before the fields are there: reading one would ask the store for a secret it refers to.
        if isinstance(given, dict) and given.get("runtime") == "local":
            context = given.get("kubernetes_context")
            if context is not None:
                raise ValueError(
                    "runtime=local and kubernetes_context exclude each other: leave one out"
                )
        return given


class SeldonModelDeployerFlavor(BaseModelDeployerFlavor):
    """Seldon Core v1, on a cluster or on the embedded runtime."""

    @property
    def name(self) -> str:
        """Name of the flavor."""
        return FLAVOR_NAME

    @property
    def display_name(self) -> str:
        """Name for people."""
        return "Seldon Core"

    @property
    def service_connector_requirements(self) -> ServiceConnectorRequirements | None:
        """Any connector that gives a Kubernetes client."""
        return ServiceConnectorRequirements(resource_type=KUBERNETES_CLUSTER_RESOURCE_TYPE)

    @property
    def config_class(self) -> type[SeldonModelDeployerConfig]:
        """The options."""
        return SeldonModelDeployerConfig

    @property
    def implementation_class(self) -> type[SeldonModelDeployer]:
        """The model deployer, imported only when one is made."""
        from seldon_deployer.zenml_plugin.model_deployer import SeldonModelDeployer

        return SeldonModelDeployer
