"""Volumes and where they appear."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from seldon_deployer.workload.rules import check_dns_label, check_path
from seldon_deployer.workload.value import Value

# The kinds of volumes that Seldon's resource knows: Kubernetes 1.23's.
VOLUME_SOURCES = frozenset(
    {
        "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "configMap", "csi",
        "downwardAPI", "emptyDir", "ephemeral", "fc", "flexVolume", "flocker",
        "gcePersistentDisk", "gitRepo", "glusterfs", "hostPath", "iscsi", "nfs",
        "persistentVolumeClaim", "photonPersistentDisk", "portworxVolume", "projected", "quobyte",
        "rbd", "scaleIO", "secret", "storageos", "vsphereVolume",
    }
)  # fmt: skip
_SPELT = {name.lower(): name for name in VOLUME_SOURCES}


class Volume(Value):
    """A volume of a pod: a name and a source, as `persistentVolumeClaim: {claimName: models}`.

    What the source says is kept as it is written; without one the volume is an empty folder.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, dict[str, Any]] = Field(init=False)

    name: Annotated[str, AfterValidator(check_dns_label)]

    @model_validator(mode="before")
    @classmethod
    def _read_source(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {_SPELT.get(str(key).replace("_", "").lower(), key): data[key] for key in data}

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        given = sorted(self.__pydantic_extra__)
        for source in given:
            if source not in VOLUME_SOURCES:
                raise ValueError(f"{source!r} is no kind of volume")
        if len(given) > 1:
            raise ValueError(f"a volume has one source: {' and '.join(given)} are given")
        return self

    @property
    def claim(self) -> str | None:
        """The claim of a persistent volume; None for any other volume."""
        source = self.__pydantic_extra__.get("persistentVolumeClaim") or {}
        return source.get("claimName")


class VolumeMount(Value):
    """Where a volume appears in a container."""

    name: str
    mount_path: Annotated[str, Field(min_length=1)]
    sub_path: Annotated[str, AfterValidator(check_path)] | None = None
    sub_path_expr: Annotated[str, AfterValidator(check_path)] | None = None
    read_only: bool | None = None
    mount_propagation: Literal["None", "HostToContainer", "Bidirectional"] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.sub_path and self.sub_path_expr:
            raise ValueError("sub_path and sub_path_expr exclude each other")
        if self.mount_propagation == "Bidirectional":
            raise ValueError("mount_propagation: Bidirectional is for privileged containers")
        return self


def check_mounts(volumes: tuple[Volume, ...], mounts: tuple[VolumeMount, ...]) -> None:
    """Raise ValueError unless names and paths are used once, and each mount has its volume."""
    names = [volume.name for volume in volumes]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"volumes: the name {name!r} is used twice")
    paths: set[str] = set()
    for mount in mounts:
        if mount.name not in names:
            raise ValueError(f"volume_mounts: there is no volume {mount.name!r}")
        if mount.mount_path in paths:
            raise ValueError(f"volume_mounts: {mount.mount_path} is mounted twice")
        paths.add(mount.mount_path)
