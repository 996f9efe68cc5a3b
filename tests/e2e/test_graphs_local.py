"""Graphs written in Python, served by the embedded runtime: real models, real predictions."""

from __future__ import annotations

import json
import os
import signal
import time

import numpy as np
import pytest
import urllib3
from embedded import Embedded, Load, pids_of

from seldon_deployer import Deployer, DeploymentConfig, DeploymentFailed
from seldon_deployer.config import Predictor
from seldon_deployer.errors import ClusterError
from seldon_deployer.graph import (
    ABTest,
    Combiner,
    Model,
    OutputTransformer,
    Router,
    Transformer,
)
from seldon_deployer.local import lifecycle

CODE = """
import numpy as np


class Halve:
    def transform_input(self, X, names, meta=None):
        return np.asarray(X) / 2


class Mean:
    def aggregate(self, Xs, names_list):
        return np.mean([np.asarray(X) for X in Xs], axis=0)


class Name:
    def __init__(self, names="setosa,versicolor,virginica"):
        self.names = names.split(",")

    def transform_output(self, X, names, meta=None):
        return [[self.names[best]] for best in np.argmax(X, axis=1)]


class Both:
    def transform_input(self, X, names, meta=None):
        raise RuntimeError("this one transforms outputs")

    def transform_output(self, X, names, meta=None):
        return np.asarray(X) + 100


class ByLength:
    def __init__(self, limit=2.5):
        self.limit, self.rewards = limit, []

    def route(self, X, names):
        return int(np.asarray(X)[0][2] > self.limit)

    def send_feedback(self, features, names, reward, truth, routing=None):
        self.rewards.append([routing, reward])
        return [[float(len(self.rewards))]]


class Say:
    def __init__(self, text="one"):
        self.text = text

    def predict(self, X, names, meta=None):
        return [[self.text]]


class Fail:
    def predict(self, X, names, meta=None):
        raise RuntimeError("no weights for this request")


class Add:
    def __init__(self, amount=1.0):
        self.amount = amount

    def predict(self, X, names, meta=None):
        return np.asarray(X) + self.amount
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    yield home
    lifecycle.stop(home)


@pytest.fixture(scope="module")
def deployer(home):
    return Deployer.local(home=home)


@pytest.fixture(scope="module")
def embedded(deployer, home):
    return Embedded(lifecycle.ensure_running(home))


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    folder = tmp_path_factory.mktemp("code")
    (folder / "steps.py").write_text(CODE)
    return folder


@pytest.fixture(scope="module")
def flowers(tmp_path_factory):
    """Two real models of the same data, where they lie, and the data."""
    joblib = pytest.importorskip("joblib")
    linear = pytest.importorskip("sklearn.linear_model")
    from sklearn.datasets import load_iris
    from sklearn.tree import DecisionTreeClassifier

    features, labels = load_iris(return_X_y=True)
    models = {
        "line": linear.LogisticRegression(max_iter=500).fit(features, labels),
        "tree": DecisionTreeClassifier(max_depth=2, random_state=0).fit(features, labels),
    }
    folder = tmp_path_factory.mktemp("models")
    for name, model in models.items():
        (folder / name).mkdir()
        joblib.dump(model, folder / name / "model.joblib")
    return models, folder, features


@pytest.fixture
def deploy(deployer):
    """Deploys, and takes away again."""
    deployed = []

    def deploy(name, graph, **options):
        config = DeploymentConfig(model_name=name, graph=graph, **options)
        deployed.append(config.name)
        return deployer.deploy(config, timeout_seconds=90)

    yield deploy
    for name in {service.name for service in deployer.find()} & set(deployed):
        deployer.delete(name)


def ask(service, path, message, **headers):
    """One POST beside the predictions' own path."""
    url = service.prediction_url.replace("/predictions", path)
    return urllib3.request("POST", url, json=message, headers=headers)


def say(name, code, **options):
    parameters = {"text": options.pop("text", name)}
    return Model(name, python_class="steps.Say", code_path=code, parameters=parameters, **options)


