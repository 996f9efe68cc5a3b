"""The custom step: what it refuses where a pipeline is composed, what it serves and builds."""

import textwrap

import pytest
import urllib3
from zenml_scripts import PRELUDE
from zenml_store import ZenMLStore

# The user's own module, beside the pipeline's script.
CODE = """
import numpy as np

def score(model, request):
    rows = np.asarray(request, dtype=float)
    if rows.shape[1] != 4:
        raise ValueError("four lengths are wanted")
    return rows.sum(axis=1, keepdims=True) * model["weight"] + {plus}

def only_one(request):
    return request

class NoMethods:
    pass

class Scorer:
    def __init__(self, least):
        self.least = least

    def predict(self, X, names, meta=None):
        return [[self.least]]

python_class, predict_function = Scorer, score
"""
PIPELINE = """
from zenml import pipeline, step
from seldon_deployer.steps import CustomDeployParameters, seldon_custom_model_deployer_step

@step(enable_cache=False)
def train() -> dict:
    return {"weight": 2.0}

def outcome(run):
    return Client().get_pipeline_run(run.id).steps["seldon_custom_model_deployer_step"]
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with ZenMLStore(tmp_path_factory.mktemp("zenml-custom")) as store:
        write_code(store, plus=0)
        store.set_up_local_stack()
        yield store


def write_code(store, plus):
    (store.folder / "work" / "scoring.py").write_text(CODE.format(plus=plus))


def serve(store, plus):
    """Run the pipeline with this code; returns the URL."""
    write_code(store, plus)
    return store.script(
        PRELUDE
        + PIPELINE
        + """
@pipeline(enable_cache=False)
def scores():
    seldon_custom_model_deployer_step(
        model=train(),
        custom_deploy_parameters=CustomDeployParameters(predict_function="scoring.score"),
        model_name="scores",
    )

service = outcome(scores()).output.load()
found = np.asarray(service.predict([[1, 2, 3, 4]])).tolist()
answer({"url": service.prediction_url, "answer": found})
"""
    )


def test_new_code_is_served_in_place_with_what_zenmls_materializer_loads(store):
    first = serve(store, plus=0)
    assert first["answer"] == [[20.0]]
    second = serve(store, plus=1)
    assert second == {"url": first["url"], "answer": [[21.0]]}
    with urllib3.PoolManager(retries=False) as pool:
        body = {"data": {"ndarray": [[1, 2]]}}
        refused = pool.request("POST", first["url"], json=body, timeout=30)
    assert refused.status == 500
    told = refused.json()["status"]["info"]
    assert told == "scoring.score failed: ValueError: four lengths are wanted"


def test_what_cannot_serve_is_refused_where_the_pipeline_is_composed(store):
    seen = store.script(
        PRELUDE
        + PIPELINE
        + """
def inner():
    def hidden(model, request):
        return request
    return hidden

answer([
    refused(CustomDeployParameters, **given)
    for given in (
        {},
        {"predict_function": "scoring.score", "python_class": "scoring.NoMethods"},
        {"predict_function": "scoring.nothing"},
        {"predict_function": "nowhere.score"},
        {"predict_function": "scoring.only_one"},
        {"predict_function": inner()},
        {"predict_function": "scoring.score", "pre_process": "scoring.score"},
        {"python_class": "scoring.NoMethods"},
        {"python_class": "scoring.score"},
        {"python_class": "scoring.NoMethods", "post_process": "scoring.only_one"},
        {"predict_function": "scoring.score", "code_path": "not/there"},
    )
])
"""
    )
    wanted = [
        "neither predict_function nor python_class is given",
        "predict_function and python_class are both given",
        "predict_function: the module scoring has no nothing",
        "predict_function: the module nowhere is not there",
        "predict_function: scoring.only_one has the wrong parameters",
        "inside a function it has none",
        "pre_process: scoring.score has the wrong parameters",
        "it has no method predict",
        "it is no class",
        "post_process is of a predict_function",
        "there is no folder",
    ]
    assert [kind for kind, _ in seen] == ["ConfigError"] * len(wanted)
    for (_, said), words in zip(seen, wanted, strict=True):
        assert words in said


def test_parameters_that_the_code_does_not_take_are_told_before_anything_runs(store):
    seen = store.script(
        PRELUDE
        + PIPELINE
        + """
