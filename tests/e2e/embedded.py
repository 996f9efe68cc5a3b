"""A whole embedded runtime for tests: its API, its gateway, load on it, and what it left behind."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import urllib3

from seldon_deployer.catalogue import OUR_IMAGE
from seldon_deployer.local import lifecycle
from seldon_deployer.local.home import read_runtime

Object = dict[str, Any]

PATIENCE_SECONDS = 90
SDEPS = "/apis/machinelearning.seldon.io/v1/namespaces/default/seldondeployments"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
PODS = "/api/v1/namespaces/default/pods"
EVENTS = "/api/v1/namespaces/default/events"

CODE = """
import os, signal, sys, time

class Answer:
    def __init__(self, text="one", seconds=0.0):
        self.text, self.seconds = text, seconds

    def predict(self, X, names, meta=None):
        time.sleep(self.seconds)
        if X[0][0] == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        return [[self.text]]

class Broken:
    def __init__(self):
        raise RuntimeError("the model file is no model")
"""


@dataclass
class Embedded:
    """A running runtime and a client of its API."""

    runtime: lifecycle.Runtime

    def __post_init__(self) -> None:
        self.token = read_runtime(self.runtime.home).token
        self.http = urllib3.PoolManager(
            headers={"Authorization": f"Bearer {self.token}"}, retries=False, timeout=30
        )

    @property
    def home(self) -> Path:
        return self.runtime.home

    def call(self, method: str, path: str, body: Any = None, kind: str = "json") -> Object:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": f"application/{kind}"}
        data = None if body is None else json.dumps(body)
        answer = self.http.request(method, self.runtime.api_url + path, body=data, headers=headers)
        assert answer.status < 300, answer.data
        return json.loads(answer.data)

    def apply(self, sdep: Object) -> Object:
        path = f"{SDEPS}/{sdep['metadata']['name']}?fieldManager=test&force=true"
        return self.call("PATCH", path, sdep, "apply-patch+yaml")

    def delete(self, name: str) -> None:
        self.call("DELETE", f"{SDEPS}/{name}")
        self.wait_until(lambda: not self.pods(name), PODS)

    def pods(self, name: str) -> list[Object]:
        return self.call("GET", f"{PODS}?labelSelector=seldon-deployment-id%3D{name}")["items"]

    def sdep(self, name: str) -> Object:
        return self.call("GET", f"{SDEPS}/{name}")

    def wait_until(self, is_so: Callable[[], Any], *paths: str) -> Any:
        """Look again after each change of the resources, until it is so."""
        end = time.monotonic() + PATIENCE_SECONDS
        version = self.call("GET", paths[0])["metadata"]["resourceVersion"]
        while True:
            if found := is_so():
                return found
            assert time.monotonic() < end, "it did not come to that"
            answer = self.http.request(
                "GET",
                f"{self.runtime.api_url}{paths[0]}?watch=true&resourceVersion={version}"
                "&timeoutSeconds=1",
                preload_content=False,
            )
            for line in answer:
                version = json.loads(line)["object"]["metadata"]["resourceVersion"]
                if found := is_so():
                    answer.close()
                    return found
            answer.release_conn()

    def wait_served(self, name: str, text: str | None = None) -> None:
        """Wait until the last revision, and nothing else, serves."""

        def is_served() -> bool:
            sdep = self.sdep(name)
            if sdep.get("status", {}).get("state") != "Available":
                return False
            wanted = sdep["spec"]["replicas"]
            deployments = self.call("GET", DEPLOYMENTS)["items"]
            counts = ("replicas", "updatedReplicas", "readyReplicas")
            mine = [item for item in deployments if item["metadata"]["name"].startswith(name)]
            return bool(mine) and all(
                item["status"].get("observedGeneration") == item["metadata"]["generation"]
                and [item["status"].get(count) for count in counts] == [wanted] * 3
                and (text is None or text in json.dumps(item["spec"]))
                for item in mine
            )

        self.wait_until(is_served, SDEPS)

    def predict(self, name: str, data: Any = "x") -> urllib3.BaseHTTPResponse:
        url = f"{self.runtime.gateway_url}/seldon/default/{name}/api/v1.0/predictions"
        return self.http.request("POST", url, json={"data": {"ndarray": [[data]]}})

    def answer(self, name: str) -> str:
        response = self.predict(name)
        assert response.status == 200, response.data
        return response.json()["data"]["ndarray"][0][0]


@contextmanager
def running(home: Path) -> Iterator[Embedded]:
    """A runtime in its own home; nothing of it is left afterwards."""
    embedded = Embedded(lifecycle.ensure_running(home))
    try:
        yield embedded
    finally:
        embedded.http.clear()
        lifecycle.stop(home)
        assert processes_of(home) == []


def processes_of(home: Path) -> list[str]:
    """Command lines of living processes that know this home."""
    found = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
            folder = process.cwd()
        except psutil.Error:
            continue
        if process.pid != psutil.Process().pid and str(home) in " ".join([*line, folder]):
            found.append(" ".join(line))
    return found


def write_code(folder: Path) -> Path:
    """A folder with the classes `answer.Answer` and `answer.Broken`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "answer.py").write_text(CODE)
    return folder


