"""A model on a mounted volume: no initializer fetches it, so the server is told where it lies.

Seldon's operator tells a server its model only where it fetches it, and wants a `modelUri` of each
prepackaged one. So the unit is a container of the server's image, with what the operator would
have told it. Source: Seldon Core v1.17.1, observed; MLServer 1.3.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seldon_deployer.catalogue import Server
from seldon_deployer.errors import ConfigError

_MODEL_VERSION = "v1"
# What MLServer is told to load a model with.
_RUNTIMES = {
    "SKLEARN_SERVER": "mlserver_sklearn.SKLearnModel",
    "XGBOOST_SERVER": "mlserver_xgboost.XGBoostModel",
    "MLFLOW_SERVER": "mlserver_mlflow.MLflowRuntime",
}
# Seldon's own servers that take the model's place as a parameter of their class.
_TAKE_PARAMETER = frozenset(_RUNTIMES)


@dataclass(frozen=True)
class MountedServer:
    """The image of a server, and what its container and unit have to say."""

    image: str
    env: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)


def serve_from_volume(server: Server, protocol: str, path: str) -> MountedServer:
    """How `server` is asked to serve what lies at `path`; raises ConfigError if it cannot be."""
    image = server.image(protocol)
    if image is not None and not server.is_prepackaged:
        return MountedServer(image, env={**server.env, "MLSERVER_MODEL_URI": path})
    if image is not None and protocol == "v2" and server.name in _RUNTIMES:
        return MountedServer(
            image,
            env={
                "MLSERVER_MODEL_IMPLEMENTATION": _RUNTIMES[server.name],
                "MLSERVER_MODEL_URI": path,
                "MLSERVER_MODEL_VERSION": _MODEL_VERSION,
            },
        )
    if image is not None and protocol == "seldon" and server.name in _TAKE_PARAMETER:
        return MountedServer(image, parameters={"model_uri": path})
    raise ConfigError(
        f"{server.name} cannot be told of a model at {path}",
        why="Seldon's operator starts it with arguments for what it fetched itself",
        hint="give an address such as pvc://CLAIM/PATH as model_uri, or an image of your own",
    )
