"""The servers that ours is measured beside, each in an environment of its own.

seldon-core's Python server cannot be installed beside today's libraries, hence the environments:
they are made once, in the user's cache folder, and made anew when a version here changes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import platformdirs


@dataclass(frozen=True)
class Peer:
    """A server from PyPI: what is installed for it, and the command that starts it."""

    name: str
    packages: tuple[str, ...]
    command: str

    def executable(self) -> Path:
        """The path of its command, in an environment that is made if it is not there."""
        digest = sha256("\n".join((sys.version, *self.packages)).encode()).hexdigest()[:12]
        folder = (
            Path(platformdirs.user_cache_dir("seldon-deployer")) / f"bench/{self.name}-{digest}"
        )
        if not (folder / "done").exists():
            self._install(folder)
        return folder / "bin" / self.command

    def _install(self, folder: Path) -> None:
        print(f"installing {', '.join(self.packages)}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", *self.packages]
        subprocess.run(pip, check=True)
        (folder / "done").touch()


# The same as ours: it does most of the work of a prediction.
_SKLEARN = f"scikit-learn=={version('scikit-learn')}"

# gunicorn 20 asks for pkg_resources, which newer setuptools lack.
SELDON_CORE = Peer(
    "seldon-core",
    ("seldon-core==1.17.1", "setuptools<80", _SKLEARN),
    "seldon-core-microservice",
)
MLSERVER = Peer(
    "mlserver",
    ("mlserver==1.7.1", "mlserver-sklearn==1.7.1", _SKLEARN),
    "mlserver",
)
