"""What the resource is called, and by whom."""

from __future__ import annotations

GROUP = "machinelearning.seldon.io"
VERSION = "v1"
# The older ones have the same schema.
VERSIONS = ("v1", "v1alpha2", "v1alpha3")
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "SeldonDeployment"
PLURAL = "seldondeployments"
SINGULAR = "seldondeployment"
SHORT_NAME = "sdep"
