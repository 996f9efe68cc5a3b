"""A stored artifact as the object it was, by ZenML's own materializer, without ZenML's database."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from seldon_deployer.server.load import LoadFailed, find_object

LOADER = "seldon_deployer.zenml_plugin.materializer.load_artifact"


def load_artifact(folder: str, *, materializer: str, data_type: str) -> Any:
    """Load what the materializer stored in a folder of this machine.

    materializer, data_type: import strings, as ZenML notes them of an artifact. No ZenML store,
    stack or configuration is asked or made. Raises LoadFailed where one of them is not there.
    """
    try:
        # Imported on use: without it, what is missing is told by its name.
        from zenml.artifact_stores.local_artifact_store import (
            LocalArtifactStore,
            LocalArtifactStoreConfig,
        )
        from zenml.enums import StackComponentType
    except ModuleNotFoundError as error:
        raise LoadFailed(
            f"the package {error.name} is not installed",
            why=f"{materializer} needs it to load the model",
            hint="add zenml to the image's requirements, or load the model by a function: loader",
        ) from error
    place = Path(folder).absolute()
    now = datetime.now(UTC)
    store = LocalArtifactStore(
        name="unit",
        id=uuid4(),
        config=LocalArtifactStoreConfig(path=str(place)),
        flavor="local",
        type=StackComponentType.ARTIFACT_STORE,
        user=None,
        created=now,
        updated=now,
    )
    loaded = find_object(materializer)(uri=str(place), artifact_store=store).load(
        find_object(data_type)
    )
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(loaded, torch.nn.Module):
        # As it was stored it may be in training, where it answers otherwise.
        loaded.eval()
    return loaded