@pytest.mark.parametrize("own_pods", [False, True], ids=["one pod", "a pod each"])
def test_a_chain_around_two_models_answers_as_the_libraries_do(deploy, code, flowers, own_pods):
    models, folder, features = flowers
    pod = {"own_pod": own_pods}
    graph = (
        Transformer("halve", python_class="steps.Halve", code_path=code, **pod)
        >> Combiner(
            "mean",
            [
                Model("line", model_uri=str(folder / "line"), **pod),
                Model("tree", model_uri=str(folder / "tree"), **pod),
            ],
            python_class="steps.Mean",
            code_path=code,
            **pod,
        )
        >> OutputTransformer("name", python_class="steps.Name", code_path=code, **pod)
    )

    service = deploy("ensemble", graph)

    mean = np.mean([model.predict_proba(features / 2) for model in models.values()], axis=0)
    expected = np.array(["setosa", "versicolor", "virginica"])[mean.argmax(axis=1)]
    assert service.predict(features).ravel().tolist() == expected.tolist()


def test_a_chain_of_all_kinds_of_units_speaks_v2(deploy, code, flowers):
    models, folder, features = flowers
    graph = (
        Transformer("halve", python_class="steps.Halve", code_path=code)
        >> Combiner(
            "mean",
            [
                Model("line", model_uri=str(folder / "line")),
                Router(
                    "by-length",
                    [
                        Model("tree", model_uri=str(folder / "tree")),
                        Model("tree-again", model_uri=str(folder / "tree")),
                    ],
                    python_class="steps.ByLength",
                    code_path=code,
                ),
            ],
            python_class="steps.Mean",
            code_path=code,
        )
        >> OutputTransformer("both", python_class="steps.Both", code_path=code)
    )

    service = deploy("v2-ensemble", graph, protocol="v2")

    # Under V2 a model's output `predict` is its labels.
    mean = np.mean([model.predict(features / 2) for model in models.values()], axis=0)
    assert np.asarray(service.predict(features)).ravel().tolist() == (mean + 100).tolist()


@pytest.mark.parametrize("own_pods", [False, True], ids=["one pod", "a pod each"])
def test_a_router_of_ones_own_sends_each_request_to_one_model(deploy, code, flowers, own_pods):
    models, folder, features = flowers
    graph = Router(
        "by-length",
        [
            Model("line", model_uri=str(folder / "line"), own_pod=own_pods),
            Model("tree", model_uri=str(folder / "tree"), own_pod=own_pods),
        ],
        python_class="steps.ByLength",
        code_path=code,
    )

    service = deploy("routed", graph)

    for row in features[::10]:
        chosen = models["tree" if row[2] > 2.5 else "line"]
        assert np.allclose(service.predict([row]), chosen.predict_proba([row]), rtol=1e-12)
    feedback = {
        "request": {"data": {"ndarray": [features[0].tolist()]}},
        "response": {"meta": {"routing": {"by-length": 0}}},
        "reward": 1.0,
    }
    answers = [ask(service, "/feedback", feedback).json()["data"] for _ in range(2)]
    # The router keeps count: it, and nobody instead of it, has learnt of each.
    assert [np.ravel(answer["ndarray"]).tolist() for answer in answers] == [[1.0], [2.0]]


def test_the_logs_of_a_graph_are_those_of_all_its_containers(deploy, code):
    service = deploy("logged", say("first", code) >> say("second", code))

    sources = {line.split(": ")[0].split("/")[1] for line in service.logs()}

    assert sources == {"first", "second", "seldon-container-engine"}
    with pytest.raises(ClusterError, match="has no such log"):
        list(service.logs("first", previous=True))


@pytest.mark.parametrize("algorithm", ["epsilon-greedy", "thompson-sampling"])
def test_a_bandit_learns_from_feedback_which_model_is_better(deploy, code, algorithm):
    graph = Router.bandit(
        "choose", [say("worse", code), say("better", code)], algorithm=algorithm, seed=3
    )
    client = deploy("learning", graph).client()

    def ask_and_reward():
        answer = client.predict([[1.0]], returns="message")
        said = answer["data"]["ndarray"][0][0]
        # The answer tells its branch: that alone learns.
        assert answer["meta"]["routing"]["choose"] == ["worse", "better"].index(said)
        client.feedback([[1.0]], answer, reward=float(said == "better"))
        return said

    answers = [ask_and_reward() for _ in range(120)]

    assert answers[60:].count("better") >= 45


