"""The process in which `transformers` works for the tests; `hugging_face` asks it, line by line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from frameworks.hugging_face import MOST_TOKENS
from frameworks.models import library, quiet

from seldon_deployer.errors import ArtifactError
from seldon_deployer.server.huggingface import HuggingFaceServer
from seldon_deployer.server.pretrained import find_task

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_WORDS = ["the", "a", "cat", "dog", "mat", "sat", "ran", "on", "and", "good", "bad"]
_LABELS = {0: "animal", 1: "thing", 2: "other"}
# task -> the class of the model, and what its configuration says besides.
_MODELS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "text-classification": ("BertForSequenceClassification", {"id2label": _LABELS}),
    "token-classification": ("BertForTokenClassification", {"id2label": _LABELS}),
    "fill-mask": ("BertForMaskedLM", {}),
    "feature-extraction": ("BertModel", {}),
    "text-generation": ("GPT2LMHeadModel", {}),
}


def save_model(task: str, folder: str) -> None:
    """Write a model for a task, as `save_pretrained` does."""
    _make_model(task)(folder)


def save_tokenizer(folder: str) -> None:
    """Write the tokenizer: a number for each word."""
    _make_tokenizer().save_pretrained(folder)


def answer(task: str, folder: str, given: Any, named: Mapping[str, Any]) -> Any:
    """What the pipeline of `transformers` itself answers, with numbers as Python has them."""
    made = library("transformers").pipeline(task, model=folder, device="cpu")
    return _plain(made(given, **named))


def load(folder: str, given: Mapping[str, Any]) -> str | None:
    """Load a folder with our server; what it says where it refuses it."""
    try:
        HuggingFaceServer(folder, **given).load()
    except ArtifactError as error:
        return str(error)
    return None


def list_architectures() -> dict[str, str]:
    """Every architecture that a task is known of, with the task that our server finds for it."""
    auto = import_module("transformers.models.auto.modeling_auto")
    cards = import_module("transformers.modelcard")
    mappings = [*cards.TASK_MAPPING.values(), auto.MODEL_MAPPING_NAMES]
    names = {name for mapping in mappings for each in mapping.values() for name in _several(each)}
    return {name: find_task(SimpleNamespace(architectures=[name])) for name in names}


def _several(named: str | Sequence[str]) -> Sequence[str]:
    return (named,) if isinstance(named, str) else named


@cache
def _make_model(task: str) -> Callable[[str], None]:
    torch, transformers = library("torch"), library("transformers")
    name, more = _MODELS[task]
    torch.manual_seed(7)
    words = len(_SPECIAL) + len(_WORDS)
    if name.startswith("GPT2"):
        config = transformers.GPT2Config(
            vocab_size=words, n_embd=16, n_layer=1, n_head=2, n_positions=MOST_TOKENS,
            bos_token_id=2, eos_token_id=3, **more,
        )  # fmt: skip
    else:
        config = transformers.BertConfig(
            vocab_size=words, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16, max_position_embeddings=MOST_TOKENS, **more,
        )  # fmt: skip
    model = getattr(transformers, name)(config).eval()
    return lambda folder: model.save_pretrained(folder)


@cache
def _make_tokenizer() -> Any:
    tokenizers, transformers = library("tokenizers"), library("transformers")
    numbers = {word: number for number, word in enumerate((*_SPECIAL, *_WORDS))}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(numbers, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = ("pad", "unk", "cls", "sep", "mask")
    special = {f"{name}_token": f"[{name.upper()}]" for name in names}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, model_max_length=MOST_TOKENS, **special
    )


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
    return value.item() if hasattr(value, "item") else value


CALLS = (save_model, save_tokenizer, answer, load, list_architectures)


def main() -> None:
    """Answer each line of standard input by a line of standard output, as JSON."""
    answers = os.fdopen(os.dup(1), "w")
    # What libraries print is no answer.
    os.dup2(2, 1)
    calls = {call.__name__: call for call in CALLS}
    for line in sys.stdin:
        asked = json.loads(line)
        with quiet():
            told = calls[asked["call"]](*asked["values"])
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