@pipeline(enable_cache=False)
def confused(code: dict, parameters: dict):
    seldon_custom_model_deployer_step(
        model=train(), custom_deploy_parameters=code, model_name="confused", parameters=parameters
    )

before = Client().list_pipeline_runs().total
said = [
    refused(confused, code={"predict_function": "scoring.score"}, parameters={"least": 0.5}),
    refused(confused, code={"python_class": "scoring.Scorer"}, parameters={"lest": 0.5}),
    refused(confused, code={"python_class": "scoring.Nothing"}, parameters={}),
]
answer({"said": said, "runs": Client().list_pipeline_runs().total - before})
"""
    )
    wanted = [
        "parameters are of a class's constructor",
        "parameters: Scorer does not take these: got an unexpected keyword argument 'lest'",
        "python_class: the module scoring has no Nothing",
    ]
    assert [kind for kind, _ in seen["said"]] == ["ConfigError"] * len(wanted)
    for (_, said), words in zip(seen["said"], wanted, strict=True):
        assert words in said
    assert seen["runs"] == 0


def test_parameters_that_come_with_the_run_are_judged_by_the_step(store):
    seen = store.script(
        PRELUDE
        + PIPELINE
        + """
@step(enable_cache=False)
def choose() -> dict:
    return {"least": 0.5}

@pipeline(enable_cache=False)
def chosen(code: str):
    seldon_custom_model_deployer_step(
        model=train(), custom_deploy_parameters={code: f"scoring.{code}"}, model_name="chosen",
        parameters=choose(),
    )

service = outcome(chosen(code="python_class")).output.load()
found = np.asarray(service.predict([[1, 2, 3, 4]])).tolist()
deployer.delete_model_server(service.uuid)
try:
    chosen(code="predict_function")
except Exception:
    pass
run = Client().list_pipeline_runs(sort_by="desc:created").items[0]
answer({"answer": found, "said": outcome(run).exception_info.traceback, "left": left("chosen")})
"""
    )
    assert seen["answer"] == [[0.5]]
    assert "parameters are of a class's constructor" in seen["said"]
    assert seen["left"] == {"rows": 0, "deployments": []}


# An image builder that keeps what it is given; ZenML takes any.
BUILDER = """
import pathlib
import tarfile
from zenml.image_builders import BaseImageBuilder, BaseImageBuilderConfig, BaseImageBuilderFlavor

KEPT = pathlib.Path({folder!r})

class KeepingBuilder(BaseImageBuilder):
    @property
    def is_building_locally(self):
        return True

    def build(
        self, image_name, build_context, docker_build_options=None, container_registry=None
    ):
        KEPT.mkdir(exist_ok=True)
        with (KEPT / "context.tar").open("wb") as file:
            build_context.write_archive(file)
        (KEPT / "name").write_text(image_name)
        return image_name

class KeepingFlavor(BaseImageBuilderFlavor):
    @property
    def name(self):
        return "keeping"

    @property
    def config_class(self):
        return BaseImageBuilderConfig

    @property
    def implementation_class(self):
        return KeepingBuilder
"""


def test_for_a_cluster_zenmls_image_builder_gets_the_whole_context(store):
    kept = store.folder / "kept"
    (store.folder / "work" / "keeping.py").write_text(
        textwrap.dedent(BUILDER.format(folder=str(kept)))
    )
    # To its clients the embedded runtime is a cluster, where they are not told otherwise.
    store.done("seldon-deployer", "local", "start")
    kubeconfig = store.done("seldon-deployer", "local", "kubeconfig").strip().splitlines()[-1]
    seen = store.script(
        PRELUDE
        + PIPELINE
        + f"""
