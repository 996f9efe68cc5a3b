"""Manifests built of configurations, and where their parts are."""

from __future__ import annotations

from typing import Any

from seldon_deployer.config import parse_config
from seldon_deployer.manifest.build import build_manifest, needs_orchestrator

Object = dict[str, Any]

MODEL = {"model_name": "iris", "model_uri": "s3://m/1", "implementation": "SKLEARN_SERVER"}
CLAIM = {"name": "models", "persistentVolumeClaim": {"claimName": "models"}}
MOUNT = {"name": "models", "mountPath": "/mnt/models"}
ON_VOLUME = {**MODEL, "model_uri": "/mnt/models/iris", "volumes": [CLAIM], "volume_mounts": [MOUNT]}


def build(models: Any = None, **fields: Any) -> Object:
    config = parse_config(**{**MODEL, **fields})
    return build_manifest(
        config,
        namespace="models",
        orchestrator=needs_orchestrator(config),
        uri=config.model_uri,
        implementation=config.implementation,
        fingerprint="f",
        models=models,
    )


def predictor(manifest: Object, index: int = 0) -> Object:
    return manifest["spec"]["predictors"][index]


def component(manifest: Object, index: int = 0) -> Object:
    return predictor(manifest)["componentSpecs"][index]


def container(manifest: Object, name: str = "iris") -> Object:
    [found] = [
        each
        for component in predictor(manifest)["componentSpecs"]
        for each in component["spec"]["containers"]
        if each["name"] == name
    ]
    return found
