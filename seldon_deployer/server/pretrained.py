"""What lies in a Hugging Face folder: the task, the weights, the tokenizer. Nothing is downloaded.

Code that a folder brings along is never run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seldon_deployer.errors import ArtifactError, SeldonDeployerError
from seldon_deployer.server.model_file import find_model_file, import_library
from seldon_deployer.server.reason import explain_unreadable
from seldon_deployer.server.threads import thread_count

_NEEDED_BY = "HuggingFaceServer"
_CONFIG = "config.json"
_SAVE = "write the folder with save_pretrained, of the model and of its tokenizer"
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
# The kinds of pipelines that take text alone; of these, one answers sound.
_TEXT, _SOUND = "text", "text-to-audio"
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}


@dataclass(frozen=True)
class Pretrained:
    """A pipeline that is ready, its task, and the most tokens that its model takes, if it says."""

    pipeline: Any
    task: str
    most_tokens: int | None


def import_transformers() -> Any:
    """Import `transformers`, offline. Raises LoadFailed."""
    # Before the import, where it reads them; over what the user may have set.
    os.environ.update(_OFFLINE)
    # Its tokenizers are threads of Rust's, which know nothing of OpenMP.
    os.environ.setdefault("RAYON_NUM_THREADS", str(thread_count()))
    library = import_library("transformers", package="transformers", needed_by=_NEEDED_BY)
    import_library("torch", package="torch", needed_by=_NEEDED_BY)
    library.utils.logging.disable_progress_bar()
    return library


def find_folder(place: str, *, is_tokenizer: bool = False) -> Path:
    """The folder of a model or tokenizer: a path, or a name on the hub that is in the local cache.

    Raises ArtifactError.
    """
    path = Path(place.removeprefix("file://"))
    if path.exists() or path.is_absolute() or place.startswith((".", "file://")):
        if is_tokenizer and path.is_dir():
            return path
        return find_model_file(str(path), (_CONFIG,), hint=_SAVE).parent
    hub = import_library("huggingface_hub", package="huggingface_hub", needed_by=_NEEDED_BY)
    try:
        return Path(hub.snapshot_download(place, local_files_only=True))
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"the model {place} is not on this machine",
            why="it is no folder, and not in the cache of the Hugging Face hub; nothing is "
            "downloaded when a model is served",
            hint=f"run `hf download {place}` first, or save the model into a folder and give that "
            "as model_uri",
        ) from error


def load_pretrained(folder: Path, tokenizer_folder: Path, task: str | None) -> Pretrained:
    """Read model and tokenizer, and make the pipeline of the task. Raises ArtifactError."""
    library = import_transformers()
    _check_weights(folder)
    with _reading(folder, "configuration"):
        config = library.AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
    task = task or find_task(config)
    task, definition = _define(library, task)
    tokenizer = _load_tokenizer(library, tokenizer_folder)
    model = _load_model(folder, config, task, definition["pt"])
    with _reading(folder, "model"):
        pipeline = library.pipeline(task, model=model, tokenizer=tokenizer, device="cpu")
    most = getattr(config, "max_position_embeddings", None)
    return Pretrained(pipeline, task, most if isinstance(most, int) else None)


def _check_weights(folder: Path) -> None:
    if any(True for pattern in _WEIGHTS for _ in folder.glob(pattern)):
        return
    names = sorted(each.name for each in folder.iterdir())
    raise ArtifactError(
        f"no weights for PyTorch in {folder}",
        why=f"there is {', '.join(names[:10])}, but neither safetensors nor pytorch_model.bin",
        hint=f"{_SAVE}; weights of TensorFlow or Flax are read with from_tf or from_flax first",
    )


def find_task(config: Any) -> str:
    """The task that the architecture in the configuration is for, as `transformers` has them.

    Raises ArtifactError where none follows.
    """
    cards = import_library("transformers.modelcard", package="transformers", needed_by=_NEEDED_BY)
    auto = import_library(
        "transformers.models.auto.modeling_auto", package="transformers", needed_by=_NEEDED_BY
    )
    tasks: dict[str, Mapping[str, Any]] = {
        **cards.TASK_MAPPING,
        "feature-extraction": auto.MODEL_MAPPING_NAMES,
    }
    architectures = config.architectures or []
    for task, models in tasks.items():
        if any(name in _names(models) for name in architectures):
            return task
    raise ArtifactError(
        "the task of the model is not known",
        why=f"its {_CONFIG} names {', '.join(architectures) or 'no architectures'}, of which no "
        "task follows",
        hint="set the parameter task, for example to text-classification",
    )


def _names(models: Mapping[str, Any]) -> Iterator[str]:
    for each in models.values():
        yield from (each,) if isinstance(each, str) else each


def _define(library: Any, task: str) -> tuple[str, Mapping[str, Any]]:
    """The task by its usual name, and what a pipeline for it is made of."""
    registry = import_library(
        "transformers.pipelines", package="transformers", needed_by=_NEEDED_BY
    )
    known = registry.PIPELINE_REGISTRY
    try:
        name, definition, _ = known.check_task(task)
    except KeyError:
        texts = ", ".join(
            each for each, made in registry.SUPPORTED_TASKS.items() if _takes_text(each, made)
        )
        raise ArtifactError(
            f"there is no task {task}",
            why=f"transformers {library.__version__} is installed",
            hint=f"set the parameter task to one of {texts}; others may need another version",
        ) from None
    if not _takes_text(name, definition):
        raise ArtifactError(
            f"the task {task} cannot be served here",
            why="its pipeline takes or answers more than text: images, sound or video",
            hint="wrap it in a class of your own: python_class",
        )
    # Languages are a part of the task that its usual name leaves out: translation_en_to_fr.
    return task if task.startswith(name) else name, definition


def _takes_text(task: str, definition: Mapping[str, Any]) -> bool:
    return definition.get("type") == _TEXT and task != _SOUND


def _load_tokenizer(library: Any, folder: Path) -> Any:
    with _reading(folder, "tokenizer"):
        tokenizer = library.AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    # One without its files is made all the same, and takes every word for an unknown one.
    wanted = set(tokenizer.vocab_files_names.values()) or {"tokenizer_config.json"}
    if not any((folder / name).is_file() for name in wanted):
        raise ArtifactError(
            f"no tokenizer in {folder}",
            why=f"there is none of {', '.join(sorted(wanted))}",
            hint="save the tokenizer beside the model with save_pretrained, or set the parameter "
            "pretrained_tokenizer to its folder",
        )
    return tokenizer


def _load_model(folder: Path, config: Any, task: str, classes: Any) -> Any:
    with _reading(folder, "model"):
        model, told = classes[0].from_pretrained(
            str(folder),
            config=config,
            dtype="auto",
            trust_remote_code=False,
            output_loading_info=True,
        )
    if missing := sorted(told["missing_keys"]):
        # They would be made up by chance, and so would the predictions.
        raise ArtifactError(
            f"the model in {folder} is not trained for {task}",
            why=f"its weights lack {', '.join(missing[:5])}",
            hint="set the parameter task to what it was trained for, or save the trained model",
        )
    return model.eval()


@contextmanager
def _reading(folder: Path, part: str) -> Iterator[None]:
    """Turn whatever a library says of a folder that it cannot read into an ArtifactError."""
    try:
        yield
    except SeldonDeployerError:
        raise
    except ImportError as error:
        words = " ".join(str(error).split())
        raise ArtifactError(
            f"cannot read the {part} in {folder}", why=words, hint="install what it names"
        ) from error
    except Exception as error:
        if "trust_remote_code" in str(error):
            raise ArtifactError(
                f"cannot read the {part} in {folder}",
                why="it is made by code in the folder, which is not run here",
                hint="wrap it in a class of your own: python_class",
            ) from error
        hint = f"{_SAVE}, and check that the copy is whole"
        raise ArtifactError(
            f"cannot read the {part} in {folder}", why=explain_unreadable(error), hint=hint
        ) from error
