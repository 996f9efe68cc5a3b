"""The examples of code of one's own, from a pipeline to predictions on the embedded runtime."""

import ast
import re
from pathlib import Path

import pytest
import urllib3
from zenml_store import ZenMLStore

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with ZenMLStore(tmp_path_factory.mktemp("zenml-examples")) as store:
        store.set_up_local_stack()
        yield store


def run(store, *command):
    output = store.done(
        "python", "-m", *command, PYTHONPATH=str(ROOT), ZENML_CUSTOM_SOURCE_ROOT=str(ROOT)
    )
    return re.search(r"prediction URL: (\S+)", output)[1], output


def ask(url, rows):
    with urllib3.PoolManager(retries=False) as pool:
        answer = pool.request("POST", url, json={"data": {"ndarray": rows}}, timeout=30)
    return answer.status, answer.json()


def test_the_predict_function_answers_what_it_answers_by_itself(store):
    url, output = run(store, "examples.custom_function.run")
    flowers = [[51, 35, 14, 2], [60, 29, 48, 16]]
    status, answer = ask(url, flowers)
    own = store.script(f"""
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        from zenml.client import Client
        from examples.custom_function.flowers import in_centimetres, name_the_species
        run = Client().list_pipeline_runs(sort_by="desc:created").items[0]
        model = run.steps["train_classifier"].output.load()
        answer(name_the_species(model, in_centimetres({flowers!r})))
    """)
    assert status == 200
    assert answer["jsonData"] == own
    assert own["species"][0] == "setosa"
    assert ast.literal_eval(output.strip().splitlines()[-1]) == own


def test_the_class_answers_and_its_parameters_change_in_place(store):
    url, _ = run(store, "examples.custom_class.run")
    status, answer = ask(url, [[5.1, 3.5, 1.4, 0.2], [6.0, 2.9, 4.8, 1.6]])
    assert status == 200
    assert answer["data"]["names"] == ["species"]
    assert answer["data"]["ndarray"][0] == ["setosa"]
    assert answer["data"]["ndarray"][1][0] in ("versicolor", "virginica")
    same, _ = run(store, "examples.custom_class.run", "--least", "0.999")
    assert same == url
    assert ask(url, [[6.0, 2.9, 4.8, 1.6]])[1]["data"]["ndarray"] == [["unsure"]]
