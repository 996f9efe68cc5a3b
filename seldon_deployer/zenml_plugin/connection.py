"""From a model deployer's options to the Kubernetes API that it deploys to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seldon_deployer.errors import ConfigError

if TYPE_CHECKING:
    from zenml.service_connectors.service_connector import ServiceConnector

    from seldon_deployer.deployer import Deployer
    from seldon_deployer.zenml_plugin.flavor import SeldonModelDeployerConfig


def connect_deployer(
    name: str, options: SeldonModelDeployerConfig, connector: ServiceConnector | None
) -> Deployer:
    """Connect as the options of the component `name` say; a service connector wins.

    Raises ConfigError when connector and options exclude each other.
    """
    from seldon_deployer.deployer import Deployer

    if connector is None:
        return Deployer.connect(
            runtime=options.runtime,
            context=options.kubernetes_context,
            namespace=options.kubernetes_namespace,
            base_url=options.base_url,
            preflight=options.preflight,
            server_image=options.server_image,
        )
    if options.runtime == "local":
        raise ConfigError(
            f"the model deployer {name} has a service connector and runtime=local",
            why="the embedded runtime needs no connector",
            hint=f"zenml model-deployer update {name} --runtime=cluster",
        )
    if not options.kubernetes_namespace:
        raise ConfigError(
            f"the model deployer {name} has a service connector and no namespace",
            why="a connector knows a cluster, but no namespace of it",
            hint=f"zenml model-deployer update {name} --kubernetes_namespace=NAMESPACE",
        )
    return Deployer.connect(
        runtime="cluster",
        namespace=options.kubernetes_namespace,
        base_url=options.base_url,
        api_client=connector.connect(),
        preflight=options.preflight,
        server_image=options.server_image,
    )
