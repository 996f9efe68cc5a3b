"""The example pipeline, twice: one service, one URL, new answers, nothing lost in between."""

import json
import re
import threading
from pathlib import Path

import pytest
import urllib3
from zenml_store import ZenMLStore

ROOT = Path(__file__).parents[2]
FLOWER = {"data": {"ndarray": [[6.0, 2.9, 4.8, 1.6]]}}


class Load:
    """Asks for one prediction after the other on one kept connection, until it is stopped."""

    def __init__(self, url):
        self.url = url
        self.failures = []
        self.answers = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _ask(self):
        with urllib3.PoolManager(retries=False) as pool:
            while not self._stop.wait(0.02):
                try:
                    answer = pool.request("POST", self.url, json=FLOWER, timeout=10)
                except urllib3.exceptions.HTTPError as error:
                    self.failures.append(repr(error))
                    continue
                if answer.status == 200:
                    self.answers.append(json.dumps(answer.json()["data"]))
                else:
                    self.failures.append(answer.status)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with ZenMLStore(tmp_path_factory.mktemp("zenml-pipeline")) as store:
        store.set_up_local_stack()
        yield store


@pytest.fixture(scope="module")
def runs(store):
    """Two runs of the example; the second under load."""

    def run(kind):
        output = store.done(
            *("python", "-m", "examples.iris.run", "--model", kind),
            PYTHONPATH=str(ROOT),
            ZENML_CUSTOM_SOURCE_ROOT=str(ROOT),
        )
        return {
            "output": output,
            "uuid": re.search(r"service: (\S+)", output)[1],
            "url": re.search(r"prediction URL: (\S+)", output)[1],
        }

    first = run("logistic")
    with Load(first["url"]) as load:
        second = run("forest")
    return first, second, load


def test_the_first_run_serves_and_predicts(runs):
    first, _, _ = runs
    assert re.fullmatch(
        r"http://127\.0\.0\.1:\d+/seldon/default/iris/api/v1\.0/predictions", first["url"]
    )
    assert "service.predict(" in first["output"]


def test_the_second_run_updates_in_place(runs):
    first, second, _ = runs
    assert second["url"] == first["url"]
    assert second["uuid"] == first["uuid"]


def test_no_request_is_lost_in_the_update_and_the_answers_change(runs):
    _, _, load = runs
    assert load.failures == []
    assert len(set(load.answers)) == 2
    assert load.answers[0] != load.answers[-1]


def test_one_row_remains_and_it_is_complete(store, runs):
    rows = store.script("""
        from zenml.client import Client
        answer([
            {"source": row.service_source, "state": row.state, "url": row.prediction_url}
            for row in Client().list_services(hydrate=True).items
        ])
    """)
    assert rows == [
        {
            "source": "seldon_deployer.zenml_plugin.service.SeldonDeploymentService",
            "state": "active",
            "url": runs[0]["url"],
        }
    ]


def test_the_service_of_the_first_run_can_still_be_loaded_and_asked(store, runs):
    found = store.script("""
        import numpy as np
        from zenml.client import Client
        runs = Client().list_pipeline_runs(sort_by="asc:created").items
        service = runs[0].steps["seldon_model_deployer_step"].output.load()
        flower = np.array([[6.0, 2.9, 4.8, 1.6]])
        answer({
            "running": service.is_running,
            "prediction": np.asarray(service.predict(flower)).tolist(),
            "as_list": np.asarray(service.predict(flower.tolist())).tolist(),
            "as_frame": service.predict(
                [dict(zip("abcd", flower[0].tolist()))], returns="pandas", timeout_seconds=30
            ).to_numpy().tolist(),
            "as_message": service.predict({"data": {"ndarray": flower.tolist()}}),
            "model_uri": service.config.model_uri,
            "newest": runs[-1].steps["train_classifier"].output.uri,
            "metadata": runs[-1].steps["seldon_model_deployer_step"].run_metadata,
        })
    """)
    assert found["running"] is True
    assert found["prediction"] == found["as_list"] == found["as_frame"]
    assert "data" in found["as_message"]
    assert found["model_uri"] == found["newest"]
    assert found["metadata"]["seldon_deployment"]["prediction_url"] == runs[0]["url"]


def test_zenmls_command_line_lists_and_describes_the_service(store, runs):
    uuid, url = runs[0]["uuid"], runs[0]["url"]
    listed = store.done("zenml", "model-deployer", "models", "list")
    assert uuid in listed
    assert "iris_pipeline" in listed
    shown = store.done("zenml", "model-deployer", "models", "get-url", uuid)
    assert url in shown
    assert "127.0.0.1" in shown.replace(url, "")
    described = store.done("zenml", "model-deployer", "models", "describe", uuid)
    assert "SKLEARN_SERVER" in described


def test_zenmls_command_line_shows_logs_with_their_brackets(store, runs):
    logs = store.done("zenml", "model-deployer", "models", "logs", runs[0]["uuid"])
    assert logs.strip()
    whole = store.script(f"""
        from uuid import UUID
        from zenml.client import Client
        deployer = Client().active_stack.model_deployer
        [service] = deployer.find_model_server(service_uuid=UUID({runs[0]["uuid"]!r}))
        answer({{"all": list(service.get_logs()), "last": list(service.get_logs(tail=1))}})
    """)
    assert len(whole["all"]) > len(whole["last"]) >= 1


def test_deleting_by_zenmls_command_line_leaves_nothing(store, runs):
    store.done("zenml", "model-deployer", "models", "delete", runs[0]["uuid"])
    left = store.script("""
        from zenml.client import Client
        deployer = Client().active_stack.model_deployer
        answer({
            "rows": Client().list_services().total,
            "found": len(deployer.find_model_server()),
            "deployments": [one.name for one in deployer.deployer.find()],
        })
    """)
    assert left == {"rows": 0, "found": 0, "deployments": []}
    with urllib3.PoolManager(retries=False) as pool:
        assert pool.request("POST", runs[0]["url"], json=FLOWER, timeout=10).status == 404
