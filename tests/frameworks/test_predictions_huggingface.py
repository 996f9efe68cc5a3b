"""Hugging Face folders: predictions equal the pipeline's own, through both protocols."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hugging_face import (
    GREEDY,
    MOST_TOKENS,
    TASKS,
    TEXTS,
    answer,
    is_close,
    save_model,
    save_tokenizer,
)
from unit_process import parameters

from seldon_deployer import Deployer, DeploymentConfig
from seldon_deployer.local import lifecycle

SERVER = "seldon_deployer.server.huggingface.HuggingFaceServer"
MASKED = ["the [MASK] sat", "a [MASK] ran on"]
OPTIONS = {
    "text-classification": {"top_k": 2},
    "token-classification": {"aggregation_strategy": "simple"},
    "fill-mask": {"top_k": 2},
    "feature-extraction": {"truncation": True},
    "text-generation": GREEDY,
}


def texts_for(task):
    return MASKED if task == "fill-mask" else TEXTS


def text_input(name, *texts):
    return {"name": name, "shape": [len(texts)], "datatype": "BYTES", "data": list(texts)}


def option_input(name, value):
    """As MLServer's own client writes a plain value."""
    return {**text_input(name, value), "parameters": {"content_type": "raw"}}


@pytest.mark.parametrize("task", TASKS)
def test_a_folder_is_served_with_the_answers_of_its_pipeline(start_unit, tmp_path, task):
    folder = save_model(task, tmp_path / "model")
    unit = start_unit(SERVER, PREDICTIVE_UNIT_ID="bert", **parameters(model_uri=folder))
    texts, options = texts_for(task), OPTIONS[task]
    # Without them text generation answers by chance.
    needed = GREEDY if task == "text-generation" else {}
    extra = [option_input(name, value) for name, value in needed.items()]
    one = answer(task, folder, texts[0], **needed)
    several = answer(task, folder, texts, **needed)
    chosen = answer(task, folder, texts, **options)

    if not needed:
        assert is_close(unit.predict({"strData": texts[0]})["jsonData"], one)
        for rows in (texts, [[text] for text in texts]):
            given = unit.predict({"data": {"ndarray": rows}})
            assert is_close(given["jsonData"], several)
        assert is_close(unit.predict({"jsonData": texts})["jsonData"], several)
    by_name = {"jsonData": {"inputs": texts, **options}}
    assert is_close(unit.predict(by_name)["jsonData"], chosen)
    assert is_close(unit.predict({"jsonData": {"args": texts[0], **needed}})["jsonData"], one)

    for inputs, expected in (
        ([text_input("args", texts[0]), *extra], one),
        ([text_input("args", *texts), *extra], several),
        ([text_input("array_inputs", *texts), *extra], several),
        (
            [text_input("inputs", *texts)]
            + [option_input(name, value) for name, value in options.items()],
            chosen,
        ),
    ):
        [output] = unit.infer({"inputs": inputs})
        assert (output["name"], output["datatype"]) == ("output", "BYTES")
        assert output["shape"] == [len(expected), 1]
        assert output["parameters"]["content_type"] == "hg_jsonlist"
        assert is_close([json.loads(text) for text in output["data"]], expected)
    assert unit.get("/v2/models/bert").json()["inputs"] == [
        {"name": "args", "datatype": "BYTES", "shape": [-1]}
    ]


@pytest.fixture(scope="module")
def classifier(start_unit, tmp_path_factory):
    folder = save_model("text-classification", tmp_path_factory.mktemp("bert") / "model")
    # The operator's way to say where the model lies, and what a cluster's manifest says besides.
    told = parameters(
        task="text-classification", framework="pt", pretrained_model=folder, optimum_model=True,
        max_batch_size=8,
    )  # fmt: skip
    return start_unit(SERVER, PREDICTIVE_UNIT_ID="bert", **told)


def test_what_is_sent_in_vain_or_by_mistake_is_an_error_of_the_caller(classifier):
    long = "cat " * (MOST_TOKENS + 1)
    for path, body, reason in (
        ("/predict", {"data": {"ndarray": [[1.0, 2.0]]}}, "send texts"),
        ("/predict", {"data": {"ndarray": []}}, "send texts"),
        ("/predict", {"data": {"ndarray": [["a", "b"]]}}, "each row is one text"),
        ("/predict", {"data": {"ndarray": ["a", 5]}}, "there is something among the texts"),
        ("/predict", {"binData": "AAA="}, "send texts"),
        ("/predict", {"jsonData": 5}, "send texts"),
        ("/predict", {"jsonData": {}}, "missing 1 required positional argument"),
        ("/predict", {"jsonData": []}, "there are no texts"),
        ("/predict", {"jsonData": {"args": "a", "inputs": "b"}}, "are the same argument"),
        ("/predict", {"strData": long}, f"and the model takes {MOST_TOKENS} at most"),
        ("/v2", {"inputs": [text_input("args", 5)]}, "there is something among the texts"),
        ("/v2", {"inputs": [text_input("args", "a"), text_input("args", "b")]}, "have one name"),
        (
            "/v2",
            {"inputs": [text_input("args", "a")], "outputs": [{"name": "scores"}]},
            "no output scores; it has output",
        ),
        (
            "/v2",
            {"inputs": [{**text_input("args", "{"), "parameters": {"content_type": "hg_json"}}]},
            "args holds no JSON",
        ),
        (
            "/v2",
            {"inputs": [{**text_input("args", "a"), "parameters": {"content_type": "base64"}}]},
            "the content type base64 of args is not read here",
        ),
    ):
        refused = classifier.post(path.replace("/v2", "/v2/models/bert/infer"), body)
        assert refused.status == 400, (body, refused.data)
        assert reason in refused.data.decode(), (body, refused.data)
        assert "Traceback" not in refused.data.decode()
    cut = classifier.predict({"jsonData": {"inputs": long, "truncation": True}})
    assert [each.keys() for each in cut["jsonData"]] == [{"label", "score"}]


