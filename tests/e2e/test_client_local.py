"""The client and batches against real servers of ours, behind the embedded runtime's gateway."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
from test_cli_local import Shell, save_model

from seldon_deployer import AsyncInferenceClient
from seldon_deployer.errors import PredictionError
from seldon_deployer.local import lifecycle

NAMES = ["sepal length", "sepal width", "petal length", "petal width"]
ROWS, _ = load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("client")
    yield Shell(folder, folder / "home")
    lifecycle.stop(folder / "home")


@pytest.fixture(scope="module")
def model(shell: Shell) -> DecisionTreeClassifier:
    """Deployed as `iris` with protocol seldon, and as `iris2` with V2."""
    model = save_model(shell.folder / "model")
    shell("deploy", "--name", "iris", "--model-uri", "model")
    shell("deploy", "--name", "iris2", "--model-uri", "model", "--protocol", "v2")
    return model


def url_of(shell: Shell, name: str) -> str:
    return shell.json("status", name)["prediction_url"]


@pytest.mark.parametrize("options", [{}, {"binary": True}])
def test_a_v2_model_answers_in_json_and_in_bytes(shell, model, options):
    async def ask() -> list[object]:
        async with AsyncInferenceClient(url_of(shell, "iris2"), **options) as client:
            asked = [client.predict(ROWS[i : i + 10]) for i in range(0, 150, 10)]
            return [*await asyncio.gather(*asked), await client.metadata()]

    *answers, metadata = asyncio.run(ask())
    assert np.concatenate(answers).ravel().tolist() == model.predict(ROWS).tolist()
    assert metadata["name"] == "iris2"


def test_feedback_and_metadata_reach_the_unit(shell, model):
    async def ask() -> tuple[object, object]:
        async with AsyncInferenceClient(url_of(shell, "iris")) as client:
            answer = await client.predict(ROWS[:1], returns="message")
            told = await client.feedback(ROWS[:1], answer, reward=1, truth=[0])
            return told, await client.metadata()

    told, metadata = asyncio.run(ask())
    assert "meta" in told
    assert isinstance(metadata, dict)


def test_rows_that_the_model_refuses_name_its_reason(shell, model):
    async def ask() -> None:
        async with AsyncInferenceClient(url_of(shell, "iris")) as client:
            await client.predict([[1, 2]])

    with pytest.raises(PredictionError, match="expecting 4 features") as caught:
        asyncio.run(ask())
    assert caught.value.is_of_data


@pytest.mark.parametrize("name", ["iris", "iris2"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_is_answered_by_a_file_as_the_model_answers_here(shell, model, name, kind):
    frame = pd.DataFrame(np.tile(ROWS, (4, 1)), columns=NAMES)
    source = shell.folder / f"rows.{kind}"
    frame.to_csv(source, index=False) if kind == "csv" else frame.to_parquet(source, index=False)
    shell("predict", name, "--file", source.name, "--output", f"out-{name}.parquet")
    told = parquet.read_table(shell.folder / f"out-{name}.parquet").to_pandas().to_numpy()
    if name == "iris":
        assert told.tolist() == model.predict_proba(frame.to_numpy()).tolist()
    else:
        assert told.ravel().tolist() == model.predict(frame.to_numpy()).tolist()


def test_failed_rows_are_reported_and_the_rest_is_answered(shell, model):
    rows = [*ROWS[:3].tolist(), [1.0, 2.0], *ROWS[3:5].tolist()]
    (shell.folder / "some.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    done = shell.run("predict", "iris", "--file", "some.jsonl", "--output", "some-out.jsonl")
    assert done.returncode == 1
    assert "1 of 6 rows failed" in done.stderr
    assert "row 3: X has 2 features" in done.stderr
    told = [json.loads(line) for line in (shell.folder / "some-out.jsonl").read_text().splitlines()]
    assert [list(each) == ["error"] for each in told] == [False] * 3 + [True] + [False] * 2
    assert not list(Path(shell.folder).glob("*.progress"))
