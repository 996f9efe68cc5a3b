"""The model servers, as data: what each reads, for which protocol, in which versions.

Source: Seldon Core v1.17.1, the operator's `predictor_servers` and the servers' own folders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seldon_deployer import __version__
from seldon_deployer.errors import ConfigError

# The image of our model server: a Python class as a unit.
OUR_IMAGE = f"seldon-deployer/server:{__version__}"

# Implementations that the orchestrator has built in: no container, no model.
BUILT_IN = frozenset({"SIMPLE_MODEL", "SIMPLE_ROUTER", "RANDOM_ABTEST", "AVERAGE_COMBINER"})
UNKNOWN_IMPLEMENTATION = "UNKNOWN_IMPLEMENTATION"


@dataclass(frozen=True, slots=True)
class Server:
    """A prepackaged model server.

    images: protocol -> container image; a protocol that is missing is not served.
    files: protocol -> names that it looks for under the model's folder, in order.
    versions: protocol -> library -> version inside the image, where it is known.
    parameters: parameters it reads, with their defaults ("" where it has none).
    local_class: `module.Class` of our own server of the same kind; None where there is none.
    """

    name: str
    images: Mapping[str, str]
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    versions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    local_class: str | None = None
    needs_model: bool = True

    def image(self, protocol: str) -> str | None:
        """The image for a protocol; `v2` and its old name `kfserving` stand for each other."""
        return self.images.get("v2" if protocol == "kfserving" else protocol)


def _mlserver(kind: str) -> str:
    return f"seldonio/mlserver:1.3.5-{kind}"


SERVERS: Mapping[str, Server] = {
    server.name: server
    for server in (
        Server(
            "SKLEARN_SERVER",
            images={"seldon": "seldonio/sklearnserver:1.17.1", "v2": _mlserver("sklearn")},
            files={
                "seldon": ("model.joblib",),
                "v2": ("model.joblib", "model.pickle", "model.pkl"),
            },
            versions={"seldon": {"scikit-learn": "0.24.2"}},
            parameters={"method": "predict_proba"},
            local_class="seldon_deployer.server.sklearn.SKLearnServer",
        ),
        Server(
            "XGBOOST_SERVER",
            images={"seldon": "seldonio/xgboostserver:1.17.1", "v2": _mlserver("xgboost")},
            files={"seldon": ("model.bst",), "v2": ("model.bst", "model.json", "model.ubj")},
            versions={"seldon": {"xgboost": "1.4.2"}},
        ),
        Server(
            "MLFLOW_SERVER",
            images={"seldon": "seldonio/mlflowserver:1.17.1", "v2": _mlserver("mlflow")},
            files={"seldon": ("MLmodel",), "v2": ("MLmodel",)},
            parameters={"xtype": "ndarray"},
        ),
        Server(
            "TENSORFLOW_SERVER",
            images={
                "seldon": "seldonio/tfserving-proxy:1.17.1",
                "tensorflow": "tensorflow/serving:2.1.0",
            },
            parameters={
                "signature_name": "",
                "model_name": "",
                "model_input": "",
                "model_output": "",
            },
        ),
        Server("TRITON_SERVER", images={"v2": "nvcr.io/nvidia/tritonserver:21.08-py3"}),
        Server("HUGGINGFACE_SERVER", images={"v2": _mlserver("huggingface")}, needs_model=False),
        Server("TEMPO_SERVER", images={"v2": _mlserver("slim")}),
    )
}


def find_server(name: str) -> Server:
    """The server of that name; raises ConfigError that lists the known ones."""
    try:
        return SERVERS[name]
    except KeyError:
        raise ConfigError(
            f"there is no model server {name!r}",
            why="the implementation is none of Seldon's prepackaged servers",
            hint=f"use one of {', '.join(SERVERS)}, or python_class for code of your own",
        ) from None


def server_of_image(image: str) -> Server | None:
    """The server that an image holds, whatever its version; None for any other image.

    Servers of the V2 protocol share a repository: the word after the version tells them apart.
    """
    repository, kind = image_repository(image), _tag_kind(image)
    known = [(each, own) for each in SERVERS.values() for own in each.images.values()]
    found = {each.name: own for each, own in known if image_repository(own) == repository}
    if len(found) > 1:
        found = {name: own for name, own in found.items() if _tag_kind(own) == kind}
    return SERVERS[next(iter(found))] if found else None


def image_repository(image: str) -> str:
    """An image's name without tag, digest and Docker's default registry."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return (head + slash + last.partition(":")[0]).removeprefix("docker.io/")


def _tag_kind(image: str) -> str:
    """What an image's tag says after the version."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    return tag.partition("-")[2]


def is_prepackaged(implementation: str | None) -> bool:
    """Whether Seldon takes this implementation for a server's name: it does so with any typo."""
    return bool(implementation) and implementation not in BUILT_IN | {UNKNOWN_IMPLEMENTATION}