import os
os.environ["KUBECONFIG"] = {kubeconfig!r}
os.environ["XDG_CACHE_HOME"] = {str(store.folder / "cache")!r}
from types import SimpleNamespace
from zenml.config import DockerSettings
from zenml.enums import StackComponentType
from seldon_deployer.steps.custom_deployer import _built_image

client = Client()
client.create_flavor(
    source="keeping.KeepingFlavor", component_type=StackComponentType.IMAGE_BUILDER
)
client.create_stack_component(
    name="keeping", flavor="keeping", component_type=StackComponentType.IMAGE_BUILDER,
    configuration={{}},
)
client.create_stack_component(
    name="remote", flavor="seldon_core", component_type=StackComponentType.MODEL_DEPLOYER,
    configuration={{"runtime": "cluster"}},
)
client.create_stack(
    name="remote",
    components={{
        StackComponentType.ORCHESTRATOR: "default",
        StackComponentType.ARTIFACT_STORE: "default",
        StackComponentType.MODEL_DEPLOYER: "remote",
        StackComponentType.IMAGE_BUILDER: "keeping",
    }},
)
client.activate_stack("remote")

def serve(**fields):
    seldon_custom_model_deployer_step(
        model=train(),
        custom_deploy_parameters=CustomDeployParameters(
            predict_function="scoring.score", requirements=("pandas",)
        ),
        model_name="remote", **fields,
    )

@pipeline(
    enable_cache=False,
    settings={{"docker": DockerSettings(requirements=["einops==0.8.0"], target_repository="mine")}},
)
def remote():
    serve()

@pipeline(enable_cache=False)
def with_an_image():
    serve(image="me/scores:1")

deployer = client.active_stack.model_deployer
def builds(composed):
    composed.prepare()
    return deployer.get_docker_builds(composed._compile()[0])

[build] = builds(remote)
try:
    remote()
except Exception:
    pass
run = client.list_pipeline_runs(sort_by="desc:created").items[0]
step = SimpleNamespace(name="seldon_custom_model_deployer_step")
answer({{
    "key": build.key, "step": build.step_name,
    "settings": build.settings.model_dump(mode="json"),
    "checksum": build.compute_settings_checksum(client.active_stack) is not None,
    "with_an_image": len(builds(with_an_image)),
    "image": _built_image(SimpleNamespace(pipeline_run=run, step_run=step)),
    "said": outcome(run).exception_info.traceback,
}})
client.activate_stack("local")
"""
    )
    assert (seen["key"], seen["step"]) == (
        "seldon_custom_server",
        "seldon_custom_model_deployer_step",
    )
    assert seen["settings"]["install_stack_requirements"] is False
    assert seen["settings"]["target_repository"] == "mine"
    assert seen["with_an_image"] == 0
    assert seen["image"] == (kept / "name").read_text()
    assert seen["image"].startswith("mine:")
    # The model is in a folder of this machine, which no cluster reads.
    assert "the cluster cannot read" in seen["said"]
    import tarfile

    with tarfile.open(kept / "context.tar") as archive:
        names = set(archive.getnames())
        texts = {
            name: archive.extractfile(name).read().decode()
            for name in ("Dockerfile", "requirements.txt", "constraints.txt", "code/scoring.py")
        }
    assert any(name.startswith("wheel/seldon_deployer-") for name in names)
    assert texts["requirements.txt"].splitlines() == ["einops==0.8.0", "numpy", "pandas"]
    assert "numpy==" in texts["constraints.txt"]
    assert "def score" in texts["code/scoring.py"]
    assert "USER 8888" in texts["Dockerfile"]
    assert "scoring.score" in texts["Dockerfile"]
