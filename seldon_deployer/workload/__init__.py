"""Parts of pods and their scaling as users write them: values with Kubernetes' own rules."""

from seldon_deployer.workload.affinity import Affinity
from seldon_deployer.workload.environment import SecretKey, env_variables
from seldon_deployer.workload.probe import Probe
from seldon_deployer.workload.scaling import HPA, PDB, Keda
from seldon_deployer.workload.toleration import Toleration
from seldon_deployer.workload.value import Value
from seldon_deployer.workload.volume import Volume, VolumeMount, check_mounts

__all__ = [
    "HPA",
    "PDB",
    "Affinity",
    "Keda",
    "Probe",
    "SecretKey",
    "Toleration",
    "Value",
    "Volume",
    "VolumeMount",
    "check_mounts",
    "env_variables",
]
