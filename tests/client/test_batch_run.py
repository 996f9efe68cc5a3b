"""Batches against real servers: order, failing rows, runs that are cut off, formats."""

import csv
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from answering import Answer, Request, free_port, serving
from pyarrow import parquet

from seldon_deployer.batch import Batch
from seldon_deployer.client import InferenceClient, Retries
from seldon_deployer.errors import PredictionError, UsageError

BAD = {"status": {"status": 1, "code": -1, "info": "negative", "reason": "MICROSERVICE_BAD_DATA"}}


def double(request: Request) -> Answer:
    """Answers rows of one number with twice that; refuses all where one is negative."""
    rows = np.array(request.message["data"]["ndarray"], dtype=float)
    if (rows < 0).any():
        return Answer(400, BAD)
    return Answer(200, {"data": {"names": ["twice"], "ndarray": (rows * 2).tolist()}, "meta": {}})


def make_rows(folder: Path, values) -> Path:
    path = folder / "rows.csv"
    path.write_text("x\n" + "\n".join(map(str, values)) + "\n")
    return path


def read_result(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def seen_rows(server) -> list[int]:
    return [x for request in server.requests for [x] in request.message["data"]["ndarray"]]


def test_answers_are_in_the_order_of_the_rows_however_they_come(tmp_path):
    def slow_first(request: Request) -> Answer:
        time.sleep(0.05 if request.message["data"]["ndarray"][0][0] < 20 else 0)
        return double(request)

    source, output = make_rows(tmp_path, range(95)), tmp_path / "out.jsonl"
    told: list[tuple[int, int, int]] = []
    with serving(slow_first) as server, InferenceClient(server.url) as client:
        report = Batch(source, output, piece_rows=10).run(
            client, progress=lambda *each: told.append(each)
        )
    assert read_result(output) == [{"twice": 2.0 * n} for n in range(95)]
    assert (report.rows, report.failed) == (95, {})
    assert told[0] == (0, 0, 95)
    assert told[-1] == (95, 0, 95)
    assert sorted(tmp_path.iterdir()) == [output, source]


def test_rows_are_asked_in_parallel(tmp_path):
    together = threading.Barrier(3)

    def wait_for_others(request: Request) -> Answer:
        together.wait(30)
        return double(request)

    source, output = make_rows(tmp_path, range(6)), tmp_path / "out.jsonl"
    with serving(wait_for_others) as server, InferenceClient(server.url) as client:
        Batch(source, output, piece_rows=1, parallel=3).run(client)
    assert len(read_result(output)) == 6


def test_a_row_that_fails_takes_no_other_with_it(tmp_path):
    values = [-1 if n in {3, 17, 18} else n for n in range(40)]
    source, output = make_rows(tmp_path, values), tmp_path / "out.jsonl"
    with serving(double) as server, InferenceClient(server.url) as client:
        report = Batch(source, output, piece_rows=16).run(client)
    reason = "negative (MICROSERVICE_BAD_DATA)"
    assert report.failed == {3: reason, 17: reason, 18: reason}
    assert read_result(output) == [
        {"error": reason} if value < 0 else {"twice": 2.0 * value} for value in values
    ]


def test_too_many_failures_end_the_run_and_name_the_first(tmp_path):
    source, output = make_rows(tmp_path, [-1] * 50), tmp_path / "out.jsonl"
    with (
        serving(double) as server,
        InferenceClient(server.url) as client,
        pytest.raises(PredictionError, match=r"more than 5 rows failed: row \d+: negative"),
    ):
        Batch(source, output, piece_rows=10, max_failures=5).run(client)
    assert not output.exists()
    assert len(server.requests) < 100


def journaled(batch: Batch) -> list[int]:
    """The first rows of the pieces that have an answer on disk."""
    _, *lines = batch.journal_path.read_bytes().splitlines(keepends=True)
    return [json.loads(line)[0]["start"] for line in lines if line.endswith(b"\n")]


def test_a_run_that_lost_its_service_goes_on_where_it_was(tmp_path):
    source, output = make_rows(tmp_path, range(100)), tmp_path / "out.jsonl"
    batch = Batch(source, output, piece_rows=5, parallel=2)
    is_mended = threading.Event()

    def fall_over(request: Request) -> Answer:
        falls = len(server.requests) > 8 and not is_mended.is_set()
        return Answer(503) if falls else double(request)

    with serving(fall_over) as server, InferenceClient(server.url) as client:
        with pytest.raises(PredictionError, match="the same command goes on from there") as caught:
            batch.run(client)
        assert caught.value.status == 503
        assert not output.exists()
        done = journaled(batch)
        assert done
        is_mended.set()
        server.requests.clear()
        batch.run(client)
    assert not set(done) & set(seen_rows(server))
    assert read_result(output) == [{"twice": 2.0 * n} for n in range(100)]
    assert not batch.journal_path.exists()


PROGRAM = """
import sys
from pathlib import Path
from seldon_deployer import InferenceClient
from seldon_deployer.batch import Batch
source, output, url = sys.argv[1:]
Batch(Path(source), Path(output), piece_rows=2).run(InferenceClient(url))
"""


def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path):
    source, output = make_rows(tmp_path, [*range(60), -1, *range(60)]), tmp_path / "out.csv"
    enough, is_over = threading.Event(), threading.Event()

    def hold_after_some(request: Request) -> Answer:
        if len(server.requests) > 12 and not is_over.is_set():
            enough.set()
            is_over.wait(30)
        return double(request)

    batch = Batch(source, output, piece_rows=2)
    with serving(hold_after_some) as server:
        command = [sys.executable, "-c", PROGRAM, str(source), str(output), server.url]
        with subprocess.Popen(command) as running:
            assert enough.wait(60)
            running.send_signal(signal.SIGKILL)
        is_over.set()
        done = journaled(batch)
        assert done
        # As a kill within a write would leave it.
        with batch.journal_path.open("ab") as journal:
            journal.write(b'[{"start": 2, "cou')
        server.requests.clear()
        with InferenceClient(server.url) as client:
            report = batch.run(client)
    assert len(seen_rows(server)) < 130 - 2 * len(done)
    assert list(report.failed) == [60]
    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    values = [row["twice"] for row in rows]
    assert values == [*(str(2.0 * n) for n in range(60)), "", *(str(2.0 * n) for n in range(60))]
    assert [row["error"] for row in rows].index("negative (MICROSERVICE_BAD_DATA)") == 60


