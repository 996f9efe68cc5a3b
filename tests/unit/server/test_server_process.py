"""A unit as a process: its start, its failures, its end."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import pytest

SKLEARN = "seldon_deployer.server.sklearn.SKLearnServer"


def last_line(result: subprocess.CompletedProcess[str]) -> str:
    return result.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "words"),
    [
        ((), {}, 2, ["no class to serve"]),
        (("nowhere.Model",), {}, 1, ["module nowhere is not there"]),
        (("served.Nothing",), {}, 1, ["module served has no Nothing"]),
        (("served.NothingToServe",), {}, 1, ["no method predict"]),
        (("served.LeavesInLoad",), {}, 1, ["failed to load", "SystemExit: 3"]),
        (("served.FailsToLoad",), {}, 1, ["failed to load", "RuntimeError: the weights are gone"]),
        (("served.Parametrised",), {}, 1, ["does not take these parameters", "count"]),
        (("served.Echo",), {"SERVICE_TYPE": "ROUTER"}, 1, ["no method route"]),
        (("served.Echo",), {"SERVICE_TYPE": "WIZARD"}, 2, ["WIZARD is not known"]),
        (("served.Echo",), {"PREDICTIVE_UNIT_PARAMETERS": "{"}, 2, ["no JSON"]),
        (
            ("served.Echo",),
            {"PREDICTIVE_UNIT_PARAMETERS": '[{"name":"a","value":"x","type":"INT"}]'},
            2,
            ["parameter a is no INT"],
        ),
        ((SKLEARN,), {"MLSERVER_MODEL_URI": "/nowhere"}, 1, ["no model in /nowhere"]),
        (
            (SKLEARN,),
            {"PREDICTIVE_UNIT_PARAMETERS": '{"model_uri": "/m", "method": "guess"}'},
            2,
            ["unknown method 'guess'"],
        ),
    ],
)
def test_a_failed_start_ends_with_its_reason(run_server, arguments, environment, code, words):
    result = run_server(*arguments, "--http-port", "0", **environment)
    assert result.returncode == code, result.stderr
    for word in words:
        assert word in last_line(result)


def test_a_model_file_that_is_no_model_ends_the_start(run_server, tmp_path):
    (tmp_path / "model.joblib").write_bytes(b"not a model")
    result = run_server(SKLEARN, "--http-port", "0", MLSERVER_MODEL_URI=str(tmp_path))
    assert result.returncode == 1
    assert "cannot read the model model.joblib" in last_line(result)


def test_the_users_traceback_stands_before_the_reason(run_server):
    result = run_server("served.FailsToLoad", "--http-port", "0")
    assert "RuntimeError: the weights are gone" in result.stderr
    assert "Traceback" in result.stderr


def test_a_busy_port_is_a_clear_error(run_server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run_server("served.Echo", "--http-port", str(taken.getsockname()[1]))
    assert result.returncode == 1
    assert "cannot listen on 127.0.0.1" in last_line(result)


def test_the_server_loads_none_of_the_clients_libraries():
    code = (
        "import sys, seldon_deployer.server.process;"
        "print([m for m in ('kubernetes','pydantic','rich','yaml','starlette','numpy','zenml')"
        " if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_health_answers_while_a_prediction_is_at_work(start_unit):
    unit = start_unit("served.Slow")
    done = threading.Event()

    def predict():
        unit.post("/predict", {"strData": "2"})
        done.set()

    thread = threading.Thread(target=predict)
    thread.start()
    while "at work" not in unit.log.read_text():
        assert unit.process.poll() is None
    assert unit.get("/health/status").status == 200
    assert unit.get("/health/ping").data == b"pong"
    assert not done.is_set()
    thread.join()


def test_predictions_run_one_at_a_time_unless_told_otherwise(start_unit):
    for arguments, most in ((), 1), (("--threads", "3"), 3):
        unit = start_unit("served.Slow", *arguments)
        threads = [
            threading.Thread(target=unit.post, args=("/predict", {"strData": "0.3"}))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert unit.predict({"strData": "0"})["jsonData"] == {"most": most}


def test_sigterm_finishes_what_is_in_flight_and_ends_with_zero(start_unit):
    unit = start_unit("served.Slow")
    answers = []
    thread = threading.Thread(
        target=lambda: answers.append(unit.post("/predict", {"strData": "1"}))
    )
    thread.start()
    # The unit prints when a prediction is at work.
    while "at work" not in unit.log.read_text():
        assert unit.process.poll() is None
    unit.process.send_signal(signal.SIGTERM)
    thread.join()
    assert answers[0].status == 200
    assert unit.process.wait(30) == 0


@pytest.mark.parametrize("keep_alive", [True, False])
def test_no_request_is_lost_when_a_unit_ends_under_load(start_unit, keep_alive):
    """A client is told to go elsewhere by an answer, never by a connection cut under a request."""
    unit = start_unit("served.Echo")
    place = urlsplit(unit.url)
    lost: list[str] = []
    told: list[bool] = []
    answered = threading.Semaphore(0)

    def ask(connection: http.client.HTTPConnection) -> bool:
        body = '{"strData":"x"}'
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            lost.append(str(answer.status))
        answered.release()
        return answer.getheader("Connection") == "close"

    def hammer():
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
        try:
            while not ask(connection):
                if not keep_alive:
                    connection.close()
            told.append(True)
        except (OSError, http.client.HTTPException) as error:
            lost.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=hammer) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        assert answered.acquire(timeout=30)
    unit.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    assert unit.process.wait(30) == 0
    assert lost == []
    assert len(told) == 6


def test_nothing_listens_before_the_model_is_loaded(tmp_path):
    """The port is taken at once and refuses until `load` is done."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    (tmp_path / "gated.py").write_text(
        "class Gated:\n"
        "    def load(self):\n"
        f"        print('loading', flush=True); open({str(gate)!r}).read()\n"
        "    def predict(self, X, names):\n"
        "        return X\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "seldon_deployer.server", "gated.Gated", "--http-port", str(port)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "loading\n"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        gate.write_text("go")
        for line in process.stderr:
            if "listening" in line:
                break
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/health/ping")
        assert connection.getresponse().read() == b"pong"
        connection.close()
        process.terminate()
