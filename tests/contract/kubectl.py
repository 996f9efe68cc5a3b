"""The real kubectl, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Kubectl:
    """kubectl in one namespace of one end; its cache lies in `folder`."""

    path: str
    kubeconfig: Path
    namespace: str
    folder: Path

    def __call__(self, *arguments: str, stdin: str | None = None, code: int = 0) -> str:
        """Run to the end; returns stdout, asserts the exit code."""
        done = subprocess.run(
            [*self.command(), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment(),
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert done.returncode == code, (
            f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done.stdout if code == 0 else done.stdout + done.stderr

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start it and read its output as it comes."""
        return subprocess.Popen(
            [*self.command(), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment(),
        )

    def get(self, *arguments: str) -> Object:
        """`kubectl get -o json`."""
        obj: Object = json.loads(self("get", *arguments, "-o", "json"))
        return obj

    def file(self, *objects: Object) -> str:
        """Write objects into a YAML file; returns its path."""
        path = self.folder / f"{len(list(self.folder.glob('*.yaml')))}.yaml"
        path.write_text(yaml.safe_dump_all(objects))
        return str(path)

    def command(self) -> list[str]:
        """The program and what every call has."""
        return [
            self.path,
            f"--kubeconfig={self.kubeconfig}",
            f"--namespace={self.namespace}",
            f"--cache-dir={self.folder / 'cache'}",
        ]

    def environment(self) -> dict[str, str]:
        """No kubeconfig of the user's, and `diff` from the system."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "HTTP", "http"))}
        return kept | {"HOME": str(self.folder)}
