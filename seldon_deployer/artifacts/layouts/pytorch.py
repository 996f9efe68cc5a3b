"""PyTorch: from a pickled module to TorchScript, which needs no class to be loaded."""

from __future__ import annotations

from pathlib import Path

from seldon_deployer.artifacts.layouts.source import Source, import_framework, load_own, quiet
from seldon_deployer.errors import ArtifactError


def script_module(source: Source, draft: Path, target: str) -> None:
    """Compile a whole module, saved by torch.save, to TorchScript.

    Its class must be importable here. What a compiler cannot make of it is told as it says so.
    """
    torch = import_framework("torch", file=source.file)
    model = load_own(
        source, lambda: torch.load(source.path, map_location="cpu", weights_only=False)
    )
    if not isinstance(model, torch.nn.Module):
        raise ArtifactError(
            f"{source.file} holds no PyTorch module",
            why=f"it is a {type(model).__module__}.{type(model).__qualname__}",
            hint="save the module as TorchScript or with torch.export",
        )
    try:
        with quiet():
            torch.jit.script(model.eval()).save(str(draft / target))
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise ArtifactError(
            f"{source.file} cannot be compiled to TorchScript",
            why=f"{type(error).__name__}: {reason}",
            hint="export it where it was trained, with an example of its input: "
            "torch.export.save(torch.export.export(model.eval(), (example,)), 'model.pt2')",
        ) from error
