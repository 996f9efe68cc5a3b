"""Units of one pod and their folders of code."""

from __future__ import annotations

from pathlib import Path

import pytest

from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer.found_models import check_all_can_run
from seldon_deployer.errors import ConfigError
from seldon_deployer.graph import Model, Transformer


def folder(where: Path, **modules: str) -> Path:
    where.mkdir()
    for name, text in modules.items():
        (where / f"{name}.py").write_text(text)
    return where


def pair(first: Path, second: Path, *, own_pod: bool = False) -> DeploymentConfig:
    scale = Transformer("scale", python_class="scale.Scale", code_path=first)
    model = Model("model", python_class="model.Model", code_path=second, own_pod=own_pod)
    return DeploymentConfig(model_name="pair", graph=scale >> model)


def test_a_unit_never_runs_with_another_units_module(tmp_path):
    one = folder(tmp_path / "one", scale="import shared", shared="A = 1")
    two = folder(tmp_path / "two", model="import shared", shared="A = 2")
    with pytest.raises(ConfigError) as caught:
        check_all_can_run(pair(one, two), is_local=True)
    assert caught.value.what == "model would run with the module shared of scale"
    assert str(one) in caught.value.why
    assert "own_pod" in caught.value.hint
    # In a pod of its own it has a path of its own; on a cluster the code is in an image.
    check_all_can_run(pair(one, two, own_pod=True), is_local=True)


def test_a_module_is_taken_by_a_package_of_its_name_too(tmp_path):
    one = folder(tmp_path / "one", scale="")
    folder(one / "model", __init__="")
    two = folder(tmp_path / "two", model="")
    with pytest.raises(ConfigError, match="the module model of scale"):
        check_all_can_run(pair(one, two), is_local=True)


@pytest.mark.parametrize("text", ["A = 1", None])
def test_folders_that_do_not_differ_in_what_is_needed_share_a_pod(tmp_path, text):
    one = folder(tmp_path / "one", scale="import shared", shared="A = 1", unused="A = 1")
    two = folder(tmp_path / "two", model="import shared", unused="A = 2")
    if text is not None:
        (two / "shared.py").write_text(text)
    check_all_can_run(pair(one, two), is_local=True)
