"""A pod's folder on this machine, and its paths, ports and variables made real in it.

Objects say `/mnt/models` and 9000, as on a cluster; processes get the pod's own folders and ports.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seldon_deployer import naming
from seldon_deployer.local.tensorflow_serving import mounts_of

Object = dict[str, Any]
# Data of a Secret or ConfigMap as text by key, or None where there is none of that name.
DataSource = Callable[[str, str], dict[str, str] | None]

PORTS_ANNOTATION = "seldon-deployer/ports"
# What a process needs to run at all. Nothing else of the shell that started the runtime leaks in.
_INHERITED = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "SSL_CERT_FILE"),
)
# Folders of the pod's own, which it is given the contents of; the other kinds lie somewhere.
_VOLUME_KINDS = frozenset({"emptyDir", "downwardAPI", "secret", "configMap", "projected"})
# Holds JSON: a path in it is part of a quoted text.
_PARAMETERS = "PREDICTIVE_UNIT_PARAMETERS"
_REFERENCE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)|\$\$")


class ConfigMissing(Exception):
    """A Secret, ConfigMap or key that a container needs is not there; kubelet's words."""


class PodFolder:
    """`root` holds `volumes/`, `logs/` and the working folder of one pod."""

    def __init__(self, root: Path, pod: Object, read_data: DataSource) -> None:
        self.root = root
        self._pod = pod
        self._read_data = read_data
        self._volumes: dict[str, Path] = {}

    def create(self) -> None:
        """Make the folders and fill the volumes; raises ConfigMissing."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "work").mkdir(exist_ok=True)
        for volume in self._pod["spec"].get("volumes", []):
            self._volumes[volume["name"]] = self._fill(volume)

    def remove(self) -> None:
        """Delete everything of this pod."""
        shutil.rmtree(self.root, ignore_errors=True)

    def log(self, container: str, restart: int) -> Path:
        """The file with the output of one container's nth run."""
        return log_file(self.root, container, restart)

    def mounts(self, container: Object) -> dict[str, Path]:
        """Where each mount path of a container really lies."""
        found = {}
        for mount in mounts_of(container, self._pod["spec"]):
            volume = self._volumes.get(mount["name"])
            if volume is not None:
                found[mount["mountPath"].rstrip("/")] = volume / mount.get("subPath", "")
        return found

    def environment(self, container: Object, ports: Mapping[int, int]) -> dict[str, str]:
        """The variables of a container's process, with paths and ports made real.

        `ports` maps the object's ports to real ones. Raises ConfigMissing.
        """
        env = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        declared = self._declared(container)
        mounts = self.mounts(container)
        quoted = {mount: Path(json.dumps(str(path))[1:-1]) for mount, path in mounts.items()}
        for name, value in declared.items():
            known = quoted if name == _PARAMETERS else mounts
            env[name] = rewrite_paths(_rewrite_port(name, value, ports), known)
        annotations = self._pod["metadata"].get("annotations", {})
        env["PYTHONUNBUFFERED"] = "1"
        if told := mounts.get(naming.PODINFO):
            env[naming.PODINFO_VARIABLE] = str(told / "annotations")
        if code := annotations.get(naming.CODE_PATH_ANNOTATION):
            env["PYTHONPATH"] = os.pathsep.join([code, *filter(None, [env.get("PYTHONPATH")])])
            # The user's folder stays as it is, and an edit within the same second is not missed.
            env["PYTHONDONTWRITEBYTECODE"] = "1"
        return env

    def interpreter(self) -> str:
        """The Python of the environment that deployed the pod, else the runtime's own."""
        annotations: dict[str, str] = self._pod["metadata"].get("annotations", {})
        return annotations.get(naming.PYTHON_ANNOTATION) or sys.executable

    def working_folder(self) -> Path:
        """Where a container's process starts: with its code, where it has a folder of code.

        The units of a pod may have several; then it is the first.
        """
        annotations = self._pod["metadata"].get("annotations", {})
        code = annotations.get(naming.CODE_PATH_ANNOTATION)
        return Path(code.split(os.pathsep)[0]) if code else self.root / "work"

    def _declared(self, container: Object) -> dict[str, str]:
        env: dict[str, str] = {}
        for source in container.get("envFrom", []):
            for kind in ("secretRef", "configMapRef"):
                if reference := source.get(kind):
                    data = self._data(kind.removesuffix("Ref"), reference) or {}
                    prefix = source.get("prefix", "")
                    env |= {prefix + key: value for key, value in data.items()}
        for variable in container.get("env", []):
            value = self._value(variable)
            if value is not None:
                env[variable["name"]] = _expand(value, env)
        return env

    def _value(self, variable: Object) -> str | None:
        source = variable.get("valueFrom")
        if not source:
            return str(variable.get("value", ""))
        if field := source.get("fieldRef"):
            return self._field(field["fieldPath"])
        for kind in ("secretKeyRef", "configMapKeyRef"):
            if reference := source.get(kind):
                data = self._data(kind.removesuffix("KeyRef"), reference)
                if data is None:
                    return None
                if reference["key"] in data:
                    return str(data[reference["key"]])
                if reference.get("optional"):
                    return None
                what = "Secret" if kind == "secretKeyRef" else "ConfigMap"
                where = f"{self._pod['metadata']['namespace']}/{reference['name']}"
                raise ConfigMissing(f"couldn't find key {reference['key']} in {what} {where}")
        return None

    def _data(self, kind: str, reference: Object) -> dict[str, str] | None:
        data = self._read_data(kind, reference["name"])
        if data is None and not reference.get("optional"):
            raise ConfigMissing(f'{kind.lower()} "{reference["name"]}" not found')
        return data

    def _field(self, path: str) -> str:
        metadata, spec = self._pod["metadata"], self._pod["spec"]
        fixed: dict[str, str] = {
            "metadata.name": metadata["name"],
            "metadata.namespace": metadata["namespace"],
            "metadata.uid": metadata.get("uid", ""),
            "spec.nodeName": spec.get("nodeName", ""),
            "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        }
        if path in ("status.podIP", "status.hostIP"):
            return "127.0.0.1"
        for group in ("labels", "annotations"):
            if path == f"metadata.{group}":
                return _quote(metadata.get(group, {}))
            key = path.removeprefix(f"metadata.{group}['").removesuffix("']")
            if key != path:
                return str(metadata.get(group, {}).get(key, ""))
        return fixed.get(path, "")

    def _claims(self) -> Path:
        from seldon_deployer.storage.volume import VOLUMES

        return Path(os.environ.get(VOLUMES) or self.root.parent.parent / "volumes")

    def _claim(self, name: str) -> Path:
        mount = self._claims() / name
        if not mount.is_dir():
            raise ConfigMissing(
                f'persistentvolumeclaim "{name}" not found: here it is the folder {mount}. '
                "Make it, or a link to where the files of the claim are."
            )
        return mount

    def _host_path(self, source: Object) -> Path:
        path, kind = Path(str(source["path"])), source.get("type") or ""
        if kind == "DirectoryOrCreate":
            path.mkdir(parents=True, exist_ok=True)
        is_right = {"Directory": path.is_dir, "File": path.is_file}.get(kind)
        if is_right is not None and not is_right():
            raise ConfigMissing(f"hostPath type check failed: {path} is not a {kind.lower()}")
        return path

    def _fill(self, volume: Object) -> Path:
        if "hostPath" in volume:
            return self._host_path(volume["hostPath"])
        if claim := volume.get("persistentVolumeClaim"):
            return self._claim(claim["claimName"])
        if elsewhere := volume.keys() - _VOLUME_KINDS - {"name"}:
            kind = min(elsewhere)
            raise ConfigMissing(
                f"volume {volume['name']!r} is of kind {kind}, which this machine does not mount. "
                "Mount it yourself and name its folder as a hostPath, or give a claim: the folder "
                f"of that name in {self._claims()}"
            )
        folder: Path = self.root / "volumes" / volume["name"]
        folder.mkdir(parents=True, exist_ok=True)
        for item in volume.get("downwardAPI", {}).get("items", []):
            (folder / item["path"]).write_text(self._field(item["fieldRef"]["fieldPath"]))
        for kind, name_field in (("secret", "secretName"), ("configMap", "name")):
            if source := volume.get(kind):
                reference = {"name": source[name_field], "optional": source.get("optional")}
                for key, value in (self._data(kind, reference) or {}).items():
                    (folder / key).touch(mode=0o600)
                    (folder / key).write_text(value)
        return folder


def log_file(root: Path, container: str, restart: int) -> Path:
    """Where a pod's folder keeps the output of one container's nth run."""
    return root / "logs" / container / f"{restart}.log"


def rewrite_paths(text: str, mounts: Mapping[str, Path]) -> str:
    """Replace mount paths in a text, whole path components only, the longest first."""
    for mount in sorted(mounts, key=len, reverse=True):
        if mount in text:
            target = str(mounts[mount]).replace("\\", r"\\")
            text = re.sub(rf"(?<![\w./-]){re.escape(mount)}(?![\w.-])", target, text)
    return text


def decode_secret(data: Mapping[str, str]) -> dict[str, str]:
    """The values of a Secret as text."""
    return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}


def _rewrite_port(name: str, value: str, ports: Mapping[int, int]) -> str:
    if name.endswith("_PORT") and value.isdecimal() and int(value) in ports:
        return str(ports[int(value)])
    return value


def _expand(value: str, env: Mapping[str, str]) -> str:
    """Kubernetes' `$(NAME)`; an unknown name stays as written and `$$` is a dollar sign."""

    def replace(match: re.Match[str]) -> str:
        if match.group() == "$$":
            return "$"
        return env.get(match.group(1), match.group())

    return _REFERENCE.sub(replace, value)


def _quote(values: Mapping[str, str]) -> str:
    return "\n".join(f"{key}={json.dumps(value)}" for key, value in sorted(values.items()))
