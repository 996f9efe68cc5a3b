"""Secrets that are made for deployments: shared by them, gone with the last, never lost between."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from objects import sdep

from seldon_deployer.cluster import NAMESPACES, SECRETS, SELDON_DEPLOYMENTS, Cluster, connect
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer import StorageCredentials
from seldon_deployer.deployer.secret import apply_secret
from seldon_deployer.deployer.shared_secret import (
    MADE_FOR_LABEL,
    keep_secret,
    make_secret,
    release_secrets,
)
from seldon_deployer.errors import DeploymentFailed, OwnershipError
from seldon_deployer.secrets import build_secret, parse_credentials

KEY = "RCLONE_CONFIG_S3_SECRET_ACCESS_KEY"


def credentials(value="first", name="storage"):
    keys = {
        "rclone_config_s3_access_key_id": "AKIA",
        "rclone_config_s3_secret_access_key": value,
    }
    return StorageCredentials(name, parse_credentials("seldon_s3", keys))


def config(name="iris", **more):
    fields = {"model_uri": "s3://m/1", "implementation": "SKLEARN_SERVER"}
    return DeploymentConfig(model_name=name, **{**fields, **more})


def value_of(secret):
    return base64.b64decode(secret["data"][KEY]).decode()


@pytest.fixture
def deploy(deployer, operator):
    def run(name="iris", value="first", secret="storage", **more):
        given = credentials(value, secret) if secret else None
        return deployer.deploy(config(name, **more), credentials=given, timeout_seconds=30)

    return run


def secret_of(cluster, name="storage"):
    return cluster.get(SECRETS, name)


def unit_of(cluster, name="iris"):
    return cluster.get(SELDON_DEPLOYMENTS, name)["spec"]["predictors"][0]["graph"]


def test_the_secret_is_made_named_and_labelled(deploy, cluster):
    deploy()
    made = secret_of(cluster)
    assert value_of(made) == "first"
    assert made["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "seldon-deployer",
        MADE_FOR_LABEL: "deployments",
    }
    assert unit_of(cluster)["envSecretRefName"] == "storage"


def test_the_same_again_writes_nothing(deploy, cluster):
    deploy()
    before = secret_of(cluster)
    deploy()
    assert secret_of(cluster) == before


def test_it_is_shared_and_goes_with_the_last_that_uses_it(deploy, deployer, cluster):
    deploy("one")
    deploy("two")
    before = secret_of(cluster)
    deployer.delete("one")
    assert secret_of(cluster) == before
    deployer.delete("two")
    assert secret_of(cluster) is None


def test_it_goes_with_an_update_that_names_another(deploy, cluster):
    deploy(secret="storage")
    deploy(secret="other")
    assert unit_of(cluster)["envSecretRefName"] == "other"
    assert secret_of(cluster) is None
    assert secret_of(cluster, "other")
    deploy(secret=None)
    assert "envSecretRefName" not in unit_of(cluster)
    assert secret_of(cluster, "other") is None


def test_somebody_elses_deployment_keeps_it(deploy, deployer, cluster):
    foreign = deployer.render(config("theirs", secret_name="storage"))
    foreign["metadata"]["labels"] = {}
    cluster.create(SELDON_DEPLOYMENTS, foreign)
    deploy()
    deployer.delete("iris")
    assert secret_of(cluster)


def test_one_that_was_applied_by_hand_is_refreshed_and_stays(deploy, deployer, cluster):
    deploy()
    by_hand = secret_of(cluster)
    given = credentials("by hand").credentials
    apply_secret(cluster, build_secret("storage", cluster.namespace, given))
    assert MADE_FOR_LABEL not in secret_of(cluster)["metadata"]["labels"]
    deploy(value="second")
    assert value_of(secret_of(cluster)) == "second"
    deployer.delete("iris")
    assert secret_of(cluster)["metadata"]["uid"] == by_hand["metadata"]["uid"]


def test_one_of_somebody_else_is_an_error_and_nothing_is_sent(deploy, cluster):
    theirs = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "storage"},
        "data": {"x": "eA=="},
    }
    before = cluster.create(SECRETS, theirs)
    with pytest.raises(OwnershipError, match="storage"):
        deploy()
    assert secret_of(cluster) == before
    assert cluster.get(SELDON_DEPLOYMENTS, "iris") is None


def test_one_of_somebody_else_is_used_when_named_and_never_removed(deploy, deployer, cluster):
    theirs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs"}}
    before = cluster.create(SECRETS, theirs)
    deploy(secret_name="theirs")
    assert secret_of(cluster) is None
    deployer.delete("iris")
    assert secret_of(cluster, "theirs") == before


def test_a_first_deployment_that_fails_leaves_no_secret(deploy, operator, cluster):
    operator.act = operator.crash
    with pytest.raises(DeploymentFailed):
        deploy()
    assert secret_of(cluster) is None


def test_a_failed_first_deployment_leaves_a_secret_that_others_use(deploy, operator, cluster):
    deploy("other")
    operator.act = operator.crash
    with pytest.raises(DeploymentFailed):
        deploy("iris")
    assert value_of(secret_of(cluster)) == "first"


def test_an_update_that_fails_gives_the_secret_its_old_values_back(deploy, operator, cluster):
    deploy(value="first")
    operator.act = operator.crash
    with pytest.raises(DeploymentFailed, match="back at what was deployed"):
        deploy(value="wrong", model_uri="s3://m/2")
    assert value_of(secret_of(cluster)) == "first"
    operator.act = operator.serve
    deploy(value="second", model_uri="s3://m/2")
    assert value_of(secret_of(cluster)) == "second"


def test_a_failed_deployment_that_is_kept_keeps_its_secret(deployer, operator, cluster):
    operator.act = operator.crash
    with pytest.raises(DeploymentFailed):
        deployer.deploy(config(), credentials=credentials(), timeout_seconds=30, on_failure="keep")
    assert value_of(secret_of(cluster)) == "first"


class Turns:
    """Two actors on one API, whose requests are sent in an order that the test chooses."""

    def __init__(self, order: list[bool]) -> None:
        self._order = order
        self._changed = threading.Condition()
        self._running = {False, True}

    def take(self, actor: bool) -> None:
        """Wait until it is this actor's turn; an actor that ended gives its turns away."""
        with self._changed:
            while self._order and self._order[0] is not actor and (not actor) in self._running:
                self._changed.wait()
            if self._order:
                self._order.pop(0)
            self._changed.notify_all()

    @contextmanager
    def playing(self, actor: bool) -> Iterator[None]:
        try:
            yield
        finally:
            with self._changed:
                self._running.discard(actor)
                self._changed.notify_all()


