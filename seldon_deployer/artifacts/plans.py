"""Which server reads a model, and what must be done to the model first. Pure decisions.

A server says which formats it reads and under which names (`catalogue`); a format under another
name is copied, and some formats can be turned into others (`layouts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seldon_deployer.artifacts.frameworks import title
from seldon_deployer.artifacts.names import UNREAD, Candidate
from seldon_deployer.artifacts.versions import Effect, judge_versions
from seldon_deployer.catalogue import Server, find_server
from seldon_deployer.errors import ArtifactError

# framework -> servers by default, in this order; a pickle of any other framework's own wrapper
# predicts as scikit-learn's do.
_SERVERS: Mapping[str, tuple[str, ...]] = {
    "catboost": ("CATBOOST_SERVER",),
    "huggingface": ("HUGGINGFACE_SERVER", "OUR_HUGGINGFACE_SERVER"),
    "keras": ("KERAS_SERVER",),
    "lightgbm": ("LIGHTGBM_SERVER",),
    "mlflow": ("MLFLOW_SERVER",),
    "onnx": ("TRITON_SERVER", "ONNX_SERVER"),
    "pytorch": ("PYTORCH_SERVER",),
    "sklearn": ("SKLEARN_SERVER", "OUR_SKLEARN_SERVER"),
    "tensorflow": ("TENSORFLOW_SERVER", "KERAS_SERVER"),
    "triton": ("TRITON_SERVER",),
    "xgboost": ("XGBOOST_SERVER", "OUR_XGBOOST_SERVER"),
}
_WRAPPER_SERVERS = ("OUR_SKLEARN_SERVER",)
_WRAPPED = frozenset({"catboost", "lightgbm", "xgboost"})

# What the image of Seldon's server can be trusted to hold; a pickle of more than that fails there.
_PACKAGES: Mapping[str, frozenset[str]] = {
    "SKLEARN_SERVER": frozenset({"sklearn", "numpy", "scipy", "joblib", "pandas", "__main__"}),
}

# Endings of the names under which servers read a format.
_ENDINGS: Mapping[str, tuple[str, ...]] = {
    "cbm": (".cbm",),
    "export": (".pt2",),
    "h5": (".h5",),
    "json": (".json", ".bst"),
    "keras": (".keras",),
    "onnx": (".onnx",),
    "pickle": (".joblib", ".pickle", ".pkl"),
    "binary": (".bst",),
    "text": (".txt",),
    "torchscript": (".pt",),
    "ubj": (".ubj", ".bst"),
}
# framework -> format -> formats it can be turned into; the first that a server reads is taken.
CONVERSIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "catboost": {"json": ("cbm",), "pickle": ("cbm",)},
    "keras": {
        "keras": ("savedmodel",),
        "h5": ("savedmodel",),
        "pickle": ("keras", "savedmodel"),
    },
    "lightgbm": {"pickle": ("text",)},
    "onnx": {"onnx": ("triton",)},
    "pytorch": {"module": ("torchscript",), "torchscript": ("triton",)},
    "tensorflow": {"savedmodel": ("triton",)},
    "xgboost": {"booster": ("json", "ubj"), "pickle": ("json", "ubj")},
}
# What no server can serve, and what to do instead.
_HOPELESS: Mapping[str, tuple[str, str]] = {
    "weights": (
        "it holds weights without the code that uses them",
        "save the model with its code: model.save(...) of Keras, torch.export.save or TorchScript",
    ),
    "old": (
        "torch.save wrote it before version 1.6",
        "load it and save it again as TorchScript: torch.jit.script(model).save('model.pt')",
    ),
    "broken": (
        "its content is none that PyTorch writes",
        "save the model again, and check that the copy is whole",
    ),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model gets into its server's layout.

    target: the path under which the server reads it, below the served folder. converted_to: the
    format that it must be turned into; None where it fits, or needs another name only.
    """

    server: Server
    target: str
    converted_to: str | None = None

    def fits(self, file: str) -> bool:
        """Whether nothing is to be done to a model that lies at this path."""
        return self.converted_to is None and self.target == file


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model needs of its server: library -> version, and packages that loading imports."""

    trained_with: Mapping[str, str] = field(default_factory=dict)
    packages: frozenset[str] = frozenset()


NOTHING_KNOWN = Needs()


def choose_server(
    model: Candidate, *, protocol: str, is_local: bool, needs: Needs = NOTHING_KNOWN
) -> Server:
    """The server for a model that nobody named one for.

    On a cluster the first of Seldon's that speaks the protocol, unless what it has is known not to
    read the model; else ours. The embedded runtime runs no other than those that we have; there a
    server that reads the model as it is comes before one that it must be turned into something for.
    Raises ArtifactError.
    """
    check_servable(model)
    speaking = _speaking(model, protocol)
    if is_local:
        here = [each for each in speaking if each.local_class] or speaking[:1]
        return min(here, key=lambda each: _effort(model, each, protocol))
    able = (
        each
        for each in speaking
        if find_plan(model, each, protocol) is not None
        and not _obstacles(model, each, protocol, needs)
    )
    return next(able, speaking[-1])


def explain_choice(model: Candidate, server: Server, *, protocol: str, needs: Needs) -> str:
    """Why a server of Seldon's was passed over for this one; "" where none was."""
    if server.is_prepackaged:
        return ""
    for passed in _speaking(model, protocol):
        told = _obstacles(model, passed, protocol, needs) if passed.is_prepackaged else []
        if told:
            return (
                f"{passed.name} cannot read this model: {', '.join(told)}. {server.name} serves it "
                "instead, with the libraries of an image that you build: see "
                "`seldon-deployer image context`"
            )
    return ""


