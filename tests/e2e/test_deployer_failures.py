"""Failures on the embedded runtime, through the Deployer: told, undone, and it goes on serving."""

from __future__ import annotations

import time

import numpy as np
import pytest

from seldon_deployer import Deployer, DeploymentConfig, DeploymentFailed, PredictionError
from seldon_deployer.errors import UsageError
from seldon_deployer.local import lifecycle

GOOD = """
class Double:
    def predict(self, X, names):
        return X * 2
"""
BROKEN = """
class Double:
    def load(self):
        raise RuntimeError("the weights are missing")

    def predict(self, X, names):
        return X
"""

SOMETIMES_HANGS = """
import threading

class Double:
    def predict(self, X, names):
        if X[0][0] < 0:
            threading.Event().wait()
        return X * 2
"""


@pytest.fixture(scope="module")
def deployer(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    yield Deployer.local(home=home)
    lifecycle.stop(home)


@pytest.fixture
def config(tmp_path, request):
    name = request.node.name.replace("_", "-")
    return DeploymentConfig(model_name=name, python_class="double.Double", code_path=tmp_path)


def write(config, code):
    (config.code_path / "double.py").write_text(code)


def test_a_class_that_cannot_load_fails_with_its_own_words_and_leaves_nothing(deployer, config):
    write(config, BROKEN)
    with pytest.raises(DeploymentFailed) as caught:
        deployer.deploy(config, timeout_seconds=60)
    assert "the weights are missing" in str(caught.value)
    assert deployer.find(model_name=config.model_name) == []


def test_a_folder_that_lacks_the_module_is_told_with_what_to_try(deployer, config):
    with pytest.raises(DeploymentFailed) as caught:
        deployer.deploy(config, timeout_seconds=60)
    assert "the module double is not there" in caught.value.why
    assert "give the folder that holds it" in caught.value.hint


def test_an_update_that_cannot_load_goes_back_while_the_old_one_serves(deployer, config):
    write(config, GOOD)
    service = deployer.deploy(config, timeout_seconds=60)
    assert np.array_equal(service.predict(np.array([[1.0, 2.0]])), [[2.0, 4.0]])
    before = deployer.get(config.name).revision
    write(config, BROKEN)
    with pytest.raises(DeploymentFailed, match="back at what was deployed before"):
        deployer.deploy(config, timeout_seconds=60)
    assert np.array_equal(service.predict(np.array([[3.0, 4.0]])), [[6.0, 8.0]])
    assert deployer.get(config.name).revision == before


def test_the_same_class_again_changes_nothing_and_new_code_is_a_new_revision(deployer, config):
    write(config, GOOD)
    first = deployer.deploy(config, timeout_seconds=60)
    assert deployer.deploy(config, timeout_seconds=60).revision == first.revision
    write(config, GOOD.replace("* 2", "* 3"))
    second = deployer.deploy(config, timeout_seconds=60)
    assert second.revision != first.revision
    assert np.array_equal(second.predict(np.array([[1.0]])), [[3.0]])


def test_stopped_and_started_again_it_serves_as_before(deployer, config):
    write(config, GOOD)
    deployer.deploy(config, timeout_seconds=60)
    service = deployer.get(config.name)
    deployer.stop(config.name)
    with pytest.raises(PredictionError, match=f"{config.name} is stopped"):
        service.predict(np.array([[1.0]]))
    service = deployer.start(config.name, timeout_seconds=60)
    assert np.array_equal(service.predict(np.array([[1.0]])), [[2.0]])
    deployer.delete(config.name)
    with pytest.raises(PredictionError, match=f"{config.name} was deleted"):
        service.predict(np.array([[1.0]]))
    assert deployer.find(model_name=config.model_name) == []


def test_a_unit_that_hangs_longer_than_its_annotation_says_is_replaced(deployer, config):
    write(config, SOMETIMES_HANGS)
    timeout = {"seldon.io/rest-timeout": "500"}
    service = deployer.deploy(
        config.model_copy(update={"annotations": timeout}), timeout_seconds=60
    )
    with pytest.raises(PredictionError):
        service.predict(np.array([[-1.0]]))
    # A request may meet the unit while it ends.
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        try:
            answer = service.predict(np.array([[1.0]]))
            break
        except PredictionError:
            time.sleep(0.2)
    assert np.array_equal(answer, [[2.0]])


@pytest.mark.parametrize("given", ["model.joblib", {"model_name": "iris"}, None])
def test_what_is_no_configuration_is_said_to_be_none(deployer, given):
    with pytest.raises(UsageError, match="is no DeploymentConfig") as caught:
        deployer.deploy(given)
    assert "model_uri=" in caught.value.hint
