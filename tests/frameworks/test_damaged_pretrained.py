"""Hugging Face folders that cannot be served: one sentence tells why, before the unit listens."""

from __future__ import annotations

import json
import re

import hugging_face
import pytest
from hugging_face import save_model
from unit_process import parameters

from seldon_deployer.errors import UsageError
from seldon_deployer.server.huggingface import HuggingFaceServer

SERVER = "seldon_deployer.server.huggingface.HuggingFaceServer"


@pytest.fixture
def folder(tmp_path):
    return save_model("text-classification", tmp_path / "model")


def refusal(folder, **given):
    told = hugging_face.refusal(folder, **given)
    assert told is not None
    assert len(told) < 900
    return told


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change_config(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_nothing_to_serve_is_an_error():
    with pytest.raises(UsageError, match="there is no model to serve"):
        HuggingFaceServer(task="fill-mask")


def test_a_folder_without_a_tokenizer_is_refused_and_told_the_parameter(tmp_path):
    """The library makes one all the same, to which every word is unknown."""
    folder = save_model("text-classification", tmp_path / "model", with_tokenizer=False)

    assert "no tokenizer in" in (told := refusal(folder))
    assert "pretrained_tokenizer" in told


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_file_that_is_cut_is_told_by_what_it_is_part_of(folder, name):
    cut(folder / name)

    part = {"config.json": "configuration", "model.safetensors": "model"}.get(name, "tokenizer")
    assert f"cannot read the {part} in" in refusal(folder)


def test_a_folder_without_a_configuration_is_told_what_is_there(folder):
    (folder / "config.json").unlink()

    assert "none of config.json" in refusal(folder)


@pytest.mark.parametrize("name", ["tf_model.h5", "flax_model.msgpack"])
def test_weights_of_other_frameworks_alone_are_refused_by_name(folder, name):
    (folder / "model.safetensors").rename(folder / name)

    told = refusal(folder)
    assert "no weights for PyTorch" in told
    assert name in told


def test_weights_of_another_shape_than_the_configuration_says_are_refused(folder):
    change_config(folder, hidden_size=32)

    assert "cannot read the model in" in refusal(folder)


def test_a_task_that_the_weights_are_not_trained_for_is_refused(tmp_path):
    """The library would make up the weights that are missing, and the predictions with them."""
    folder = save_model("feature-extraction", tmp_path / "model")

    told = refusal(folder, task="text-classification")
    assert "is not trained for text-classification" in told
    assert "classifier.weight" in told


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("mind-reading", "there is no task mind-reading"),
        ("image-classification", "the task image-classification cannot be served here"),
        ("text-to-audio", "the task text-to-audio cannot be served here"),
        ("text-generation", "cannot read the model|is not trained for text-generation"),
    ],
)
def test_a_task_that_cannot_be_is_refused(folder, task, reason):
    assert re.search(reason, refusal(folder, task=task))


@pytest.mark.parametrize("architectures", [None, [], ["BertForMindReading"]])
def test_a_task_that_does_not_follow_from_the_folder_has_to_be_given(folder, architectures):
    change_config(folder, architectures=architectures)

    assert "set the parameter task" in refusal(folder)
    assert hugging_face.refusal(folder, task="text-classification") is None


def test_code_of_the_folder_is_never_run(folder, tmp_path):
    proof = tmp_path / "ran"
    (folder / "own.py").write_text(f"open({str(proof)!r}, 'w')\nclass Config: ...\n")
    change_config(folder, model_type="own", auto_map={"AutoConfig": "own.Config"})

    told = refusal(folder)

    assert not proof.exists()
    assert "python_class" in told


def test_a_name_on_the_hub_that_is_not_in_the_cache_is_refused(tmp_path):
    told = refusal("", pretrained_model="nobody/no-such-model")

    assert "the model nobody/no-such-model is not on this machine" in told
    assert "nothing is downloaded" in told


def test_a_name_on_the_hub_is_served_from_the_cache(start_unit, folder, tmp_path):
    place = tmp_path / "cache" / "models--nobody--tiny"
    commit = "0" * 40
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(commit)
    (place / "snapshots").mkdir()
    folder.rename(place / "snapshots" / commit)

    unit = start_unit(
        SERVER, HF_HUB_CACHE=str(place.parent), **parameters(pretrained_model="nobody/tiny")
    )

    [answer] = unit.predict({"strData": "a cat"})["jsonData"]
    assert answer.keys() == {"label", "score"}


def test_the_end_of_the_unit_tells_why_as_its_last_line(run_server, tmp_path):
    folder = save_model("text-classification", tmp_path / "model", with_tokenizer=False)

    ended = run_server(SERVER, "--http-port", "0", **parameters(model_uri=folder))

    assert ended.returncode == 1
    assert "no tokenizer in" in ended.stderr.strip().splitlines()[-1]
