"""The model deployer's decisions on real parts: what fails, what stays, whose it is."""

import pytest
from zenml_scripts import NOTHING, PRELUDE
from zenml_store import ZenMLStore


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with ZenMLStore(tmp_path_factory.mktemp("zenml-deployer")) as store:
        store.set_up_local_stack()
        yield store


def test_two_models_are_two_services_and_a_new_version_takes_the_place_of_the_old(store):
    seen = store.script(
        PRELUDE
        + """
first = deploy("one", artifact("one-1", classifier(1.0)))
other = deploy("two", artifact("two-1", classifier(1.0)))
again = deploy("one", artifact("one-2", classifier(0.01)), replicas=1)
flower = np.array([[6.0, 2.9, 4.8, 1.6]])
answer({
    "uuids": [str(one.uuid) for one in (first, other, again)],
    "urls": [one.prediction_url for one in (first, other, again)],
    "same": np.allclose(other.predict(flower), again.predict(flower)),
    "uri": again.config.model_uri,
    "rows": len(deployer.find_model_server()),
})
"""
    )
    assert seen["uuids"][0] == seen["uuids"][2] != seen["uuids"][1]
    assert seen["urls"][0] == seen["urls"][2] != seen["urls"][1]
    assert seen["same"] is False
    assert seen["uri"].endswith("one-2")
    assert seen["rows"] == 2


def test_without_replace_a_served_name_is_left_alone(store):
    seen = store.script(
        PRELUDE
        + """
uri = artifact("kept", classifier())
first = deploy("kept", uri)
same = deploy("kept", uri, replace=False)
refusal = refused(deploy, "kept", artifact("kept-2", classifier(0.01)), replace=False)
answer({
    "same": first.uuid == same.uuid,
    "refusal": refusal,
    "uri": deployer.find_model_server(model_name="kept")[0].config.model_uri == uri,
})
"""
    )
    assert seen["same"] is True
    assert seen["uri"] is True
    assert seen["refusal"][0] == "DeploymentError"
    assert "replace=True" in seen["refusal"][1]


@pytest.mark.parametrize(
    ("name", "model", "fields", "said"),
    [
        ("no-model", "'just text'", {}, "predict"),
        ("no-server", "classifier()", {"implementation": "NOPE_SERVER"}, "NOPE_SERVER"),
    ],
)
def test_what_cannot_be_served_raises_and_leaves_nothing(store, name, model, fields, said):
    seen = store.script(
        PRELUDE
        + f"""
refusal = refused(deploy, {name!r}, artifact({name!r}, {model}), timeout=60, **{fields!r})
answer({{"refusal": refusal, "left": left({name!r})}})
"""
    )
    assert seen["refusal"][0] != "no error"
    assert said in seen["refusal"][1]
    assert seen["left"] == NOTHING


def test_a_failed_update_leaves_the_old_model_serving(store):
    seen = store.script(
        PRELUDE
        + """
class Broken:
    def __getstate__(self):
        return {"state": 1}
    def __setstate__(self, state):
        raise RuntimeError("this model cannot be loaded")
    def predict(self, rows):
        return rows

good = artifact("steady", classifier())
service = deploy("steady", good)
flower = np.array([[6.0, 2.9, 4.8, 1.6]])
before = np.asarray(service.predict(flower)).tolist()
refusal = refused(
    deploy, "steady", artifact("steady-2", Broken()), implementation="SKLEARN_SERVER", timeout=60
)
[found] = deployer.find_model_server(model_name="steady")
answer({
    "refusal": refusal,
    "same": np.asarray(found.predict(flower)).tolist() == before,
    "uri": found.config.model_uri == good,
    "again": deploy("steady", good).status.state.value,
})
"""
    )
    assert seen["refusal"][0] != "no error"
    assert "cannot be loaded" in seen["refusal"][1]
    assert seen["same"] is True
    assert seen["uri"] is True
    assert seen["again"] == "active"


def test_a_deployment_of_somebody_else_is_neither_taken_over_nor_deleted(store):
    seen = store.script(
        PRELUDE
        + """
from seldon_deployer import DeploymentConfig
uri = artifact("theirs", classifier())
deployer.deployer.deploy(DeploymentConfig(model_name="theirs", model_uri=uri))
refusal = refused(deploy, "theirs", artifact("theirs-2", classifier(0.01)))
answer({
    "refusal": refusal,
    "rows": len(deployer.find_model_server(model_name="theirs")),
    "uri": deployer.deployer.get("theirs").model_uri == uri,
})
"""
    )
    assert seen["refusal"][0] == "OwnershipError"
    assert seen["rows"] == 0
    assert seen["uri"] is True


def test_a_python_class_of_ones_own_serves_too(store):
    seen = store.script(
        PRELUDE
        + """
(pathlib.Path.cwd() / "doubler.py").write_text(
    "class Doubler:\\n"
    "    def __init__(self, factor=2):\\n"
    "        self.factor = factor\\n"
    "    def predict(self, X, names, meta=None):\\n"
    "        return X * self.factor\\n"
)
service = deploy(
    "doubler", "", python_class="doubler.Doubler", code_path=str(pathlib.Path.cwd()),
    parameters={"factor": 3},
)
[found] = deployer.find_model_server(config={"python_class": "doubler.Doubler"})
answer({"prediction": np.asarray(found.predict([[1.0, 2.0]])).tolist()})
"""
    )
    assert seen == {"prediction": [[3.0, 6.0]]}
