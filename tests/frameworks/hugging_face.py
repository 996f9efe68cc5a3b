"""Tiny Hugging Face folders, one for each task of text, and what `transformers` answers by them.

Weights are by chance, words are few, and nothing is downloaded. A process of its own does it: what
PyTorch compiles with, which `transformers` loads, does not go together with TensorFlow in one.
"""

from __future__ import annotations

import atexit
import json
import math
import os
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ending import end
from frameworks.models import Trained

TEXTS = ["the cat sat on a mat", "a dog ran", "good dog bad cat"]
# Of text generation: greedy, so that it answers the same twice.
GREEDY = {"do_sample": False, "max_new_tokens": 4}
# The most tokens that a model here takes.
MOST_TOKENS = 32
TASKS = (
    "text-classification", "token-classification", "fill-mask", "feature-extraction",
    "text-generation",
)  # fmt: skip


def save_model(task: str, folder: Path, *, with_tokenizer: bool = True) -> Path:
    """Write a model for a task, as `save_pretrained` does; returns the folder."""
    _ask("save_model", task, str(folder))
    return save_tokenizer(folder) if with_tokenizer else folder


def save_tokenizer(folder: Path) -> Path:
    """Write the tokenizer: a number for each word."""
    _ask("save_tokenizer", str(folder))
    return folder


def answer(task: str, folder: Path, given: Any, **named: Any) -> Any:
    """What the pipeline of `transformers` itself answers, with numbers as Python has them."""
    return _ask("answer", task, str(folder), given, named)


def refusal(folder: Path | str, **given: Any) -> str | None:
    """What our server says of a folder that it refuses; None where it loads it."""
    told: str | None = _ask("load", str(folder), given)
    return told


def list_architectures() -> dict[str, str]:
    """Every architecture that `transformers` knows a task of, with that task."""
    told: dict[str, str] = _ask("list_architectures")
    return told


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
def _process() -> subprocess.Popen[bytes]:
    for name in ("torch", "transformers"):
        if find_spec(name) is None:
            pytest.skip(f"no {name}: pip install -e '.[frameworks]'")
    tests = str(Path(__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "frameworks.hugging_face_process"],
        env={**os.environ, "PYTHONPATH": tests, "HF_HUB_OFFLINE": "1", "RAYON_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    atexit.register(_close, process)
    return process


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    end(process)


def _ask(call: str, *values: Any) -> Any:
    process = _process()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"call": call, "values": values}).encode() + b"\n")
    process.stdin.flush()
    line = process.stdout.readline()
    assert line, f"the process for transformers ended over {call}"
    return json.loads(line)
