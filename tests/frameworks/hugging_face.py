"""Tiny Hugging Face folders, one for each task of text, and what `transformers` answers by them.

Weights are by chance, words are few, and nothing is downloaded.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from frameworks.models import Trained, library, quiet

os.environ.setdefault("HF_HUB_OFFLINE", "1")

TEXTS = ["the cat sat on a mat", "a dog ran", "good dog bad cat"]
# Of text generation: greedy, so that it answers the same twice.
GREEDY = {"do_sample": False, "max_new_tokens": 4}
# The most tokens that a model here takes.
MOST_TOKENS = 32

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
TASKS = tuple(_MODELS)


def save_model(task: str, folder: Path, *, with_tokenizer: bool = True) -> Path:
    """Write a model for a task, as `save_pretrained` does; returns the folder."""
    _make_model(task)(folder)
    if with_tokenizer:
        save_tokenizer(folder)
    return folder


def save_tokenizer(folder: Path) -> Path:
    """Write the tokenizer: a number for each word."""
    with quiet():
        _make_tokenizer().save_pretrained(str(folder))
    return folder


def answer(task: str, folder: Path, given: Any, **named: Any) -> Any:
    """What the pipeline of `transformers` itself answers, with numbers as Python has them."""
    with quiet():
        made = library("transformers").pipeline(task, model=str(folder), device="cpu")
        return _plain(made(given, **named))


@cache
def train_hugging_face() -> Trained:
    """A classifier of texts; its answers are for TEXTS, as V2 has them: a JSON document each."""
    task = "text-classification"
    with tempfile.TemporaryDirectory() as folder:
        documents = answer(task, save_model(task, Path(folder)), TEXTS)
    texts = np.array([json.dumps(each) for each in documents], object)
    return Trained(None, {"predict": texts}, {"pretrained": lambda to: save_model(task, to)})


def is_close(given: Any, expected: Any) -> bool:
    """Whether two JSON values are the same, numbers to six digits."""
    if isinstance(expected, float):
        return isinstance(given, float) and math.isclose(
            given, expected, rel_tol=1e-5, abs_tol=1e-6
        )
    if isinstance(expected, dict):
        same = isinstance(given, dict) and given.keys() == expected.keys()
        return same and all(is_close(given[name], expected[name]) for name in expected)
    if isinstance(expected, list):
        same = isinstance(given, list) and len(given) == len(expected)
        return same and all(map(is_close, given, expected))
    return bool(type(given) is type(expected) and given == expected)


@cache
def _make_model(task: str) -> Callable[[Path], None]:
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
    with quiet():
        model = getattr(transformers, name)(config).eval()

    def save(folder: Path) -> None:
        with quiet():
            model.save_pretrained(str(folder))

    return save


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