def _speaking(model: Candidate, protocol: str) -> list[Server]:
    """The servers for a model that speak a protocol, in order; raises ArtifactError for none."""
    framework = str(model.framework)
    names = _SERVERS.get(framework, ())
    if framework in _WRAPPED and model.format == "pickle":
        names = _WRAPPER_SERVERS
    servers = [find_server(name) for name in names]
    speaking = [server for server in servers if server.image(protocol) is not None]
    if not speaking:
        protocols = sorted({each for server in servers for each in server.images})
        raise ArtifactError(
            f"a {title(framework)} model cannot be served with the protocol {protocol}",
            why=f"{' and '.join(names) or 'no server'} does not speak it",
            hint=f"set protocol to {' or '.join(protocols)}",
        )
    return speaking


def _effort(model: Candidate, server: Server, protocol: str) -> tuple[bool, bool]:
    """What serving a model by a server takes, the least first: the first of equals is taken.

    A server that looks for no file by name reads trees: most models have to become one first.
    """
    plan = find_plan(model, server, protocol)
    return plan is None or plan.converted_to is not None, not server.files


def _obstacles(model: Candidate, server: Server, protocol: str, needs: Needs) -> list[str]:
    """Why a server is known not to read a model."""
    verdict = judge_versions(needs.trained_with, server.versions.get(protocol, {}), model.format)
    told = list(verdict.reasons) if verdict.effect > Effect.MAY_FAIL else []
    has = _PACKAGES.get(server.name)
    if has is not None and (lacking := sorted(needs.packages - has)):
        told.append(f"its image is not known to have {', '.join(lacking)}")
    return told


def find_plan(model: Candidate, server: Server, protocol: str) -> Plan | None:
    """What must be done so that a server reads a model; None where it never will.

    A server of which no formats are known is trusted to read its own names, or anything.
    """
    names = server.files.get(protocol, ())
    if not server.formats:
        fitting = not names or model.file in names
        return Plan(server, model.file) if fitting else None
    if model.format in server.formats or _is_unread(model, names):
        return Plan(server, _target(model, names))
    turned = CONVERSIONS.get(str(model.framework), {}).get(model.format, ())
    wanted = next((each for each in turned if each in server.formats), None)
    if wanted is None:
        return None
    return Plan(server, _target_of(wanted, names), wanted)


def check_servable(model: Candidate) -> None:
    """Raise ArtifactError for a file that is known to be no whole model."""
    if model.format in _HOPELESS:
        why, hint = _HOPELESS[model.format]
        raise ArtifactError(f"{model.file} cannot be served", why=why, hint=hint)


def _is_unread(model: Candidate, names: tuple[str, ...]) -> bool:
    """A format that nobody looked at is taken at its name's word."""
    return model.format == UNREAD and model.file in names


def _target(model: Candidate, names: tuple[str, ...]) -> str:
    if model.file in names or not names:
        return _tree_target(model) if not names else model.file
    return _target_of(model.format, names)


def _tree_target(model: Candidate) -> str:
    """Servers without names read trees: a SavedModel lies in a version's folder, others on top."""
    if model.format == "savedmodel" and "/" not in model.file:
        return f"1/{model.file}"
    if model.format == "huggingface":
        return model.file.rpartition("/")[2]
    return model.file


def _target_of(kind: str, names: tuple[str, ...]) -> str:
    if kind == "savedmodel":
        return "1/saved_model.pb"
    endings = _ENDINGS.get(kind, ())
    fitting = (name for ending in endings for name in names if name.endswith(ending))
    return next(fitting, names[0] if names else "")
