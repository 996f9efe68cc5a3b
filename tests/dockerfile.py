"""A Dockerfile's instructions, followed without a container engine: in a folder and a virtual
environment instead of an image.

What it knows is what our own Dockerfiles say; anything else is an error.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Built:
    """What came out: the folder that stands for `/`, and what a container would start with."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    user: int = 0
    folder: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    base: str = ""

    def real(self, text: str) -> str:
        """A text with the image's own folders made real."""
        return re.sub(r"(?<![\w/])/(build|app)\b", lambda found: f"{self.root}/{found[1]}", text)

    def environment(self, **more: str) -> dict[str, str]:
        """The whole environment of a container's process: none of this machine's is in it."""
        path = f"{self.root / 'venv' / 'bin'}:{os.environ['PATH']}"
        return {"PATH": path, **{k: self.real(v) for k, v in self.env.items()}, **more}

    def as_user(self, command: list[str]) -> list[str]:
        """The command without the rights of root, as the image's user where it can be.

        Where the Python behind the environment is in a folder of root's alone, nobody else could
        start it: then it is root, who without capabilities may write no more than anybody.
        """
        if os.geteuid() != 0 or not self.user:
            return command
        dropped = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
        python = (self.root / "venv" / "bin" / "python").resolve()
        if all(folder.stat().st_mode & 0o001 for folder in python.parents):
            user = str(self.user)
            dropped += ["--reuid", user, "--regid", user, "--clear-groups"]
        return [*dropped, *command]

    def make_read_only(self) -> None:
        """Take the right to write from everything in it."""
        for path in [self.root, *self.root.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o222)

    def make_writable(self) -> None:
        """Give it back, so that it can be removed."""
        for folder, _, _ in os.walk(self.root):
            Path(folder).chmod(0o755)


def build(context: Path, root: Path) -> Built:
    """Follow the Dockerfile of a context; raises AssertionError with what an instruction said."""
    built = Built(root)
    for line in _instructions((context / "Dockerfile").read_text()):
        name, _, rest = line.partition(" ")
        match name:
            case "FROM":
                built.base = rest
                subprocess.run([sys.executable, "-m", "venv", str(root / "venv")], check=True)
            case "COPY":
                *sources, target = rest.split()
                _copy(context, sources, root / built.folder.lstrip("/"), built.real(target))
            case "RUN":
                _run(built, rest)
            case "WORKDIR":
                built.folder = rest
                (root / rest.lstrip("/")).mkdir(parents=True)
            case "ENV":
                key, _, value = rest.partition("=")
                built.env[key] = re.sub(r"\\(.)", r"\1", value.removeprefix('"')[:-1])
            case "USER":
                built.user = int(rest)
            case "ENTRYPOINT":
                built.entrypoint = json.loads(rest)
            case "EXPOSE" | "LABEL":
                pass
            case _:
                raise AssertionError(f"what does {line!r} mean?")
    return built


def _instructions(text: str) -> list[str]:
    joined = text.replace("\\\n", " ")
    lines = [re.sub(r"\s+", " ", line).strip() for line in joined.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def _copy(context: Path, sources: list[str], folder: Path, target: str) -> None:
    place = folder / target if target.startswith(".") else Path(target)
    place.mkdir(parents=True, exist_ok=True)
    for source in sources:
        path = context / source
        if path.is_dir():
            shutil.copytree(path, place, dirs_exist_ok=True)
        else:
            shutil.copy(path, place)


def _run(built: Built, command: str) -> None:
    arguments = json.loads(command) if command.startswith("[") else ["sh", "-c", command]
    # Where pip finds its index is this machine's business.
    own = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    result = subprocess.run(
        built.as_user([built.real(each) for each in arguments]),
        env=built.environment(**own, HOME=os.environ.get("HOME", "/")),
        cwd=built.root / built.folder.lstrip("/"),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
