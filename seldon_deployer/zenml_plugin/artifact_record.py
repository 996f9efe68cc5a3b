"""What ZenML noted of an artifact: who wrote it, what it was, and with which libraries."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from inspect import signature
from typing import Any
from uuid import UUID

from zenml.client import Client
from zenml.models import ArtifactVersionResponse, PipelineRunResponse

from seldon_deployer.artifacts.record import NO_RECORD, ArtifactRecord

logger = logging.getLogger(__name__)

# A line of `pip freeze`; what was installed from a folder or an address has no version there.
_PINNED = re.compile(r"([A-Za-z0-9][\w.-]*)==(\S+)")


def read_artifact_record(model_uri: str | None) -> ArtifactRecord:
    """The record of the artifact at an address; empty where ZenML has none there.

    An artifact that several runs share is told by the run that made it. What cannot be read is
    left out: a record helps, and is never needed.
    """
    if not model_uri:
        return NO_RECORD
    try:
        found = (
            Client()
            .list_artifact_versions(
                uri=f"equals:{model_uri}", sort_by="desc:created", size=1, hydrate=True
            )
            .items
        )
        if not found:
            return NO_RECORD
        return ArtifactRecord(
            materializer=found[0].materializer.import_path,
            data_type=found[0].data_type.import_path,
            versions=_versions_at_training(found[0]),
        )
    except Exception as error:  # noqa: BLE001
        # ZenML's client raises errors of many kinds, and none of them is about the deployment.
        logger.debug("no record of the artifact: %s", type(error).__name__)
        return NO_RECORD


def read_versions(environment: Mapping[str, Any]) -> dict[str, str]:
    """Library -> version, of an environment as ZenML notes it: the lines of `pip freeze`."""
    packages = environment.get("python_packages") or ""
    lines = packages if isinstance(packages, list) else str(packages).splitlines()
    pinned = filter(None, (_PINNED.fullmatch(str(line).strip()) for line in lines))
    return {re.sub(r"[-_.]+", "-", each[1]).lower(): each[2] for each in pinned}


def _versions_at_training(artifact: ArtifactVersionResponse) -> dict[str, str]:
    step_id = artifact.producer_step_run_id
    if step_id is None:
        return {}
    client = Client()
    run = _run_with_packages(client, client.get_run_step(step_id).pipeline_run_id)
    # The steps run where the orchestrator is; the client may have started them from elsewhere.
    return read_versions(run.orchestrator_environment) or read_versions(run.client_environment)


def _run_with_packages(client: Client, run_id: UUID) -> PipelineRunResponse:
    """A run with the packages of its environments, which newer versions of ZenML leave out.

    Over a ZenML server they cannot be asked for: there the versions stay unknown.
    """
    get_run = client.zen_store.get_run
    if "include_python_packages" in signature(get_run).parameters:
        return get_run(run_id, include_python_packages=True)  # type: ignore[call-arg]
    return get_run(run_id)