def end_early(tmp_path, **options) -> Batch:
    """A batch whose service answered once and is gone."""
    source = make_rows(tmp_path, range(20))
    batch = Batch(source, tmp_path / "out.jsonl", piece_rows=5, parallel=1, **options)
    answers = [Answer(200, {"data": {"names": ["twice"], "ndarray": [[0]] * 5}}), Answer(404)]
    with (
        serving(answers) as server,
        InferenceClient(server.url) as client,
        pytest.raises(PredictionError),
    ):
        batch.run(client)
    assert journaled(batch) == [0]
    return batch


@pytest.mark.parametrize("changed", ["the rows", "the model", "the pieces", "the service"])
def test_progress_of_another_batch_is_not_mixed_in(tmp_path, changed):
    batch = end_early(tmp_path, revision="r1")
    journal = json.loads(batch.journal_path.read_bytes().splitlines()[0])
    client = InferenceClient(journal["url"])
    if changed == "the rows":
        make_rows(tmp_path, range(21))
    elif changed == "the service":
        client = InferenceClient(f"http://127.0.0.1:{free_port()}")
    other = Batch(
        batch.source,
        batch.output,
        piece_rows=6 if changed == "the pieces" else 5,
        revision="r2" if changed == "the model" else "r1",
    )
    with pytest.raises(UsageError, match=r"progress of another batch.*--restart"):
        other.run(client)
    assert journaled(batch) == [0]
    with serving(double) as server, InferenceClient(server.url) as working:
        other.run(working, restart=True)
    assert read_result(batch.output)[:3] == [{"twice": 0.0}, {"twice": 2.0}, {"twice": 4.0}]


def test_two_runs_of_one_output_do_not_mix(tmp_path):
    batch = Batch(make_rows(tmp_path, range(4)), tmp_path / "out.jsonl", piece_rows=1)

    def ask_within(request: Request) -> Answer:
        with InferenceClient(server.url) as other, pytest.raises(UsageError) as caught:
            batch.run(other)
        assert "another run is writing" in str(caught.value)
        return double(request)

    with serving(ask_within) as server, InferenceClient(server.url) as client:
        batch.run(client)
    assert len(read_result(batch.output)) == 4