def test_an_ab_test_shares_requests_as_it_says(deploy, code):
    service = deploy("tested", ABTest(say("a", code), say("b", code), ratio=0.8))

    answers = [service.predict([[1]])[0, 0] for _ in range(300)]

    # Five standard deviations around 240: one run of a million falls outside.
    assert 205 <= answers.count("a") <= 275
    assert set(answers) == {"a", "b"}


def test_nested_branches_and_models_in_a_row_are_walked(deploy, code):
    def add(name, amount):
        parameters = {"amount": amount}
        return Model(name, python_class="steps.Add", code_path=code, parameters=parameters)

    graph = add("first", 1.0) >> Combiner(
        "outer",
        [
            Combiner(
                "inner",
                [add("a", 10.0) >> add("b", 20.0), add("c", 40.0)],
                python_class="steps.Mean",
                code_path=code,
            ),
            ABTest(add("d", 100.0), add("e", 1000.0), ratio=1),
        ],
        python_class="steps.Mean",
        code_path=code,
    )

    # (mean(30, 40) + 100) / 2 over 1 more than the request.
    assert deploy("nested", graph).predict([[0.0, 5.0]]).tolist() == [[68.5, 73.5]]


def test_a_unit_that_fails_is_the_clients_answer_and_ends_the_walk(deploy, code):
    graph = Transformer("halve", python_class="steps.Halve", code_path=code) >> Model(
        "broken", python_class="steps.Fail", code_path=code
    )

    service = deploy("failing", graph)
    answer = ask(service, "/predictions", {"data": {"ndarray": [[1.0]]}}, **{"Seldon-Puid": "p"})

    assert answer.status == 500
    assert "no weights for this request" in answer.json()["status"]["info"]
    assert answer.headers["Seldon-Puid"] == "p"


def test_a_v2_graph_of_models_chains_tensors(deploy, code):
    def add(name, amount):
        parameters = {"amount": amount}
        return Model(name, python_class="steps.Add", code_path=code, parameters=parameters)

    service = deploy("tensors", add("first", 1.0) >> add("second", 0.5), protocol="v2")

    assert service.prediction_url.endswith("/v2/models/infer")
    assert service.predict(np.array([[1.0, 2.0]])).tolist() == [[2.5, 3.5]]


def test_an_update_of_one_unit_loses_no_request(deploy, code):
    # `Name` takes the best of one column: the one name there is.
    numbers = Model("model", python_class="steps.Add", code_path=code, own_pod=True)

    def named(text):
        return numbers >> OutputTransformer(
            "label", python_class="steps.Name", code_path=code, parameters={"names": text}
        )

    service = deploy("updated", named("before"))
    load = NumberLoad(service.prediction_url)
    with load.running():
        load.wait_sent(20)
        service = deploy("updated", named("after"))
        load.wait_sent(20)

    assert load.failures == []
    assert load.answers == {"before", "after"}
    assert service.predict([[1.0]]).tolist() == [["after"]]


def test_a_killed_unit_of_a_graph_comes_back_and_only_it(deploy, code, embedded):
    graph = Combiner(
        "mean",
        [
            Model(name, python_class="steps.Add", code_path=code, own_pod=True)
            for name in ("a", "b")
        ],
        python_class="steps.Mean",
        code_path=code,
    )
    service = deploy("killed", graph)
    before = {pod["metadata"]["name"]: pids_of(pod) for pod in embedded.pods("killed")}
    victim = next(name for name in before if "-1-a" in name)

    os.kill(before[victim][0], signal.SIGKILL)

    def is_back():
        pods = {pod["metadata"]["name"]: pod for pod in embedded.pods("killed")}
        states = pods[victim]["status"]["containerStatuses"]
        return states[0]["restartCount"] == 1 and states[0]["ready"] and pods

    pods = embedded.wait_until(is_back, "/api/v1/namespaces/default/pods")
    assert service.predict([[1.0]]).tolist() == [[2.0]]
    after = {name: pids_of(pod) for name, pod in pods.items()}
    assert {name for name in before if before[name] != after[name]} == {victim}


