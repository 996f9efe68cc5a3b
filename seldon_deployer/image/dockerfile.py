"""The Dockerfile of a serving image: what changes seldom comes first, the user's code last."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MARK = "# Written by seldon-deployer: written anew by it, so edit a copy."
# Whom Seldon's own images run as.
USER = 8888
CODE_FOLDER = "/app"
# Of the unit's process: REST, gRPC, metrics.
_PORTS = (9000, 9500, 6000)
_ENTRYPOINT = ("python", "-m", "seldon_deployer.server", "--host", "0.0.0.0")  # noqa: S104


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a Dockerfile says.

    python_class: served unless the unit's own environment names another. names: import strings
    that must be there. digest: stands for all files of the context.
    """

    base_image: str
    wheel: str
    python_class: str
    service_type: str = "MODEL"
    parameters: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    system_packages: Sequence[str] = ()
    names: Sequence[str] = ()
    has_code: bool = False
    digest: str = ""


def write_dockerfile(recipe: Recipe) -> str:
    """The text: neither user nor process writes to the image, so that it may be read-only."""
    lines = [MARK, f"FROM {recipe.base_image}", ""]
    if recipe.system_packages:
        packages = " ".join(recipe.system_packages)
        lines += [
            "RUN apt-get update \\",
            f"    && apt-get install -y --no-install-recommends {packages} \\",
            "    && rm -rf /var/lib/apt/lists/*",
            "",
        ]
    lines += [
        "# Packages, which change seldom.",
        "COPY requirements.txt constraints.txt /build/",
        "COPY wheel/ /build/wheel/",
        "RUN pip install --no-cache-dir --root-user-action=ignore \\",
        "    -c /build/constraints.txt -r /build/requirements.txt \\",
        f"    '/build/wheel/{recipe.wheel}[server]'",
        "",
        f"WORKDIR {CODE_FOLDER}",
        *_environment(recipe),
    ]
    if recipe.has_code:
        lines += ["", "# Code, which changes often: a change builds from here on.", "COPY code/ ./"]
    lines += ["", f"USER {USER}"]
    if recipe.names:
        check = "; ".join(f"find_object({name!r})" for name in recipe.names)
        program = f"from seldon_deployer.server.load import find_object; {check}"
        lines += [
            "# What cannot be imported fails here, and not in a pod.",
            f"RUN {json.dumps(['python', '-c', program])}",
        ]
    lines += [f"EXPOSE {' '.join(map(str, _PORTS))}", f"ENTRYPOINT {json.dumps(_ENTRYPOINT)}"]
    if recipe.digest:
        lines.append(f'LABEL seldon-deployer.context="{recipe.digest}"')
    return "\n".join(lines) + "\n"


def _environment(recipe: Recipe) -> list[str]:
    variables = {
        "PYTHONPATH": CODE_FOLDER,
        "PYTHONUNBUFFERED": "1",
        # The file system may be read-only, and its owner is somebody else.
        "PYTHONDONTWRITEBYTECODE": "1",
        # The user has no entry of its own: libraries that ask who runs them get an answer.
        "HOME": "/tmp",  # noqa: S108
        "LOGNAME": "seldon",
        "MODEL_NAME": recipe.python_class,
        "SERVICE_TYPE": recipe.service_type,
    }
    if recipe.parameters:
        listed = [_parameter(name, value) for name, value in sorted(recipe.parameters.items())]
        variables["PREDICTIVE_UNIT_PARAMETERS"] = json.dumps(listed, separators=(",", ":"))
    variables |= recipe.env
    return [f"ENV {name}={_quoted(value)}" for name, value in variables.items()]


def _parameter(name: str, value: str | int | float | bool) -> dict[str, str]:
    # A bool is an int to Python, so it goes first.
    kinds = ((bool, "BOOL"), (int, "INT"), (float, "FLOAT"), (str, "STRING"))
    kind = next(each for of, each in kinds if isinstance(value, of))
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return {"name": name, "value": text, "type": kind}


def _quoted(value: str) -> str:
    """A value of ENV as Docker reads it back: in double quotes, `\\`, `"` and `$` are special."""
    for special in ("\\", '"', "$"):
        value = value.replace(special, f"\\{special}")
    return f'"{value}"'
