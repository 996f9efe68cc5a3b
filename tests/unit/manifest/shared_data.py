"""The recorded material that some tests compare with; it may be missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

SHARED = Path(__file__).parents[3].parent / "shared"

needs_samples = pytest.mark.skipif(
    not (SHARED / "samples").is_dir(), reason="the published sample manifests are not here"
)
needs_crd = pytest.mark.skipif(
    not (SHARED / "crd").is_dir(), reason="Seldon's own CustomResourceDefinition is not here"
)
needs_records = pytest.mark.skipif(
    not (SHARED / "operator-records").is_dir(), reason="the operator's records are not here"
)


def load_documents(path: Path) -> list[Any]:
    """The YAML or JSON documents of a file."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [one for one in yaml.load_all(path.read_text(), Loader=loader) if one]


def record_names() -> list[str]:
    """The recorded cases of the operator, by folder name."""
    return sorted(path.parent.name for path in SHARED.glob("operator-records/*/objects.json"))


def load_record(name: str) -> tuple[list[Any], dict[str, Any]]:
    """A case's input documents (one per phase) and the objects it ended with."""
    folder = SHARED / "operator-records" / name
    objects = json.loads((folder / "objects.json").read_text())
    return load_documents(folder / "input.yaml"), objects
