"""The image of a step that serves by code of the user's own, built by ZenML before it runs.

What ZenML's image builder gets is the folder that `seldon-deployer image context` writes too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zenml.config import DockerSettings
from zenml.config.build_configuration import BuildConfiguration
from zenml.logger import get_logger

from seldon_deployer.errors import ConfigError
from seldon_deployer.image import ImageRequest, build_context, write_context
from seldon_deployer.image.code import FUNCTION_UNIT

if TYPE_CHECKING:
    from zenml.config.step_configurations import Step

logger = get_logger(__name__)

# In a step's `extra`: it serves by code that needs an image on a cluster.
CUSTOM_DEPLOYMENT = "seldon_custom_deployment"
# Under it ZenML keeps the image that it built.
CUSTOM_IMAGE_KEY = "seldon_custom_server"

_PARAMETERS = "custom_deploy_parameters"
# Of a user's own settings, what our image keeps: the rest is about images that run steps.
_KEPT = ("target_repository", "image_tag", "parent_image_build_config", "build_config")


def contexts_folder() -> Path:
    """Where contexts lie until the builder has read them: the platform's place for such files."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("seldon-deployer")) / "images"


def custom_builds(steps: Mapping[str, Step], folder: Path) -> list[BuildConfiguration]:
    """The builds for those steps that serve by code and name no image; their contexts are written
    below `folder`.

    A step with Docker settings that name a `dockerfile`, or skip the build, is built as they say.
    Raises ConfigError or UsageError where the code is not there.
    """
    return [
        BuildConfiguration(
            key=CUSTOM_IMAGE_KEY, settings=_settings(name, step, folder), step_name=name
        )
        for name, step in _custom_steps(steps)
    ]


def _custom_steps(steps: Mapping[str, Step]) -> Iterator[tuple[str, Step]]:
    for name, step in steps.items():
        if step.config.extra.get(CUSTOM_DEPLOYMENT) and not _names_an_image(step):
            yield name, step


def _names_an_image(step: Step) -> bool:
    config = step.config.parameters.get("config") or {}
    said = config if isinstance(config, Mapping) else config.model_dump()
    return bool(step.config.parameters.get("image") or said.get("image"))


def _settings(name: str, step: Step, folder: Path) -> DockerSettings:
    given = step.config.docker_settings
    if given.dockerfile or given.skip_build:
        return given
    files = build_context(_request(name, step, given), tell=logger.warning)
    # Another context is another folder: ZenML tells builds apart by the Dockerfile alone, and
    # that has the digest of all files in it.
    dockerfile = files["Dockerfile"]
    context = folder / sha256(dockerfile).hexdigest()[:16]
    write_context(files, context)
    kept = {field: getattr(given, field) for field in _KEPT}
    return DockerSettings(
        dockerfile=str(context / "Dockerfile"),
        build_context_root=str(context),
        # All that it holds is in the context: anything else would be a second image, on ZenML's.
        install_stack_requirements=False,
        allow_including_files_in_images=False,
        allow_download_from_code_repository=False,
        allow_download_from_artifact_store=False,
        **{field: value for field, value in kept.items() if value is not None},
    )


def _request(name: str, step: Step, given: DockerSettings) -> ImageRequest:
    # The parameters are the step's: the room above this one knows their class.
    said: Any = step.config.parameters.get(_PARAMETERS)
    if said is None:
        raise ConfigError(
            f"the step {name} has no {_PARAMETERS} yet",
            why="its image is built before the pipeline runs",
            hint="give them where the pipeline is composed, or an image",
        )
    fields: Mapping[str, Any] = said if isinstance(said, Mapping) else said.model_dump()
    functions = ("predict_function", "pre_process", "post_process", "loader")
    python_class = fields.get("python_class")
    return ImageRequest(
        python_class=python_class or FUNCTION_UNIT,
        parameters={
            name: fields[name] for name in functions if not python_class and fields.get(name)
        },
        code_path=_code_path(fields),
        requirements=(*(fields.get("requirements") or ()), *_requirements(given)),
        # What a pickle holds wants the libraries that wrote it.
        is_pinned=True,
        env={key: str(value) for key, value in given.runtime_environment.items()},
    )


def _code_path(fields: Mapping[str, Any]) -> Path:
    from zenml.utils import source_utils

    return Path(fields.get("code_path") or source_utils.get_source_root())


def _requirements(given: DockerSettings) -> list[str]:
    """What the user's settings ask to install, from a list or from a file."""
    if isinstance(given.requirements, str):
        lines = Path(given.requirements).read_text(encoding="utf-8").splitlines()
        return [line.strip() for line in lines if line.strip() and not line.startswith(("#", "-"))]
    return list(given.requirements or [])
