"""The pods of a predictor: what all containers of one share, and how they scale."""

from __future__ import annotations

from typing import Any

from seldon_deployer.config import DeploymentConfig

Object = dict[str, Any]


def build_component(
    config: DeploymentConfig,
    containers: list[Object],
    *,
    annotations: dict[str, str] | None = None,
    account: str | None = None,
) -> Object:
    """One component: its pod with everything that the configuration says of pods.

    annotations: more of the pod's, beside the configuration's own.
    account: the service account, where no unit says it.
    """
    component: Object = {}
    if metadata := _metadata(config, annotations or {}):
        component["metadata"] = metadata
    return {**component, "spec": {"containers": containers, **_pod(config, account)}}


def build_scaling(config: DeploymentConfig) -> Object:
    """The autoscaler of a component, if the configuration has one."""
    if config.hpa:
        return {"hpaSpec": config.hpa.to_object()}
    if config.keda:
        return {"kedaSpec": config.keda.to_object()}
    return {}


def build_budget(config: DeploymentConfig) -> Object:
    """The disruption budget: it covers all pods of the deployment, whichever component has it."""
    return {"pdbSpec": config.pdb.to_object()} if config.pdb else {}


def _metadata(config: DeploymentConfig, more: dict[str, str]) -> Object:
    given = {
        "labels": dict(sorted(config.pod_labels.items())),
        "annotations": dict(sorted({**config.pod_annotations, **more}.items())),
    }
    return {name: mapping for name, mapping in given.items() if mapping}


def _pod(config: DeploymentConfig, account: str | None) -> Object:
    pod: Object = {
        "volumes": [volume.to_object() for volume in config.volumes],
        "nodeSelector": dict(sorted(config.node_selector.items())),
        "tolerations": [toleration.to_object() for toleration in config.tolerations],
        "affinity": config.affinity.to_object() if config.affinity else None,
        "imagePullSecrets": [{"name": name} for name in config.image_pull_secrets],
        "serviceAccountName": account,
    }
    pod = {name: value for name, value in pod.items() if value}
    if config.termination_grace_period_seconds is not None:
        pod["terminationGracePeriodSeconds"] = config.termination_grace_period_seconds
    return pod
