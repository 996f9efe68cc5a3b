"""Where requests go: SeldonDeployments and their ready pods, as the gateway knows them."""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_right
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import Any, TypeVar

from seldon_deployer.local.ready_pod import Backend, ReadyPod, Target, read_pod

Object = dict[str, Any]

Loaded = TypeVar("Loaded", Target, Backend)


@dataclass
class Service:
    """One SeldonDeployment: its ready pods, and each predictor's share of the traffic.

    `shadows` get copies of a share of the requests, in percent; their answers go nowhere.
    """

    weights: dict[str, int] = field(default_factory=dict)
    shadows: dict[str, int] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)

    def pick(
        self,
        tried: Collection[str],
        chance: Callable[[], float],
        is_whole: Callable[[Target], bool],
    ) -> Target | None:
        """A ready pod that was not tried: the predictor by traffic, the pod by least load."""
        free = [
            target
            for uid, target in self.targets.items()
            if uid not in tried and target.predictor not in self.shadows and is_whole(target)
        ]
        return _least_loaded(self._of_one_predictor(free, chance), chance)

    def pick_shadows(
        self, chance: Callable[[], float], is_whole: Callable[[Target], bool]
    ) -> list[Target]:
        """A ready pod of each shadow that this request is copied to."""
        chosen = [name for name, share in self.shadows.items() if chance() * 100 < share]
        found = (
            _least_loaded(
                [each for each in self.targets.values() if each.predictor == name], chance
            )
            for name in chosen
        )
        return [target for target in found if target is not None and is_whole(target)]

    def _of_one_predictor(self, free: list[Target], chance: Callable[[], float]) -> list[Target]:
        predictors = sorted({target.predictor for target in free})
        if len(predictors) < 2:
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
        self._pods: dict[str, ReadyPod] = {}
        self._backends: dict[tuple[str, str], dict[str, Backend]] = {}
        self._known: dict[str, tuple[str, str]] = {}
        self._on_gone = on_gone
        self._chance = chance
        self._changed = asyncio.Event()

    def pick(self, namespace: str, name: str, tried: Collection[str] = ()) -> Target | None:
        """A pod for a request, or None where none is ready; KeyError where nothing is known."""
        whole = partial(self.is_whole, namespace)
        return self._services[namespace, name].pick(tried, self._chance, whole)

    def pick_shadows(self, namespace: str, name: str) -> list[Target]:
        """Pods that get a copy of a request to a SeldonDeployment."""
        service = self._services.get((namespace, name))
        whole = partial(self.is_whole, namespace)
        return service.pick_shadows(self._chance, whole) if service else []

    def pick_backend(
        self, namespace: str, service: str, tried: Collection[str] = ()
    ) -> Backend | None:
        """A unit behind a Service, or None where none that was not tried is ready."""
        known = self._backends.get((namespace, service), {})
        free = [backend for uid, backend in known.items() if uid not in tried]
        return _least_loaded(free, self._chance)

    def is_whole(self, namespace: str, target: Target) -> bool:
        """Whether all units of a target's graph are ready, wherever they are."""
        units = target.graph.walk() if target.graph else ()
        return all(
            unit.is_built_in
            or (
                unit.name in target.ports
                if unit.service is None
                else bool(self._backends.get((namespace, unit.service)))
            )
            for unit in units
        )

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
        # A shadow without a share of its own gets a copy of everything.
        service.shadows = {
            item["name"]: item.get("traffic") or 100 for item in predictors if item.get("shadow")
        }
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
        found = read_pod(pod)
        if found is None:
            self.drop_pod(uid)
            return
        if uid in self._pods:
            return
        self._pods[uid] = found
        for name, backend in found.backends.items():
            self._backends.setdefault((found.key[0], name), {})[uid] = backend
        if found.target is not None:
            # A pod may be heard of before its SeldonDeployment.
            self._services.setdefault(found.key, Service()).targets[uid] = found.target
        self._tell()

    def drop_pod(self, uid: str) -> None:
        """Take a pod out."""
        found = self._pods.pop(uid, None)
        if found is None:
            return
        if service := self._services.get(found.key):
            service.targets.pop(uid, None)
        for name, backend in found.backends.items():
            key = found.key[0], name
            self._backends[key].pop(uid)
            if not self._backends[key]:
                del self._backends[key]
            self._on_gone(backend.port)
            if backend.rpc_port is not None:
                self._on_gone(backend.rpc_port)
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


def _least_loaded(free: list[Loaded], chance: Callable[[], float]) -> Loaded | None:
    if len(free) < 2:
        return free[0] if free else None
    least = min(each.outstanding for each in free)
    free = [each for each in free if each.outstanding == least]
    return free[0] if len(free) == 1 else free[int(chance() * len(free))]