@pytest.mark.parametrize(
    "named",
    [
        {"trust_remote_code": True},
        {"num_workers": 2},
        {"generate_kwargs": {"custom_generate": "/tmp/code"}},
    ],
)
def test_a_request_decides_of_no_code_and_no_processes(classifier, named):
    refused = classifier.post("/predict", {"jsonData": {"inputs": "a", **named}})

    assert refused.status == 400
    assert "is not taken from a request" in refused.data.decode()


def test_an_input_of_another_name_and_the_content_types_of_mlserver_are_read(classifier):
    [expected] = classifier.infer({"inputs": [text_input("args", TEXTS[0])]})
    documents = {
        **text_input("inputs", json.dumps({"text": TEXTS[0]})),
        "parameters": {"content_type": "hg_jsonlist"},
    }
    number = {"name": "top_k", "shape": [1], "datatype": "INT64", "data": [1]}
    for inputs in (
        [text_input("input-0", TEXTS[0])],
        [{**text_input("args", TEXTS[0]), "shape": [1, 1], "parameters": {"content_type": "str"}}],
        [documents],
        [text_input("array_inputs", TEXTS[0]), number],
    ):
        [output] = classifier.infer({"inputs": inputs})
        found = [json.loads(text) for text in output["data"]]
        # With top_k there is a list for each text.
        found = found[0] if isinstance(found[0], list) else found
        assert is_close(found, [json.loads(text) for text in expected["data"]])


def test_what_has_no_effect_is_said_once(classifier):
    assert classifier.log.read_text().count("optimum_model has no effect here") == 1


def test_a_tokenizer_of_its_own_folder_is_taken(start_unit, tmp_path):
    folder = save_model("feature-extraction", tmp_path / "model", with_tokenizer=False)
    words = save_tokenizer(tmp_path / "words")
    unit = start_unit(SERVER, **parameters(model_uri=folder, pretrained_tokenizer=words))

    given = unit.predict({"strData": TEXTS[0]})["jsonData"]

    save_tokenizer(folder)
    assert is_close(given, answer("feature-extraction", folder, TEXTS[0]))


@pytest.mark.parametrize(
    ("protocol", "told"),
    [
        ("seldon", {}),
        ("v2", {}),
        # What the image on a cluster has to be told, for it reads no address of a model.
        ("v2", {"task": "text-classification", "pretrained_model": "/mnt/models"}),
    ],
)
def test_a_plain_folder_is_found_and_served_by_the_embedded_runtime(tmp_path, protocol, told):
    folder = save_model("text-classification", tmp_path / "model")
    home = tmp_path / "home"
    config = DeploymentConfig(
        model_name="mood", model_uri=str(folder), protocol=protocol, parameters=told
    )
    answered = []
    try:
        service = Deployer.local(home=home).deploy(config, timeout_seconds=180)
        for transport in ("http", "grpc"):
            with service.client(transport=transport) as client:
                answered += [(given, client.predict(given)) for given in (TEXTS, TEXTS[0])]
    finally:
        lifecycle.stop(home)

    for given, found in answered:
        found = found if protocol == "seldon" else [json.loads(text) for text in found.ravel()]
        assert is_close(found, answer("text-classification", folder, given))


def test_several_threads_are_answered_as_one_is(start_unit, tmp_path):
    """Texts that are cut and texts that are not meet in one tokenizer."""
    folder = save_model("text-classification", tmp_path / "model")
    unit = start_unit(SERVER, "--threads", "4", **parameters(model_uri=folder))
    bodies = [
        {"jsonData": {"inputs": [f"{'cat ' * 40}{text}", text], "truncation": True}}
        if number % 2
        else {"jsonData": [text]}
        for number, text in enumerate(TEXTS * 20)
    ]
    expected = [unit.predict(body)["jsonData"] for body in bodies]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda body: unit.predict(body)["jsonData"], bodies))

    assert found == expected
