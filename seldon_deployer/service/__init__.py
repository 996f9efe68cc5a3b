"""A deployed model as a handle: where it is, how it is, what it predicts, what it logs."""

from __future__ import annotations

from seldon_deployer.service.handle import Service
from seldon_deployer.service.observe import observe, pod_selector

__all__ = ["Service", "observe", "pod_selector"]
