"""Servers of ours on a cluster: whose image, and what is said where there is none."""

import json
import logging
from types import SimpleNamespace

import pytest

from seldon_deployer.catalogue import OUR_IMAGE, known_servers
from seldon_deployer.config import DeploymentConfig, Part
from seldon_deployer.deployer.found_models import check_all_can_run, find_models
from seldon_deployer.deployer.server_image import IMAGE_VARIABLE, choose_server_image
from seldon_deployer.errors import ConfigError
from seldon_deployer.graph import Combiner, Model, Router

MINE = "registry.example.com/server:1"
OURS = [name for name, server in known_servers().items() if OUR_IMAGE in server.images.values()]


@pytest.fixture(autouse=True)
def no_default(monkeypatch):
    monkeypatch.delenv(IMAGE_VARIABLE, raising=False)


def config(implementation="LIGHTGBM_SERVER", **fields):
    given = {"model_name": "m", "model_uri": "s3://b/m", "implementation": implementation, **fields}
    return DeploymentConfig(**given)


def image_of(asked, **options):
    return find_models(asked, is_local=False, tell=print, **options)[Part("default", "m")].image


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("protocol", ["seldon", "v2"])
def test_without_an_image_none_is_sent_and_the_way_to_one_is_told(name, protocol):
    asked = config(name, protocol=protocol)
    for ask in (check_all_can_run, lambda each, is_local: image_of(each)):
        with pytest.raises(ConfigError, match=f"{name} needs an image") as raised:
            ask(asked, is_local=False)
        assert f"`seldon-deployer image context DIR --implementation {name}`" in raised.value.hint
        assert IMAGE_VARIABLE in raised.value.hint


def test_a_server_of_seldons_that_reads_the_same_is_named_with_what_it_has():
    with pytest.raises(ConfigError) as raised:
        image_of(config("OUR_SKLEARN_SERVER"))
    assert "implementation=SKLEARN_SERVER, which reads model.joblib with scikit-learn 0.24.2" in (
        raised.value.hint
    )
    with pytest.raises(ConfigError) as raised:
        image_of(config("CATBOOST_SERVER"))
    assert "implementation=" not in raised.value.hint


def test_the_nearest_image_wins(monkeypatch):
    monkeypatch.setenv(IMAGE_VARIABLE, "of-the-environment")
    assert image_of(config()) == "of-the-environment"
    assert image_of(config(), server_image=MINE) == MINE
    # The configuration's own needs nobody else's.
    assert image_of(config(image="own"), server_image=MINE) is None


def test_neither_the_embedded_runtime_nor_seldons_servers_need_one():
    check_all_can_run(config(), is_local=True)
    asked = config("SKLEARN_SERVER")
    assert image_of(asked, server_image=MINE) is None


def test_a_row_of_the_users_with_an_image_of_its_own_keeps_it(tmp_path, monkeypatch):
    file = tmp_path / "servers.json"
    row = {"images": {"seldon": MINE, "v2": MINE}}
    file.write_text(json.dumps({"servers": {"LIGHTGBM_SERVER": row}}))
    monkeypatch.setenv("SELDON_DEPLOYER_SERVERS", str(file))
    assert image_of(config(), server_image="another") is None


def test_offline_ours_is_written_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        assert image_of(config(), is_offline=True) is None
    assert f"the image {OUR_IMAGE} is in no registry" in caplog.text


def test_each_unit_of_a_graph_is_asked():
    units = [
        Model("one", model_uri="s3://b/1", implementation="SKLEARN_SERVER"),
        Model("two", model_uri="s3://b/2", implementation="ONNX_SERVER"),
    ]
    graph = Combiner("vote", units, python_class="votes.Vote", image="me/votes:1")
    asked = DeploymentConfig(model_name="m", graph=graph)
    with pytest.raises(ConfigError, match="ONNX_SERVER needs an image"):
        check_all_can_run(asked, is_local=False)
    found = find_models(asked, is_local=False, tell=print, server_image=MINE)
    assert {part.unit: model.image for part, model in found.items() if model.image} == {"two": MINE}


def test_what_no_server_of_the_catalogue_reads_needs_no_image_of_ours():
    asked = SimpleNamespace(image=None, protocol="seldon", python_class=None)
    assert choose_server_image(asked, None, default=MINE, is_offline=False) is None


def test_the_image_is_written_into_the_manifest_and_a_new_one_is_a_new_revision():
    from seldon_deployer.deployer.plan import build

    def manifest(image):
        asked = config()
        models = find_models(asked, is_local=False, tell=print, server_image=image)
        return build(asked, models, namespace="n", orchestrator=False, is_local=False)

    first, second = manifest(MINE), manifest("registry.example.com/server:2")
    predictor = first["spec"]["predictors"][0]
    [container] = predictor["componentSpecs"][0]["spec"]["containers"]
    assert container["image"] == MINE
    assert {"name": "MODEL_NAME", "value": "seldon_deployer.server.lightgbm.LightGBMServer"} in (
        container["env"]
    )
    assert "implementation" not in predictor["graph"]
    revisions = [each["spec"]["predictors"][0]["annotations"] for each in (first, second)]
    assert revisions[0] != revisions[1]


def test_a_bandit_of_ours_runs_in_the_image_for_servers_of_ours():
    models = [Model(name, image="own") for name in ("a", "b")]
    asked = DeploymentConfig(model_name="m", graph=Router.bandit("choose", models))

    found = find_models(asked, is_local=False, tell=print, server_image=MINE)

    assert found[Part("default", "choose")].image == MINE
    with pytest.raises(ConfigError, match="ThompsonSampling needs an image") as raised:
        check_all_can_run(asked, is_local=False)
    assert "image context DIR --python-class seldon_deployer.server.bandit" in raised.value.hint
