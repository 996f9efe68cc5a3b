"""HUGGINGFACE_SERVER: serves a Hugging Face folder as a pipeline of `transformers`, on the CPU."""

from __future__ import annotations

import logging
import threading
from typing import Any

from seldon_deployer.errors import UsageError
from seldon_deployer.payload import Tensor
from seldon_deployer.server.component import UnitError
from seldon_deployer.server.inference import Inference
from seldon_deployer.server.meta import JsonValue
from seldon_deployer.server.model_file import import_library
from seldon_deployer.server.pipeline_values import (
    OUTPUT,
    Arguments,
    read_inputs,
    read_value,
    to_plain,
    write_output,
)
from seldon_deployer.server.pretrained import (
    Pretrained,
    find_folder,
    import_transformers,
    load_pretrained,
)
from seldon_deployer.server.reason import give_reason
from seldon_deployer.server.tensors import TensorSpec, describe_tensors

logger = logging.getLogger(__name__)

_INPUT = "args"
_TRANSLATION = "translation"
_CPU = (-1, "cpu", "-1")


class HuggingFaceServer:
    """What `save_pretrained` wrote, behind the pipeline of its task; tasks of text alone.

    Seldon messages are answered with jsonData, what the pipeline returned: for strData, for a list
    of texts in ndarray, or for jsonData with its arguments by name. V2 as MLServer does: a text
    in `args`, a list in `array_inputs`, other arguments by name, and `output` with a JSON document
    an element; but several texts in `args` are a list, where MLServer passes over all but one.

    task: as `transformers` calls it; without it the folder's own architecture tells.
    pretrained_model, pretrained_tokenizer: folders, or names on the hub that are in the local
    cache; the first wins over `model_uri`. Whatever framework, device or optimum_model say, it is
    PyTorch on the CPU: the answers are the same.
    """

    # Arguments are for the texts of their own request, and a CPU gains nothing by joining texts.
    joins_requests = False

    def __init__(
        self,
        model_uri: str | None = None,
        task: str | None = None,
        task_suffix: str = "",
        pretrained_model: str | None = None,
        pretrained_tokenizer: str | None = None,
        framework: str | None = None,
        optimum_model: bool = False,
        device: int | str = -1,
        inter_op_threads: int | None = None,
        intra_op_threads: int | None = None,
    ) -> None:
        place = pretrained_model or model_uri
        if not place:
            raise UsageError(
                "there is no model to serve",
                hint="give model_uri, or the parameter pretrained_model",
            )
        self.place = place
        self.task = f"{task}{task_suffix}" if task == _TRANSLATION else task
        self.tokenizer = pretrained_tokenizer
        self._threads = {
            "set_num_interop_threads": inter_op_threads,
            "set_num_threads": intra_op_threads,
        }
        for told, is_so in (
            ("framework tf", framework not in (None, "", "pt")),
            ("optimum_model", optimum_model),
            (f"device {device}", device not in _CPU),
        ):
            if is_so:
                logger.warning("%s has no effect here: PyTorch answers, on the CPU", told)
        self._loaded: Pretrained
        # Tokenizers keep how texts are cut and padded, so that calls at once meet in them.
        self._lock = threading.Lock()
        self._refusals: tuple[type[Exception], ...] = (
            *(ValueError, TypeError, LookupError, AttributeError),
            # Of PyTorch: a text with more tokens than the model has places for.
            *(RuntimeError, AssertionError),
        )

    def load(self) -> None:
        """Read the model. Raises ArtifactError, or LoadFailed without transformers or PyTorch."""
        import_transformers()
        folder = find_folder(self.place)
        own = find_folder(self.tokenizer, is_tokenizer=True) if self.tokenizer else folder
        self._set_threads()
        self._loaded = load_pretrained(folder, own, self.task or None)
        base = import_library(
            "transformers.pipelines.base", package="transformers", needed_by=type(self).__name__
        )
        self._refusals += (base.PipelineException,)
        logger.info("serving the task %s", self._loaded.task)

    def predict(self, X: Any, names: list[str]) -> JsonValue:  # noqa: N803, ARG002 - Seldon's
        """Answer a Seldon message. Raises UnitError 400 for what the pipeline refuses."""
        return JsonValue(self._ask(read_value(X)))

    def infer_tensors(self, inference: Inference) -> list[Tensor]:
        """Answer a V2 request. Raises UnitError 400 for what the pipeline refuses."""
        for name in inference.outputs:
            if name != OUTPUT:
                raise UnitError(f"this model has no output {name}; it has {OUTPUT}")
        return [write_output(self._ask(read_inputs(inference)))]

    def init_metadata(self) -> dict[str, Any]:
        """Tell of the one input and the one output, in the form of V2."""
        return {
            "platform": "huggingface",
            "inputs": describe_tensors([TensorSpec(_INPUT, "object", (-1,))]),
            "outputs": describe_tensors([TensorSpec(OUTPUT, "object", (-1, 1))]),
        }

    def _set_threads(self) -> None:
        torch = import_library("torch", package="torch", needed_by="HuggingFaceServer")
        for name, count in self._threads.items():
            if count:
                getattr(torch, name)(int(count))

    def _ask(self, arguments: Arguments) -> Any:
        pipeline = self._loaded.pipeline
        with self._lock:
            try:
                return to_plain(pipeline(*arguments.given, **arguments.named))
            except self._refusals as error:
                raise UnitError(self._explain(error, arguments)) from error

    def _explain(self, error: Exception, arguments: Arguments) -> str:
        """The pipeline's reason, and the length of a text where that is behind it."""
        reason, most = give_reason(error), self._loaded.most_tokens
        given = arguments.given[0] if arguments.given else None
        texts = [each for each in (given if isinstance(given, list) else [given]) if each]
        if most is None or not isinstance(error, (RuntimeError, IndexError)):
            return reason
        count = self._loaded.pipeline.tokenizer
        tokens = max(
            (len(count(each)["input_ids"]) for each in texts if isinstance(each, str)), default=0
        )
        if tokens <= most:
            return reason
        return f"a text has {tokens} tokens, and the model takes {most} at most ({reason})"
