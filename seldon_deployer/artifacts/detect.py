"""What a listing of files holds, and which server reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from seldon_deployer.catalogue import Server, find_server
from seldon_deployer.errors import ArtifactError

SKLEARN_SERVER = "SKLEARN_SERVER"
# What this server reads, whatever the protocol.
MODEL_FILE = "model.joblib"

# A pickle by another name is turned into the server's file.
_PICKLES = (".joblib", ".pickle", ".pkl")
# Files that tell another framework's model by their name alone.
_OTHERS = {
    "MLmodel": "MLflow",
    "model.bst": "XGBoost",
    "model.json": "XGBoost",
    "model.ubj": "XGBoost",
    "saved_model.pb": "TensorFlow",
    "model.keras": "Keras",
    "model.h5": "Keras",
    "entire_model.pt": "PyTorch",
    "checkpoint.pt": "PyTorch",
    "model.onnx": "ONNX",
    "model.safetensors": "Hugging Face",
    "pytorch_model.bin": "Hugging Face",
    "model.cbm": "CatBoost",
    "model.txt": "LightGBM",
}
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Detected:
    """The model in a listing.

    file: its path within the listing. fits: whether the server reads it where and as it is.
    framework: "pickle" until someone looks inside (see `pickles`); else the server's own.
    """

    framework: str
    file: str
    implementation: str | None
    fits: bool


def detect(
    files: Iterable[str], *, protocol: str = "seldon", implementation: str | None = None
) -> Detected:
    """Find the model among `files` (paths relative to the artifact's folder).

    A server's own file wins over any other. Raises ArtifactError that lists what was seen, when
    there is no model, more than one, or one that nothing here can serve.
    """
    seen = sorted(name for name in files if not PurePosixPath(name).name.startswith("."))
    if not seen:
        raise ArtifactError(
            "the artifact holds no model",
            why="its folder is empty",
            hint="check model_uri; a wrong path may exist and be empty",
        )
    server = find_server(implementation or SKLEARN_SERVER)
    for wanted in server.files.get(protocol, ()):
        if wanted in seen:
            return Detected(_framework(server), wanted, server.name, fits=True)
    if server.name != SKLEARN_SERVER:
        return _trust(server, seen, protocol)
    pickles = [name for name in seen if name.endswith(_PICKLES) and "/" not in name]
    if len(pickles) > 1:
        raise ArtifactError(
            "the artifact holds more than one model",
            why=f"found {_list(pickles)}",
            hint=f"leave one, or name the right one {MODEL_FILE}",
        )
    if pickles:
        return Detected("pickle", pickles[0], implementation, fits=False)
    raise _nothing_for_us(seen)


def _trust(server: Server, seen: list[str], protocol: str) -> Detected:
    """Another server was named: check what is known of its files, and change nothing."""
    wanted = server.files.get(protocol, ())
    if wanted:
        raise ArtifactError(
            f"the artifact is none that {server.name} reads",
            why=f"it wants {' or '.join(wanted)}; found {_list(seen)}",
            hint="save the model under that name, or choose another implementation",
        )
    return Detected(_framework(server), seen[0], server.name, fits=True)


def _nothing_for_us(seen: list[str]) -> ArtifactError:
    for name in seen:
        framework = _OTHERS.get(PurePosixPath(name).name)
        if framework:
            return ArtifactError(
                f"a {framework} model cannot be deployed yet",
                why=f"found {_list(seen)}; served so far: scikit-learn and Python classes",
                hint="wrap it in a Python class of your own: python_class",
            )
    return ArtifactError(
        "the artifact holds no model",
        why=f"found {_list(seen)}",
        hint=f"give the artifact of the trained model; {MODEL_FILE}, *.pkl and *.pickle are read",
    )


def _framework(server: Server) -> str:
    return server.name.removesuffix("_SERVER").lower()


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
