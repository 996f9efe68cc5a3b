"""What is noted of models in stores, and when the note is trusted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seldon_deployer.config import DeploymentConfig, Part
from seldon_deployer.deployer.found_models import find_models, is_remote, note_models
from seldon_deployer.deployer.live_secrets import LiveSecrets
from seldon_deployer.deployer.model import Model
from seldon_deployer.deployer.remote_model import files_fingerprint
from seldon_deployer.deployer.stores import Stores
from seldon_deployer.errors import ArtifactError, ConfigError
from seldon_deployer.storage import StoredFile

OWN = Part("default", "iris")
FOUND = Model("s3://models/iris.seldon-deployer/1", "SKLEARN_SERVER", "f" * 64)


def config(uri="s3://models/iris", **more):
    return DeploymentConfig(model_name="iris", model_uri=uri, **more)


def noted(of=None, model=FOUND):
    manifest = {"metadata": {}}
    note_models(manifest, of or config(), {OWN: model})
    return manifest


def find(wanted, existing):
    """Without a look into any store."""
    found = find_models(wanted, is_local=False, tell=print, stores=None, existing=existing)
    return found[OWN]


def test_a_note_stands_for_the_store_where_nobody_can_look():
    assert find(config(), noted()) == FOUND
    assert find(config(implementation="SKLEARN_SERVER"), noted()) == FOUND


def test_what_a_model_told_of_its_parameters_is_noted_with_it():
    model = replace(FOUND, implementation="HUGGINGFACE_SERVER", parameters={"task": "fill-mask"})
    told = []

    found = find_models(
        config(protocol="v2"),
        is_local=False,
        tell=told.append,
        existing=noted(config(protocol="v2"), model),
    )

    assert found[OWN] == model
    assert told == ["task=fill-mask, as the model's own files say"]


def test_a_parameter_that_is_given_is_not_told():
    told = []
    asked = config(protocol="v2", parameters={"task": "text-classification"})
    model = replace(FOUND, implementation="HUGGINGFACE_SERVER", parameters={"task": "fill-mask"})

    find_models(asked, is_local=False, tell=told.append, existing=noted(asked, model))

    assert told == []


@pytest.mark.parametrize(
    "existing",
    [
        None,
        {"metadata": {}},
        noted(config("s3://models/other")),
        noted(config(protocol="v2")),
        {"metadata": {"annotations": {"seldon-deployer/artifacts": "no JSON"}}},
        {"metadata": {"annotations": {"seldon-deployer/artifacts": "[]"}}},
        {"metadata": {"annotations": {"seldon-deployer/artifacts": '{"default/iris": 1}'}}},
    ],
)
def test_a_note_of_something_else_or_of_nothing_is_not_trusted(existing):
    with pytest.raises(ArtifactError, match="is unknown"):
        find(config(), existing)
    named = find(config(implementation="SKLEARN_SERVER"), existing)
    assert named == Model("s3://models/iris", "SKLEARN_SERVER", "")


def test_another_server_than_the_noted_one_is_what_was_asked_for():
    named = find(config(implementation="XGBOOST_SERVER"), noted())
    assert named == Model("s3://models/iris", "XGBOOST_SERVER", "")


def test_nothing_is_noted_of_what_lies_on_this_machine_or_was_not_read(tmp_path):
    assert noted(config(str(tmp_path))) == {"metadata": {}}
    assert noted(model=Model("s3://models/iris", "SKLEARN_SERVER", "")) == {"metadata": {}}


def test_an_address_is_written_as_the_initializer_knows_it():
    wanted = config("az://models/iris", implementation="SKLEARN_SERVER")
    assert find(wanted, None).uri == "azureblob://models/iris"
    # Only a Secret can tell of a remote of one's own; without one there is none.
    own = config("minio://models/iris", implementation="SKLEARN_SERVER")
    with pytest.raises(ConfigError, match="RCLONE_CONFIG_MINIO_TYPE"):
        find(own, None)
    assert find(own.model_copy(update={"secret_name": "s"}), None).uri == "minio://models/iris"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (config(), True),
        (config("pvc://claim/iris"), True),
        (config("/models/iris"), False),
        (config("file:///models/iris"), False),
        (DeploymentConfig(model_name="iris", python_class="a.B"), False),
        (
            config(
                "/models/iris",
                predictors=[{"name": "next", "traffic": 1, "model_uri": "gs://models/iris"}],
            ),
            True,
        ),
    ],
)
def test_credentials_matter_where_a_model_lies_in_a_store(wanted, expected):
    assert is_remote(wanted) is expected


def test_a_fingerprint_changes_with_any_file_and_with_no_order():
    files = [StoredFile("a", 1, "v1"), StoredFile("b", 2, "v2")]
    whole = files_fingerprint(files)
    assert files_fingerprint(reversed(files)) == whole
    for changed in (
        files[:1],
        [files[0], StoredFile("b", 2, "v3")],
        [files[0], StoredFile("b", 3, "v2")],
        [files[0], StoredFile("c", 2, "v2")],
    ):
        assert files_fingerprint(changed) != whole


def test_off_looks_nowhere():
    class Unasked:
        """No cluster at all: whoever asked it would fail."""

    stores = Stores(LiveSecrets(Unasked()), preflight="off")
    assert stores.look("s3://models/iris", "secret") is None
    assert stores.environment("secret") is None
