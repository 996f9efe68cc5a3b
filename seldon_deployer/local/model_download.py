"""One run of a pod's model initializer: a copy of files here, a process for every other store."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from seldon_deployer.local.initializer import (
    DownloadFailed,
    fetch_model,
    has_settings,
    is_on_this_machine,
)
from seldon_deployer.local.pod_folder import PodFolder, rewrite_paths
from seldon_deployer.local.process import UnitProcess, record_file

Object = dict[str, Any]

_MODULE = "seldon_deployer.local.initializer"
# How this machine reaches a store, and whom it trusts there: a node has that for all its pods.
_WAY_OUT = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
_OF_THIS_MACHINE = (*_WAY_OUT, *(name.lower() for name in _WAY_OUT), *_TRUST)
# Where the stores' own tools look for who they are; files that these name, and files of the home
# folder, are read where they lie. They reach the initializer alone, and no unit.
_IDENTITIES = ("AWS_", "AZURE_", "GOOGLE_", "GCE_METADATA_", "CLOUDSDK_", "IDENTITY_", "MSI_")


class ModelDownload:
    """Runs the init container of a pod."""

    def __init__(self, folder: PodFolder) -> None:
        self._folder = folder
        self._process: UnitProcess | None = None

    async def run(self, spec: Object, environment: dict[str, str], log: Path) -> int:
        """Fetch the model; gives the initializer's exit code, and its words to the log."""
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            uri, target = self._source_and_target(spec)
            if is_on_this_machine(uri):
                # A copy of files needs no process of its own, which would take longer to start.
                said = await asyncio.to_thread(fetch_model, uri, target, {})
                log.write_text(f"{said}\n")
                return 0
        except DownloadFailed as error:
            log.write_text(f"{error}\n")
            return error.exit_code
        # A store's client has libraries and a memory of its own, and belongs to who deployed.
        process = self._process = UnitProcess.start(
            (self._folder.interpreter(), "-m", _MODULE, uri, str(target)),
            env=_way_out() | ({} if has_settings(environment) else _identity()) | environment,
            folder=self._folder.root / "work",
            log=log,
            record=record_file(self._folder.root, spec["name"]),
        )
        code = await process.wait()
        # Its record would make the pod look like one with a process that ended.
        await process.stop(0)
        return code if code >= 0 else 128 - code

    async def stop(self, grace_seconds: float) -> None:
        """End a run that is under way."""
        if self._process is not None and self._process.is_running:
            await self._process.stop(grace_seconds)

    def _source_and_target(self, spec: Object) -> tuple[str, Path]:
        arguments, mounts = spec.get("args", []), self._folder.mounts(spec)
        target = mounts.pop(arguments[1], None) if len(arguments) == 2 else None
        if target is None:
            words = "the initializer takes two arguments: a URI and the path of a mounted volume"
            raise DownloadFailed(1, words)
        # The operator makes a claim's address a path below the mount of the claim.
        return rewrite_paths(arguments[0], mounts), target


def _way_out() -> dict[str, str]:
    return {name: os.environ[name] for name in _OF_THIS_MACHINE if name in os.environ}


def _identity() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if name.startswith(_IDENTITIES)}