def class_sdep(
    name: str,
    code: Path,
    *,
    text: str = "one",
    seconds: float = 0.0,
    replicas: int = 1,
    class_name: str = "Answer",
    with_orchestrator: bool = False,
) -> Object:
    """A SeldonDeployment of one Python class."""
    annotations = {"seldon-deployer/code-path": str(code)}
    if not with_orchestrator:
        annotations["seldon.io/no-engine"] = "true"
    parameters = [
        {"name": "text", "value": text, "type": "STRING"},
        {"name": "seconds", "value": str(seconds), "type": "FLOAT"},
    ]
    if class_name != "Answer":
        parameters = []
    container = {
        "name": name,
        "image": OUR_IMAGE,
        "env": [{"name": "MODEL_NAME", "value": f"answer.{class_name}"}],
    }
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "predictors": [
                {
                    "name": "default",
                    "annotations": annotations,
                    "graph": {"name": name, "type": "MODEL", "parameters": parameters},
                    "componentSpecs": [{"spec": {"containers": [container]}}],
                }
            ],
        },
    }


@dataclass
class Load:
    """Requests from several threads, some with kept-alive connections, some without."""

    url: str
    sent: int = 0
    failures: list[str] = field(default_factory=list)
    answers: set[str] = field(default_factory=set)

    @contextmanager
    def running(self, keep: int = 2, close: int = 2) -> Iterator[Load]:
        self._end = threading.Event()
        self._lock = threading.Lock()
        threads = [threading.Thread(target=self._hammer, args=(True,)) for _ in range(keep)]
        threads += [threading.Thread(target=self._hammer, args=(False,)) for _ in range(close)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._end.set()
            for thread in threads:
                thread.join()

    def wait_sent(self, more: int) -> None:
        """Wait until so many more requests were answered."""
        goal = self.sent + more
        end = time.monotonic() + PATIENCE_SECONDS
        while self.sent < goal and not self.failures:
            assert time.monotonic() < end
            self._end.wait(0.01)

    def _hammer(self, keep_alive: bool) -> None:
        headers = {} if keep_alive else {"Connection": "close"}
        http = urllib3.PoolManager(retries=False, timeout=30, headers=headers)
        body = {"data": {"ndarray": [["x"]]}}
        while not self._end.is_set():
            try:
                response = http.request("POST", self.url, json=body, headers=headers or None)
                failure = None if response.status == 200 else f"{response.status} {response.data}"
            except urllib3.exceptions.HTTPError as error:
                failure = repr(error)
            with self._lock:
                self.sent += 1
                if failure:
                    self.failures.append(failure)
                else:
                    self.answers.add(response.json()["data"]["ndarray"][0][0])
        http.clear()


def load_on(embedded: Embedded, name: str) -> Load:
    """Load on one deployment's URL, not yet running."""
    return Load(f"{embedded.runtime.gateway_url}/seldon/default/{name}/api/v1.0/predictions")


def pids_of(pod: Object) -> list[int]:
    """The processes that a pod's status names."""
    statuses = pod["status"]["containerStatuses"]
    found = [item.get("containerID", "") for item in statuses]
    return [int(item.removeprefix("process://").split("/")[0]) for item in found if item]
