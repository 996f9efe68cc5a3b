"""A deployment as files for Git: a kustomization, and an Argo CD Application that follows it.

The namespace is left out: the overlay, or the Application's destination, says where to. Each file
begins with a mark, so that what somebody else wrote is told from what may be written again.
Sources: kustomize's `kustomize.config.k8s.io/v1beta1`, Argo CD's `argoproj.io/v1alpha1`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from seldon_deployer.manifest.documents import read_documents

Object = dict[str, Any]

MARK = "# Written by `seldon-deployer render --kustomize`, which will write it again.\n"
KUSTOMIZATION = "kustomization.yaml"
_THIS_CLUSTER = "https://kubernetes.default.svc"


@dataclass(frozen=True)
class Application:
    """Where Argo CD finds the folder, and where it brings it."""

    repo_url: str
    path: str
    revision: str
    namespace: str


def kustomize_files(
    manifest: Object, application: Application | None, read: Callable[[str], str | None]
) -> dict[str, str]:
    """The files of a folder by name, for one SeldonDeployment beside those that are there.

    read: gives the text of a file of the folder, None where there is none.
    """
    name = manifest["metadata"]["name"]
    file = f"{name}.yaml"
    files = {
        file: _text(_without_namespace(manifest)),
        KUSTOMIZATION: _text(_kustomization(file, read(KUSTOMIZATION))),
    }
    if application is not None:
        files[f"{name}.application.yaml"] = _text(_application(name, application))
    return files


def is_ours(text: str) -> bool:
    """Whether a file of that text was written here, and may be written again."""
    return text.startswith(MARK)


def _kustomization(file: str, before: str | None) -> Object:
    """The kustomization with one more file; of ours, what it had stays."""
    listed = [file]
    for document in read_documents(before) if before and is_ours(before) else []:
        resources = document.get("resources") if isinstance(document, Mapping) else None
        listed += [each for each in resources or [] if isinstance(each, str)]
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(set(listed)),
    }


def _application(name: str, application: Application) -> Object:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {
            "project": "default",
            "source": {
                "repoURL": application.repo_url,
                "path": application.path,
                "targetRevision": application.revision,
            },
            "destination": {"server": _THIS_CLUSTER, "namespace": application.namespace},
            # As kubectl and this tool write: fields of others (replicas of an autoscaler) stay.
            "syncPolicy": {"syncOptions": ["CreateNamespace=true", "ServerSideApply=true"]},
        },
    }


def _without_namespace(manifest: Object) -> Object:
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "namespace"}
    return {**manifest, "metadata": metadata}


def _text(obj: Object) -> str:
    return MARK + yaml.safe_dump(obj, sort_keys=False, allow_unicode=True)
