"""The second container of a TENSORFLOW_SERVER: TensorFlow Serving, behind Seldon's proxy.

The embedded runtime has no TensorFlow Serving: the process of the unit does the work of both.
Source: Seldon Core 1.17.1, observed.
"""

from __future__ import annotations

from typing import Any

from seldon_deployer.catalogue import find_server, image_repository
from seldon_deployer.naming import MODELS_MOUNT

Object = dict[str, Any]

SERVER = "TENSORFLOW_SERVER"
CONTAINER = "tfserving"
_GRPC_PORT, _REST_PORT = 2000, 2001


def is_behind_proxy(unit: Object, protocol: str) -> bool:
    """Whether a unit is Seldon's proxy before TensorFlow Serving."""
    return unit["implementation"] == SERVER and protocol == "seldon"


def endpoint_parameters(unit: Object) -> list[Object]:
    """What the proxy is told of TensorFlow Serving, after the parameters of the unit."""
    told = {
        "rest_endpoint": f"http://0.0.0.0:{_REST_PORT}",
        "grpc_endpoint": f"0.0.0.0:{_GRPC_PORT}",
        "model_name": unit["name"],
    }
    return [{"name": name, "value": value, "type": "STRING"} for name, value in told.items()]


def add_serving(pod: Object, unit: Object) -> Object:
    """Give a pod the container that reads the unit's model, in place; returns it."""
    for container in pod["containers"]:
        if container["name"] == CONTAINER:
            found: Object = container
            return found
    container = {
        "name": CONTAINER,
        "image": find_server(SERVER).image("tensorflow"),
        "args": [
            f"--port={_GRPC_PORT}",
            f"--rest_api_port={_REST_PORT}",
            f"--model_name={unit['name']}",
            f"--model_base_path={MODELS_MOUNT}",
        ],
        "ports": [{"containerPort": port, "protocol": "TCP"} for port in (_GRPC_PORT, _REST_PORT)],
    }
    pod["containers"].append(container)
    return container


def is_serving(container: Object) -> bool:
    """Whether a container is TensorFlow Serving behind a proxy."""
    return container["name"] == CONTAINER and _is_image(container, "tensorflow")


def mounts_of(container: Object, pod: Object) -> list[Object]:
    """What a container mounts; for a proxy, what TensorFlow Serving beside it does as well."""
    own: list[Object] = container.get("volumeMounts", [])
    if not _is_image(container, "seldon"):
        return own
    beside = [each for each in pod["containers"] if is_serving(each)]
    return own + [mount for each in beside for mount in each.get("volumeMounts", [])]


def _is_image(container: Object, protocol: str) -> bool:
    image = find_server(SERVER).image(protocol) or ""
    return image_repository(container.get("image", "")) == image_repository(image)
