"""The build context: every file that a builder needs, as a value, and as a folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath

from seldon_deployer.errors import UsageError
from seldon_deployer.image.code import find_code, imported_packages, named_code
from seldon_deployer.image.dockerfile import MARK, Recipe, write_dockerfile
from seldon_deployer.image.packages import (
    installed_providers,
    installed_versions,
    merge_requirements,
    requirement_name,
    says_versions,
    system_packages,
    write_constraints,
)
from seldon_deployer.image.wheel import own_wheel

Files = dict[str, bytes]
Tell = Callable[[str], None]

_DOCKERFILE = "Dockerfile"


@dataclass(frozen=True, kw_only=True)
class ImageRequest:
    """What an image has to serve.

    python_class: the user's, the wrapper of functions (`code.FUNCTION_UNIT`), or a server of ours.
    code_path: the folder with the user's code; None where there is none. versions: package ->
    version that must be kept to. is_pinned: whether to keep to this environment's for all others.
    python_version: such as 3.11; this one's by default, as pickles hold to it.
    """

    python_class: str
    service_type: str = "MODEL"
    parameters: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    code_path: Path | None = None
    requirements: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    is_pinned: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    python_version: str = f"{sys.version_info.major}.{sys.version_info.minor}"
    base_image: str | None = None


def build_context(request: ImageRequest, *, tell: Tell) -> Files:
    """All files of the context, by their paths in it; the same request gives the same bytes.

    Packages that the code imports are required without being asked for. tell: gets a sentence on
    each import that no installed package provides.
    Raises UsageError where the code is not there.
    """
    names = named_code(request.python_class, request.parameters)
    code, imported = _read_code(request, names, tell)
    requirements = merge_requirements(request.requirements, imported)
    wheel, content = own_wheel()
    versions = {**(installed_versions() if request.is_pinned else {}), **request.versions}
    # What was asked for in so many words wins.
    told = {requirement_name(each) for each in requirements if says_versions(each)}
    versions = {name: version for name, version in versions.items() if name not in told}
    files: Files = {
        "requirements.txt": "".join(f"{each}\n" for each in requirements).encode(),
        "constraints.txt": write_constraints(versions).encode(),
        f"wheel/{wheel}": content,
        **{f"code/{path}": text for path, text in code.items()},
    }
    recipe = Recipe(
        base_image=request.base_image or f"python:{request.python_version}-slim",
        wheel=wheel,
        python_class=request.python_class,
        service_type=request.service_type,
        parameters=request.parameters,
        env=request.env,
        system_packages=system_packages(requirements),
        names=names,
        has_code=bool(code),
        digest=_digest(files),
    )
    return {_DOCKERFILE: write_dockerfile(recipe).encode(), **files}


def write_context(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write the files into a folder that is empty, not there, or written by this tool before.

    It appears whole: a draft beside it takes its place. Raises UsageError for a folder of
    somebody else's.
    """
    if folder.exists() and not _is_ours(folder):
        raise UsageError(
            f"{folder} is somebody else's",
            why=f"it is not empty, and its {_DOCKERFILE} does not begin with the mark of this tool",
            hint="choose another folder",
        )
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    for name, content in files.items():
        path = draft / PurePosixPath(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        # Whoever runs the image is somebody else than who wrote this.
        path.chmod(0o644)
    if folder.exists():
        shutil.rmtree(folder)
    draft.rename(folder)
    return [folder / PurePosixPath(name) for name in files]


def _read_code(request: ImageRequest, names: Sequence[str], tell: Tell) -> tuple[Files, set[str]]:
    """The user's files, and the installed packages that they import."""
    own = [name for name in names if not name.startswith("seldon_deployer.")]
    if not own:
        return {}, set()
    folder = request.code_path or Path.cwd()
    for name in own:
        if not find_code(folder, [name]):
            raise UsageError(
                f"the code of {name} is not in {folder}",
                hint="give the folder that holds it: code_path",
            )
    paths = find_code(folder, own)
    packages, unknown = installed_providers(imported_packages(folder, own))
    for module in sorted(unknown):
        tell(f"the code imports {module}, which is not installed here: name its package if needed")
    if "zenml" in packages:
        tell("the code imports zenml, which the image then holds: serve from a module without it")
    return {path.as_posix(): (folder / path).read_bytes() for path in paths}, packages


def _is_ours(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    dockerfile = folder / _DOCKERFILE
    if dockerfile.is_file():
        return dockerfile.read_text(errors="replace").startswith(MARK)
    return not any(folder.iterdir())


def _digest(files: Mapping[str, bytes]) -> str:
    digest = sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
