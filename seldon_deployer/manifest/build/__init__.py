"""From a DeploymentConfig to the SeldonDeployment that serves it best.

A single model is one predictor `default` with one unit named like the resource, replicas at
`spec.replicas` (so that scaling works), own fast probes, no orchestrator unless asked for. The
same configuration always gives the same object: applied again, it changes nothing.
"""

from seldon_deployer.manifest.build.manifest import build_manifest, needs_orchestrator
from seldon_deployer.manifest.build.predictor import FoundModel
from seldon_deployer.manifest.build.unit import UnitRequest, unit_and_container

__all__ = [
    "FoundModel",
    "UnitRequest",
    "build_manifest",
    "needs_orchestrator",
    "unit_and_container",
]
