"""The models of all units of a configuration, and a note of those that were found in stores.

The note stands on the SeldonDeployment: where a store cannot be read, what it says of the same
address is kept, so that a store that is down for a moment starts no rollout.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from seldon_deployer import naming
from seldon_deployer.artifacts.location import local_path
from seldon_deployer.artifacts.record import NO_RECORD, ArtifactRecord
from seldon_deployer.cluster import Object
from seldon_deployer.config import DeploymentConfig, Part, parts
from seldon_deployer.deployer.model import Model, Tell, check_can_run, find_model
from seldon_deployer.deployer.server_image import choose_server_image
from seldon_deployer.deployer.shared_code import check_shared_code
from seldon_deployer.deployer.stores import Stores

# By the unit's part: where it was read, where it is served from, what reads it, which bytes.
_Note = dict[str, dict[str, Any]]


def find_models(
    config: DeploymentConfig,
    *,
    is_local: bool,
    tell: Tell,
    stores: Stores | None = None,
    existing: Object | None = None,
    record: ArtifactRecord = NO_RECORD,
    server_image: str | None = None,
    is_offline: bool = False,
) -> dict[Part, Model]:
    """Find, check and convert every model of a configuration; see `model.find_model`.

    existing: what is deployed, whose note is trusted where a store cannot be read. record: what a
    pipeline noted of the artifact at `config.model_uri`. server_image: for servers of ours on a
    cluster. is_offline: whether nothing will be sent, so that an image may be missing.
    """
    known = _read_note(existing)
    found = {}
    for part, alone in parts(config).items():
        model = find_model(
            alone,
            is_local=is_local,
            tell=tell,
            stores=stores,
            previous=_previous(known.get(_key(part)), alone),
            record=record if alone.model_uri == config.model_uri else NO_RECORD,
        )
        if not is_local:
            image = choose_server_image(
                alone, model.implementation, default=server_image, is_offline=is_offline
            )
            model = replace(model, image=image)
        for name, value in model.parameters.items():
            if name not in alone.parameters:
                tell(f"{name}={value}, as the model's own files say")
        found[part] = model
    return found


def check_all_can_run(
    config: DeploymentConfig, *, is_local: bool, server_image: str | None = None
) -> None:
    """Raise ConfigError or ArtifactError for what that end cannot run, whatever its state."""
    if is_local:
        check_shared_code(config)
    for alone in parts(config).values():
        check_can_run(alone, is_local=is_local)
        if not is_local:
            choose_server_image(alone, alone.implementation, default=server_image, is_offline=False)


def is_remote(config: DeploymentConfig) -> bool:
    """Whether a model of the configuration lies in a store, so that credentials matter."""
    uris = [each.model_uri for each in parts(config).values() if not each.is_on_volume]
    uris.append(config.explainer.model_uri if config.explainer else None)
    return any(uri is not None and local_path(uri) is None for uri in uris)


def note_models(manifest: Object, config: DeploymentConfig, models: Mapping[Part, Model]) -> None:
    """Write down on the manifest what was found in stores."""
    note: _Note = {}
    for part, alone in parts(config).items():
        model = models[part]
        if alone.model_uri is None or not model.fingerprint or local_path(alone.model_uri):
            continue
        note[_key(part)] = {
            "uri": alone.model_uri,
            "served": model.uri or "",
            "implementation": model.implementation or "",
            "protocol": alone.protocol,
            "files": model.fingerprint,
        }
        if model.parameters:
            note[_key(part)]["parameters"] = dict(model.parameters)
    if note:
        text = json.dumps(note, separators=(",", ":"), sort_keys=True)
        manifest["metadata"].setdefault("annotations", {})[naming.ARTIFACTS_ANNOTATION] = text


def _read_note(existing: Object | None) -> _Note:
    annotations = ((existing or {}).get("metadata") or {}).get("annotations") or {}
    try:
        note = json.loads(annotations.get(naming.ARTIFACTS_ANNOTATION, "{}"))
    except ValueError:
        # Somebody wrote there: then nothing is known.
        return {}
    return note if isinstance(note, dict) else {}


def _previous(noted: object, config: DeploymentConfig) -> Model | None:
    if not isinstance(noted, dict) or noted.get("uri") != config.model_uri:
        return None
    if noted.get("protocol") != config.protocol:
        return None
    if not noted.get("served") or not isinstance(noted.get("files"), str):
        return None
    told = noted.get("parameters")
    return Model(
        noted["served"],
        noted.get("implementation") or None,
        noted["files"],
        parameters=told if isinstance(told, dict) else {},
    )


def _key(part: Part) -> str:
    return f"{part.predictor}/{part.unit}"
