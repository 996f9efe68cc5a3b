"""The task that is told to Seldon's server is the one that `transformers` has for a model."""

from __future__ import annotations

import json

from frameworks.hugging_face import TASKS, list_architectures, save_model

from seldon_deployer.artifacts.layout import prepare
from seldon_deployer.artifacts.pretrained_task import find_task

# A model of text and pictures, to `transformers`; a model of text, by its name.
SEVERAL = {"Mistral4ForCausalLM"}


def test_no_architecture_is_taken_for_another_task_than_its_own() -> None:
    known = list_architectures()

    found = {
        name: find_task(json.dumps({"architectures": [name]}).encode())
        for name in known.keys() - SEVERAL
    }

    assert {name: task for name, task in found.items() if task not in (None, known[name])} == {}
    # A rule that finds nothing would hold as well.
    for task in set(TASKS) - {"feature-extraction"}:
        mine = [name for name, each in found.items() if each == task]
        theirs = [name for name, each in known.items() if each == task]
        assert len(mine) > 0.8 * len(theirs) > 0


def test_a_saved_folder_tells_its_task(tmp_path) -> None:
    for task in TASKS:
        folder = save_model(task, tmp_path / task, with_tokenizer=False)

        prepared = prepare(folder, protocol="v2", is_local=False)

        assert prepared.implementation == "HUGGINGFACE_SERVER"
        # Of feature extraction the name of a class does not tell.
        expected = {} if task == "feature-extraction" else {"task": task}
        assert prepared.parameters == expected