def test_what_is_no_journal_is_left_alone(tmp_path):
    batch = Batch(make_rows(tmp_path, [1]), tmp_path / "out.jsonl")
    batch.journal_path.write_text("notes of mine\n")
    with pytest.raises(UsageError, match="is no progress of a batch"):
        batch.run(InferenceClient("http://127.0.0.1:9"))
    assert batch.journal_path.read_text() == "notes of mine\n"


def test_parquet_has_one_type_for_each_column(tmp_path):
    def answer(request: Request) -> Answer:
        [[x]] = request.message["data"]["ndarray"]
        if x == 3:
            return Answer(400, BAD)
        value = x if x % 2 else x + 0.5  # Whole numbers come as such.
        return Answer(200, {"data": {"names": ["y", "label"], "ndarray": [[value, f"c{x}"]]}})

    source, output = make_rows(tmp_path, range(5)), tmp_path / "out.parquet"
    with serving(answer) as server, InferenceClient(server.url) as client:
        Batch(source, output, piece_rows=1).run(client)
    assert parquet.read_table(output).to_pydict() == {
        "y": [0.5, 1.0, 2.5, None, 4.5],
        "label": ["c0", "c1", "c2", None, "c4"],
        "error": [None, None, None, "negative (MICROSERVICE_BAD_DATA)", None],
    }


def test_objects_of_json_are_rows_of_the_result(tmp_path):
    def classify(request: Request) -> Answer:
        texts = [row[0] for row in request.message["data"]["ndarray"]]
        return Answer(200, {"jsonData": [{"label": text[0], "score": len(text)} for text in texts]})

    (tmp_path / "rows.csv").write_text("text\nthe cat\na dog\nno\n")
    with serving(classify) as server, InferenceClient(server.url) as client:
        report = Batch(tmp_path / "rows.csv", tmp_path / "out.csv", piece_rows=2).run(client)
    assert report.failed == {}
    assert (tmp_path / "out.csv").read_text() == "label,score\nt,7\na,5\nn,2\n"


def test_a_v2_model_is_asked_for_columns(tmp_path):
    def add(request: Request) -> Answer:
        columns = [each["data"] for each in request.message["inputs"]]
        sums = [sum(each) for each in zip(*columns, strict=True)]
        output = {"name": "sum", "shape": [len(sums)], "datatype": "FP64", "data": sums}
        return Answer(200, {"outputs": [output]})

    (tmp_path / "rows.jsonl").write_text('{"a": 1, "b": 2.5}\n{"a": 3, "b": 4.5}\n')
    with serving(add) as server, InferenceClient(server.url, protocol="v2") as client:
        Batch(tmp_path / "rows.jsonl", tmp_path / "out.jsonl").run(client)
    assert read_result(tmp_path / "out.jsonl") == [{"sum": 3.5}, {"sum": 7.5}]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"data": {"ndarray": [[1], [2]]}}, "answered 3 rows with 2"),
        ({"strData": "x"}, "the answer is strData, not rows"),
    ],
)
def test_answers_that_belong_to_no_row_are_told(tmp_path, body, words):
    source = make_rows(tmp_path, range(3))
    with serving(Answer(200, body)) as server, InferenceClient(server.url) as client:
        batch = Batch(source, tmp_path / "out.jsonl", max_failures=0)
        with pytest.raises(PredictionError, match=words):
            batch.run(client)


def test_a_result_that_cannot_be_written_is_told_before_anything_is_asked(tmp_path):
    source = make_rows(tmp_path, [1])
    client = InferenceClient("http://127.0.0.1:9", retries=Retries(attempts=1))
    for output, words in (("out.xlsx", "one of .csv"), ("no/out.csv", "no such folder")):
        with pytest.raises(UsageError, match=words):
            Batch(source, tmp_path / output).run(client)


def test_a_file_of_no_rows_gives_a_file_of_none(tmp_path):
    (tmp_path / "rows.jsonl").write_text("")
    for name in ("out.csv", "out.jsonl", "out.parquet"):
        batch = Batch(tmp_path / "rows.jsonl", tmp_path / name)
        assert batch.run(InferenceClient("http://127.0.0.1:9")).rows == 0
        assert (tmp_path / name).exists()