class TurnTaking(Cluster):
    """A cluster that sends each request when it is its turn."""

    def __init__(self, cluster: Cluster, turns: Turns, actor: bool) -> None:
        super().__init__(
            cluster._transport, namespace=cluster.namespace, description=cluster.description
        )
        self._turns, self._actor = turns, actor

    def _call(self, *args, **kwargs):
        self._turns.take(self._actor)
        return super()._call(*args, **kwargs)


# Each actor sends fewer requests than this.
MOST = 8
ORDERS = [
    [first] * before + [not first] * between + [first] * 99 + [not first] * 99
    for first in (False, True)
    for before in range(MOST)
    for between in range(MOST)
]


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    order=st.one_of(st.sampled_from(ORDERS), st.lists(st.booleans(), max_size=16)),
    value=st.sampled_from(["first", "second"]),
)
def test_a_removal_and_a_deployment_that_cross_leave_what_is_needed(end, cluster, order, value):
    cross(cluster, order, value)


def test_they_may_cross_anywhere(embedded_end, tmp_path):
    namespace = f"cross-{tmp_path.name[-20:].strip('_').replace('_', '-')}"
    opened = connect(kubeconfig=embedded_end.kubeconfig, namespace=namespace)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    opened.create(NAMESPACES, body)
    for order in ORDERS:
        for value in ("first", "second"):
            cross(opened, order, value)
    opened.close()


def cross(cluster, order, value):
    cluster.create(SELDON_DEPLOYMENTS, _naming("last"))
    make_secret(cluster, credentials("first"))
    turns, failures = Turns(list(order)), []

    def remove(own):
        own.delete(SELDON_DEPLOYMENTS, "last")
        release_secrets(own, ["storage"])

    def deploy(own):
        kept = make_secret(own, credentials(value))
        own.create(SELDON_DEPLOYMENTS, _naming("next"))
        keep_secret(own, kept.after)

    def play(actor, act):
        with turns.playing(actor):
            try:
                act(TurnTaking(cluster, turns, actor))
            except Exception as error:  # noqa: BLE001
                failures.append(error)

    threads = [
        threading.Thread(target=play, args=(False, remove)),
        threading.Thread(target=play, args=(True, deploy)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert value_of(secret_of(cluster)) == value
    cluster.delete(SELDON_DEPLOYMENTS, "next")
    release_secrets(cluster, ["storage"])
    assert secret_of(cluster) is None


def _naming(name):
    named = sdep(name)
    named["spec"]["predictors"][0]["graph"]["envSecretRefName"] = "storage"
    return named
