"""Where requests go: SeldonDeployments and their ready pods, as the gateway knows them."""

from __future__ import annotations

import asyncio
import json
import random
from bisect import bisect_right
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

from seldon_deployer import naming
from seldon_deployer.local.orchestrator import ENGINE_CONTAINER
from seldon_deployer.local.pod_folder import PORTS_ANNOTATION
from seldon_deployer.local.rollout import is_ready

Object = dict[str, Any]


@dataclass
class Target:
    """One ready pod. `outstanding` requests are waiting for its answer."""

    uid: str
    port: int
    unit: str
    predictor: str
    has_orchestrator: bool
    protocol: str
    timeout_seconds: float | None
    outstanding: int = 0


@dataclass
class Service:
    """One SeldonDeployment: its ready pods, and each predictor's share of the traffic."""

    weights: dict[str, int] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)

    def pick(self, tried: Collection[str], chance: Callable[[], float]) -> Target | None:
        """A ready pod that was not tried: the predictor by traffic, the pod by least load."""
        free = [target for uid, target in self.targets.items() if uid not in tried]
        if len(free) > 1:
            free = self._of_one_predictor(free, chance)
            least = min(target.outstanding for target in free)
            free = [target for target in free if target.outstanding == least]
        if not free:
            return None
        return free[0] if len(free) == 1 else free[int(chance() * len(free))]

    def _of_one_predictor(self, free: list[Target], chance: Callable[[], float]) -> list[Target]:
        predictors = sorted({target.predictor for target in free})
        if len(predictors) == 1:
            return free
        weights = [self.weights.get(name, 0) for name in predictors]
        if not any(weights):
            weights = [1] * len(predictors)
        shares = list(accumulate(weights))
        chosen = predictors[bisect_right(shares, chance() * shares[-1])]
        return [target for target in free if target.predictor == chosen]


class Routes:
    """All services by namespace and name; kept by `set_sdep`, `set_pod` and their opposites."""

    def __init__(
        self,
        on_gone: Callable[[int], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._services: dict[tuple[str, str], Service] = {}
        self._pods: dict[str, tuple[tuple[str, str], Target]] = {}
        self._known: dict[str, tuple[str, str]] = {}
        self._on_gone = on_gone
        self._chance = chance
        self._changed = asyncio.Event()

    def pick(self, namespace: str, name: str, tried: Collection[str] = ()) -> Target | None:
        """A pod for a request, or None where none is ready; KeyError where nothing is known."""
        return self._services[namespace, name].pick(tried, self._chance)

    def is_known(self, namespace: str, name: str) -> bool:
        """Whether there is such a SeldonDeployment."""
        return (namespace, name) in self._services

    def count(self) -> tuple[int, int]:
        """How many services and how many ready pods there are."""
        return len(self._services), len(self._pods)

    async def wait_for_change(self, timeout_seconds: float) -> None:
        """Wait until anything changes, or for so long."""
        try:
            await asyncio.wait_for(self._changed.wait(), timeout_seconds)
        except TimeoutError:
            return

    def set_sdep(self, sdep: Object) -> None:
        """Know a SeldonDeployment and its traffic."""
        metadata = sdep["metadata"]
        key = metadata["namespace"], metadata["name"]
        service = self._services.setdefault(key, Service())
        predictors = sdep["spec"].get("predictors", [])
        service.weights = {item["name"]: item.get("traffic") or 0 for item in predictors}
        self._known[metadata["uid"]] = key
        self._tell()

    def drop_sdep(self, uid: str) -> None:
        """Forget a SeldonDeployment."""
        key = self._known.pop(uid, None)
        if key is not None and key not in self._known.values():
            self._services.pop(key, None)
        self._tell()

    def set_pod(self, pod: Object) -> None:
        """Take a pod in when it is ready, and out when it is not."""
        uid = pod["metadata"]["uid"]
        found = read_target(pod)
        if found is None:
            self.drop_pod(uid)
            return
        if uid in self._pods:
            return
        key, target = found
        self._pods[uid] = found
        # A pod may be heard of before its SeldonDeployment.
        self._services.setdefault(key, Service()).targets[uid] = target
        self._tell()

    def drop_pod(self, uid: str) -> None:
        """Take a pod out."""
        found = self._pods.pop(uid, None)
        if found is None:
            return
        key, target = found
        if service := self._services.get(key):
            service.targets.pop(uid, None)
        self._on_gone(target.port)
        self._tell()

    def keep_only(self, sdeps: Collection[str], pods: Collection[str]) -> None:
        """Forget what is not in a fresh list (uids)."""
        for uid in [uid for uid in self._pods if uid not in pods]:
            self.drop_pod(uid)
        for uid in [uid for uid in self._known if uid not in sdeps]:
            self.drop_sdep(uid)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def read_target(pod: Object) -> tuple[tuple[str, str], Target] | None:
    """The service of a pod and how to reach it; None unless it is ready and one of Seldon's."""
    if not is_ready(pod):
        return None
    metadata = pod["metadata"]
    annotations = metadata.get("annotations") or {}
    ports = _read_ports(annotations.get(PORTS_ANNOTATION, "{}"))
    containers = pod["spec"]["containers"]
    names = {container["name"] for container in containers}
    for container in containers:
        env = {item["name"]: item.get("value", "") for item in container.get("env", [])}
        name = env.get("SELDON_DEPLOYMENT_ID")
        port = ports.get(container["name"])
        if name and port:
            is_v2 = "MLSERVER_MODEL_IMPLEMENTATION" in env
            protocol = _engine_argument(containers, "--protocol") or ("v2" if is_v2 else "seldon")
            timeout = annotations.get("seldon.io/rest-timeout", "")
            target = Target(
                uid=metadata["uid"],
                port=port,
                unit=container["name"],
                predictor=env.get("PREDICTOR_ID", naming.DEFAULT_PREDICTOR),
                has_orchestrator=ENGINE_CONTAINER in names,
                protocol=protocol,
                timeout_seconds=int(timeout) / 1000 if timeout.isdecimal() else None,
            )
            return (metadata["namespace"], name), target
    return None


def _read_ports(text: str) -> dict[str, int]:
    """HTTP ports by container; anybody may have edited the annotation."""
    try:
        noted = json.loads(text)
        return {name: int(ports["http"]) for name, ports in noted.items() if "http" in ports}
    except (ValueError, TypeError, AttributeError):
        return {}


def _engine_argument(containers: list[Object], flag: str) -> str | None:
    for container in containers:
        if container["name"] == ENGINE_CONTAINER:
            arguments: list[str] = container.get("args", [])
            return dict(pairwise(arguments)).get(flag)
    return None
