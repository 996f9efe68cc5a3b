"""A small model of a rollout: Seldon's operator, the deployment controller and pods.

Like the real ones: the operator judges by a cache that lags and looks neither at generations nor
at updated replicas; a status is true when it is computed and may be old when it is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from observed import UID, deployment, sdep

MAX_SURGE = 1


@dataclass
class Pod:
    revision: str
    ready: bool = False


@dataclass
class Rollout:
    """One Deployment and its pods."""

    name: str
    revision: str
    replicas: int
    generation: int = 1
    observed: int = 0
    counts: tuple[int, int, int, int] = (0, 0, 0, 0)
    pods: list[Pod] = field(default_factory=list)

    def step(self) -> None:
        """One turn of the deployment controller: at most one pod comes or goes."""
        self.observed = self.generation
        new = [pod for pod in self.pods if pod.revision == self.revision]
        old = [pod for pod in self.pods if pod.revision != self.revision]
        ready = sum(pod.ready for pod in self.pods)
        if len(new) > self.replicas:
            self.pods.remove(new[-1])
        elif len(new) < self.replicas and len(self.pods) < self.replicas + MAX_SURGE:
            self.pods.append(Pod(self.revision))
        elif old and (not old[0].ready or ready > self.replicas or self.replicas == 0):
            self.pods.remove(old[0])
        self.counts = (
            len(self.pods),
            sum(pod.revision == self.revision for pod in self.pods),
            sum(pod.ready for pod in self.pods),
            sum(pod.ready for pod in self.pods),
        )

    def object(self):
        wanted_ready = self.counts[2]
        return deployment(
            self.revision,
            name=self.name,
            replicas=self.replicas,
            counts=self.counts,
            unavailable=max(0, max(self.replicas, self.counts[0]) - wanted_ready),
            generation=self.generation,
            observed=self.observed,
        )


@dataclass(frozen=True)
class Seen:
    """An entry of the Deployments' stream: the object, and the pods its status was made of."""

    name: str
    object: dict | None
    pods: tuple[tuple[str, bool], ...]
    replicas: int


class World:
    """The cluster's side: what is, and the two streams of what was told about it."""

    def __init__(self) -> None:
        self.revision, self.replicas, self.unit = "r0", 1, "iris"
        self.generation, self.state, self.description = 0, None, None
        self.rollouts: dict[str, Rollout] = {}
        self.sdeps: list[dict] = []
        self.stream: list[Seen] = []
        self.cached = 0
        self._pods_at_status: dict[str, tuple[tuple[str, bool], ...]] = {}

    def apply(self, revision: str, replicas: int, unit: str) -> dict:
        if (revision, replicas, unit) != (self.revision, self.replicas, self.unit):
            self.generation += 1
        self.generation = max(self.generation, 1)
        self.revision, self.replicas, self.unit = revision, replicas, unit
        return self._tell_sdep()

    def sdep(self) -> dict:
        return sdep(
            self.revision,
            replicas=self.replicas,
            generation=self.generation,
            unit=self.unit,
            uid=UID,
            state=self.state,
            description=self.description,
        )

    def operator_writes(self) -> None:
        """The operator brings its Deployment to the specification."""
        name = f"iris-default-0-{self.unit}"
        rollout = self.rollouts.get(name)
        if rollout is None:
            self.rollouts[name] = Rollout(name, self.revision, self.replicas)
        elif (rollout.revision, rollout.replicas) != (self.revision, self.replicas):
            rollout.revision, rollout.replicas = self.revision, self.replicas
            rollout.generation += 1
        else:
            return
        self._tell(name)

    def operator_judges(self, lag: int) -> None:
        """The operator writes a state, from what its cache knew `lag` entries ago."""
        self.cached = max(self.cached, len(self.stream) - lag)
        known: dict[str, dict] = {}
        for entry in self.stream[: self.cached]:
            known.pop(entry.name, None)
            if entry.object is not None:
                known[entry.name] = entry.object
        status = known.get(f"iris-default-0-{self.unit}", {}).get("status", {})
        is_ready = status.get("readyReplicas", 0) > 0 and not status.get("unavailableReplicas")
        self.state, self.description = ("Available" if is_ready else "Creating"), None
        if is_ready:
            for name in list(self.rollouts):
                if name != f"iris-default-0-{self.unit}":
                    del self.rollouts[name]
                    self.stream.append(Seen(name, None, (), 0))
        self._tell_sdep()

    def operator_fails(self) -> None:
        self.state, self.description = "Failed", "object is being deleted"
        self._tell_sdep()

    def controller_steps(self, name: str) -> None:
        rollout = self.rollouts[name]
        rollout.step()
        self._pods_at_status[name] = tuple((pod.revision, pod.ready) for pod in rollout.pods)
        self._tell(name)

    def _tell(self, name: str) -> None:
        rollout = self.rollouts[name]
        pods = self._pods_at_status.get(name, ())
        self.stream.append(Seen(name, rollout.object(), pods, rollout.replicas))

    def _tell_sdep(self) -> dict:
        live = self.sdep()
        self.sdeps.append(live)
        return live
