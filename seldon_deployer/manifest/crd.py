"""Our CustomResourceDefinition for SeldonDeployments.

Same group, names, versions and subresources as Seldon Core's own; the parts of a pod that nothing
here reads are kept unchecked where Seldon's spells them out. The schema is made from the models
(`generate`) and read from a file: who serves or checks the resource needs no models.
"""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from seldon_deployer.manifest.kind import (
    GROUP,
    KIND,
    PLURAL,
    SHORT_NAME,
    SINGULAR,
    VERSION,
    VERSIONS,
)

Object = dict[str, Any]

SCHEMA_FILE = Path(__file__).with_name("schema.json")

_COLUMNS = [
    {"name": "State", "type": "string", "jsonPath": ".status.state"},
    {"name": "Replicas", "type": "integer", "jsonPath": ".status.replicas"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]


def build_crd() -> Object:
    """The CustomResourceDefinition, ready to be created in a cluster."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": [SHORT_NAME],
            },
            "scope": "Namespaced",
            "versions": [_version(name) for name in VERSIONS],
        },
    }


def resource_schema() -> Object:
    """The schema of a SeldonDeployment (openAPIV3Schema); a fresh copy."""
    return deepcopy(shared_schema())


@cache
def shared_schema() -> Object:
    """The same schema, one object for all who only read it."""
    schema: Object = json.loads(SCHEMA_FILE.read_bytes())
    return schema


def _version(name: str) -> Object:
    return {
        "name": name,
        "served": True,
        "storage": name == VERSION,
        "schema": {"openAPIV3Schema": resource_schema()},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
            },
        },
        "additionalPrinterColumns": deepcopy(_COLUMNS),
    }
