"""The task of a Hugging Face model, by the architecture that its config.json names.

Source: transformers, the names of its classes; the tests compare every one of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

# Endings of architectures -> the task of a pipeline; of other endings the class alone tells.
_TASKS: Mapping[str, str] = {
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForMaskedLM": "fill-mask",
    "ForCausalLM": "text-generation",
    "LMHeadModel": "text-generation",
}
# Of these the endings say something else: they hear, read tables, or fill gaps.
_OTHERS = ("Data2VecAudio", "Flaubert", "Hubert", "SEW", "Tapas", "UniSpeech", "Wav2Vec2", "WavLM")


def find_task(config: bytes) -> str | None:
    """The task that follows from a config.json; None where none does, or where it is none."""
    try:
        document = json.loads(config)
    except (ValueError, RecursionError):
        return None
    named = document.get("architectures") if isinstance(document, dict) else None
    if not isinstance(named, list):
        return None
    tasks = {_task_of(each) for each in named if isinstance(each, str)}
    return tasks.pop() if len(tasks) == 1 else None


def _task_of(architecture: str) -> str | None:
    if architecture.startswith(_OTHERS):
        return None
    return next((task for end, task in _TASKS.items() if architecture.endswith(end)), None)