def test_each_pod_of_a_graph_has_its_own_replicas(deploy, code, embedded):
    graph = Model("lead", python_class="steps.Add", code_path=code) >> Model(
        "heavy", python_class="steps.Add", code_path=code, own_pod=True, replicas=3
    )

    service = deploy("sized", graph)

    owned = embedded.call("GET", "/apis/apps/v1/namespaces/default/deployments")["items"]
    sizes = {each["metadata"]["name"]: each["spec"]["replicas"] for each in owned}
    assert sizes == {"sized-default-0-lead": 1, "sized-default-1-heavy": 3}
    assert service.predict([[1.0]]).tolist() == [[3.0]]


def test_an_orchestrator_of_its_own_serves_too(deploy, code, embedded):
    graph = Model("first", python_class="steps.Add", code_path=code) >> Model(
        "second", python_class="steps.Add", code_path=code
    )

    service = deploy("apart", graph, orchestrator="separate")

    assert service.predict([[1.0]]).tolist() == [[3.0]]
    owned = embedded.call("GET", "/apis/apps/v1/namespaces/default/deployments")["items"]
    assert "apart-default-svc-orch" in [each["metadata"]["name"] for each in owned]


def test_a_unit_that_cannot_start_fails_the_whole_with_its_own_words(deploy, code, deployer):
    graph = say("fine", code) >> Transformer(
        "wrong", python_class="steps.NotThere", code_path=code, own_pod=True
    )

    with pytest.raises(DeploymentFailed) as caught:
        deploy("wrong", graph)

    assert "NotThere" in str(caught.value)
    assert deployer.find(model_name="wrong") == []


def test_a_stopped_graph_has_no_pod_and_comes_back_in_its_sizes(deploy, deployer, code, embedded):
    graph = Model("lead", python_class="steps.Add", code_path=code) >> Model(
        "heavy", python_class="steps.Add", code_path=code, own_pod=True, replicas=2
    )
    deploy("paused", graph, orchestrator="separate")
    pods = len(embedded.pods("paused"))

    deployer.stop("paused")

    assert embedded.wait_until(
        lambda: embedded.pods("paused") == [], "/api/v1/namespaces/default/pods"
    )
    service = deployer.start("paused")
    assert service.predict([[1.0]]).tolist() == [[3.0]]
    assert len(embedded.pods("paused")) == pods == 3


def test_predictors_share_the_traffic_and_a_shadow_sees_copies(deploy, code, tmp_path):
    heard = tmp_path / "heard"
    (code / "listener.py").write_text(
        "class Listen:\n"
        "    def predict(self, X, names, meta=None):\n"
        f"        with open({str(heard)!r}, 'a') as heard:\n"
        "            heard.write(f'{X[0][0]}\\n')\n"
        "        return [['dark']]\n"
    )
    service = deploy(
        "shared",
        None,
        python_class="steps.Say",
        code_path=code,
        parameters={"text": "main"},
        predictors=[
            Predictor(name="new", traffic=30, parameters={"text": "new"}),
            Predictor(
                name="dark",
                shadow=True,
                python_class="listener.Listen",
                code_path=code,
                parameters={},
            ),
        ],
    )

    answers = [service.predict([[number]])[0, 0] for number in range(200)]

    # Five standard deviations around 60.
    assert 27 <= answers.count("new") <= 93
    assert set(answers) == {"main", "new"}
    end = time.monotonic() + 20
    while len(seen := heard.read_text().split()) < 200:
        assert time.monotonic() < end, "copies did not arrive"
        time.sleep(0.05)
    assert sorted(map(float, seen)) == list(range(200))


class NumberLoad(Load):
    """Load with a number, which the first model can add to."""

    def _hammer(self, keep_alive: bool) -> None:
        http = urllib3.PoolManager(retries=False, timeout=30)
        headers = None if keep_alive else {"Connection": "close"}
        while not self._end.is_set():
            try:
                body = {"data": {"ndarray": [[1.0]]}}
                response = http.request("POST", self.url, json=body, headers=headers)
                failure = None if response.status == 200 else f"{response.status} {response.data}"
            except urllib3.exceptions.HTTPError as error:
                failure = repr(error)
            with self._lock:
                self.sent += 1
                if failure:
                    self.failures.append(failure)
                else:
                    self.answers.add(json.loads(response.data)["data"]["ndarray"][0][0])
        http.clear()
