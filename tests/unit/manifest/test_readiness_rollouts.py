"""The rule of readiness as a property, over generated rollouts and two lagging, cut watches.

Whenever `Ready` is said, there was a moment since the apply at which every pod of every
Deployment was of the wanted revision and ready, as many as wanted, and none else was left.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from rollout_world import World

from seldon_deployer.manifest.diagnosis import Diagnosis
from seldon_deployer.manifest.observation import Observation
from seldon_deployer.manifest.readiness import Ready, assess

REVISIONS = st.sampled_from(["r1", "r2", "r3"])
REPLICAS = st.integers(0, 3)
UNITS = st.sampled_from(["iris", "renamed"])


class Rollouts(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.world = World()
        self.deploy("r1", 1, "iris")

    def deploy(self, revision, replicas, unit):
        """Read what is there, apply, and watch from there: as the deployer does."""
        self.seen_stream = len(self.world.stream)
        self.wanted = self.live = self.world.apply(revision, replicas, unit)
        self.seen_sdeps = len(self.world.sdeps)

    @rule(revision=REVISIONS, replicas=REPLICAS, unit=UNITS)
    def we_deploy(self, revision, replicas, unit):
        self.deploy(revision, replicas, unit)

    @rule(revision=REVISIONS, replicas=st.integers(1, 3), unit=UNITS)
    def we_update_what_serves(self, revision, replicas, unit):
        self.all_goes_well_from_here()
        self.deploy(revision, replicas, unit)

    @rule(turns=st.integers(1, 8), delivered=st.booleans())
    def the_rollout_proceeds(self, turns, delivered):
        for turn in range(turns):
            self.world.operator_writes()
            for name, rollout in list(self.world.rollouts.items()):
                for pod in rollout.pods[: turn + 1]:
                    pod.ready = True
                self.world.controller_steps(name)
            self.world.operator_judges(0)
            while delivered and self.seen_stream < len(self.world.stream):
                self.the_watch_of_deployments_delivers(1)
                self.ready_is_never_said_too_early()
            if delivered:
                self.the_watch_of_the_sdep_delivers()

    @rule(replicas=REPLICAS)
    def somebody_scales(self, replicas):
        self.world.apply(self.world.revision, replicas, self.world.unit)

    @rule()
    def the_operator_writes(self):
        self.world.operator_writes()

    @rule(lag=st.integers(0, 4))
    def the_operator_judges(self, lag):
        self.world.operator_judges(lag)

    @rule()
    def the_operator_fails(self):
        self.world.operator_fails()

    @precondition(lambda self: self.world.rollouts)
    @rule(data=st.data())
    def the_controller_steps(self, data):
        name = data.draw(st.sampled_from(sorted(self.world.rollouts)))
        self.world.controller_steps(name)

    @precondition(lambda self: any(each.pods for each in self.world.rollouts.values()))
    @rule(data=st.data(), ready=st.booleans())
    def a_pod_changes(self, data, ready):
        pods = [pod for each in self.world.rollouts.values() for pod in each.pods]
        data.draw(st.sampled_from(pods)).ready = ready

    @rule(count=st.integers(1, 3))
    def the_watch_of_deployments_delivers(self, count):
        self.seen_stream = min(self.seen_stream + count, len(self.world.stream))

    @rule()
    def the_watch_of_the_sdep_delivers(self):
        if self.seen_sdeps < len(self.world.sdeps):
            self.live = self.world.sdeps[self.seen_sdeps]
            self.seen_sdeps += 1

    @rule(both=st.booleans())
    def a_watch_is_cut_and_lists_again(self, both):
        self.seen_stream = len(self.world.stream)
        if both:
            self.live = self.world.sdep()
            self.seen_sdeps = len(self.world.sdeps)

    @rule()
    def all_goes_well_from_here(self):
        for _ in range(20):
            self.world.operator_writes()
            for name, rollout in list(self.world.rollouts.items()):
                for pod in rollout.pods:
                    pod.ready = True
                self.world.controller_steps(name)
            self.world.operator_judges(0)
        self.a_watch_is_cut_and_lists_again(both=True)
        if self.live["spec"]["replicas"] > 0:
            assert assess(self.wanted, self.observation()) == Ready()

    @invariant()
    def ready_is_never_said_too_early(self):
        verdict = assess(self.wanted, self.observation())
        assert not isinstance(verdict, Diagnosis)
        if not isinstance(verdict, Ready):
            return
        revision = self.wanted["spec"]["predictors"][0]["annotations"]["seldon-deployer/revision"]
        seen = self.known()
        assert len(seen) == 1
        for entry in seen.values():
            assert entry.pods == ((revision, True),) * entry.replicas
            assert entry.replicas == self.live["spec"]["replicas"]

    def known(self):
        known = {}
        for entry in self.world.stream[: self.seen_stream]:
            known.pop(entry.name, None)
            if entry.object is not None:
                known[entry.name] = entry
        return known

    def observation(self):
        return Observation(self.live, tuple(each.object for each in self.known().values()))


TestRollouts = Rollouts.TestCase
TestRollouts.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
