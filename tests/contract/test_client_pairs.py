"""Every server with every protocol of its images from every store, up to a real API server.

The artifact lies in the real store, is looked at there and deployed: the API server takes the
manifest by Seldon's own CRD, and our admission by Seldon's webhook's rules. Then the pod that
Seldon's operator would make of what the API server holds is followed: what its initializer is told,
with the environment that its Secret gives, brings the artifact byte by byte, in the layout that the
server of its container reads. What predicts from those bytes is shown in `pairs/`.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from apiserver.harness import End
from client import Client
from frameworks import models
from pairs.fixtures import (
    azure_server,
    claim,
    google_server,
    internet,
    minio,
    place_of,
    rclone,
    way_out,
)
from pairs.matrix import Pair, applied_pairs, can_be_told_of_a_volume, fitting_sample
from pairs.places import CLAIM, MOUNT_PATH, STORES, VOLUMES, Files, Folder, Place
from pairs.samples import Sample
from scripted_operator import ScriptedOperator

from seldon_deployer.artifacts.detect import detect
from seldon_deployer.catalogue import OUR_IMAGE, known_servers
from seldon_deployer.cluster import SECRETS, SELDON_DEPLOYMENTS, Object, Resource, connect
from seldon_deployer.config import DeploymentConfig
from seldon_deployer.deployer import Deployer
from seldon_deployer.deployer.end import End as DeployerEnd
from seldon_deployer.errors import ArtifactError, ConfigError, StorageMissing
from seldon_deployer.local.initializer import BAKED_IN, fetch_model
from seldon_deployer.local.operator import make_plan
from seldon_deployer.local.pod_folder import decode_secret, rewrite_paths
from seldon_deployer.local.unit_container import CLAIM_MOUNT, MODELS_MOUNT
from seldon_deployer.manifest.graph import predictors
from seldon_deployer.manifest.verdict import judge

__all__ = [
    "azure_server",
    "claim",
    "google_server",
    "internet",
    "minio",
    "place_of",
    "rclone",
    "way_out",
]

# One namespace, and one server of each store.
pytestmark = pytest.mark.cluster

NAMESPACE = "pairs"
OURS = "registry.example.com/team/server:1"
CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
CLAIMED: Object = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": CLAIM},
    "spec": {"accessModes": ["ReadOnlyMany"], "resources": {"requests": {"storage": "1Gi"}}},
}

PlaceOf = Callable[[str], Place]


def is_refused(pair: Pair[Sample]) -> bool:
    """Whether no cluster could serve it, which is told before anything is sent."""
    is_untold = pair.store == "mount" and not can_be_told_of_a_volume(pair.sample.server)
    return pair.store == "path" or is_untold


SENT = [pair for pair in applied_pairs() if not is_refused(pair)]
REFUSED = [pair for pair in applied_pairs() if is_refused(pair)]


@pytest.fixture(scope="module")
def deployer(real_end: End, way_out: None) -> Iterator[Deployer]:
    client = Client(real_end)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    assert client.post("/api/v1/namespaces", namespace).status == 201
    client.close()
    cluster = connect(kubeconfig=real_end.kubeconfig, namespace=NAMESPACE)
    cluster.create(CLAIMS, CLAIMED)
    with ScriptedOperator(connect(kubeconfig=real_end.kubeconfig, namespace=NAMESPACE)):
        yield Deployer(
            DeployerEnd(cluster, is_local=False, base_url=None),
            preflight="strict",
            server_image=OURS,
        )
    cluster.close()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sample], Path]:
    """The folder of a sample, which is saved once."""
    folders: dict[Sample, Path] = {}

    def find(sample: Sample) -> Path:
        if sample not in folders:
            folders[sample] = sample.save(tmp_path_factory.mktemp("sample") / "artifact")
        return folders[sample]

    return find


@pytest.mark.parametrize("pair", SENT, ids=str)
def test_a_pair_becomes_a_resource_whose_pods_get_the_artifact(
    deployer: Deployer,
    place_of: PlaceOf,
    saved: Callable[[Sample], Path],
    claim: Path,
    tmp_path: Path,
    pair: Pair[Sample],
) -> None:
    place, artifact = place_of(pair.store), Folder(saved(pair.sample))
    place.put(pair.model_name, artifact.root)

    service = deployer.deploy(
        config_of(pair, place), credentials=place.credentials, timeout_seconds=60
    )
    try:
        live = deployer.cluster.get(SELDON_DEPLOYMENTS, service.name)
        assert live is not None
        assert judge(live).problems == []
        pod = pod_of(live)
        assert image_of(pair) in [each["image"] for each in pod["containers"]]
        if pair.store == "mount":
            arrived = mounted(live, pod, place.fields(pair.model_name)["model_uri"], claim)
        else:
            arrived = fetched(deployer, pod, claim, tmp_path / "models")
    finally:
        deployer.delete(service.name)

    assert arrived == artifact.files("")
    assert reads(pair, arrived)
    assert deployer.cluster.list(SECRETS)[0] == []


@pytest.mark.parametrize("store", [each for each in STORES if each not in ("path", *VOLUMES)])
def test_what_the_initializer_here_brings_rclone_brings_too(
    deployer: Deployer, place_of: PlaceOf, rclone: str, tmp_path: Path, store: str
) -> None:
    """It is what Seldon's own initializer runs, with that environment."""
    place, sample = place_of(store), fitting_sample("TENSORFLOW_SERVER")
    artifact = Folder(sample.save(tmp_path / "artifact"))
    place.put("by-rclone", artifact.root)
    wanted = DeploymentConfig(
        model_name="by-rclone", implementation=sample.server, **place.fields("by-rclone")
    )
    service = deployer.deploy(wanted, credentials=place.credentials, timeout_seconds=60)
    try:
        address, environment = initializer_of(deployer, pod_of(service.manifest))
    finally:
        deployer.delete(service.name)

    copied = subprocess.run(
        [rclone, "copy", address, tmp_path / "models", "--retries", "1"],
        # The way out of this machine, where `way_out` leads.
        env={**os.environ, "HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert copied.returncode == 0, copied.stderr
    assert Folder(tmp_path / "models").files("") == artifact.files("")


@pytest.mark.parametrize("pair", REFUSED, ids=str)
def test_a_pair_that_no_cluster_could_serve_is_told_before_anything_is_sent(
    deployer: Deployer, place_of: PlaceOf, saved: Callable[[Sample], Path], pair: Pair[Sample]
) -> None:
    place = place_of(pair.store)
    place.put(pair.model_name, saved(pair.sample))
    told = "the cluster cannot read" if pair.store == "path" else "cannot be told of a model at"

    with pytest.raises((ArtifactError, ConfigError), match=told):
        deployer.deploy(config_of(pair, place), timeout_seconds=60)

    assert deployer.find() == []


EXPLAINED = [store for store in STORES if store not in ("path", "mount")]


@pytest.mark.parametrize("protocol", ["seldon", "v2"])
@pytest.mark.parametrize("store", EXPLAINED)
def test_an_explainer_is_read_from_where_the_model_is(
    deployer: Deployer, place_of: PlaceOf, tmp_path: Path, store: str, protocol: str
) -> None:
    """The API server takes both in a dry run: what plays the operator has no explainers."""
    place, name = place_of(store), f"explained-{protocol}"
    place.put(f"{name}/model", models.train_sklearn().save("joblib", tmp_path / "artifact"))
    (tmp_path / "explainer").mkdir()
    (tmp_path / "explainer" / "explainer.dill").write_bytes(b"\x80\x04N.")
    place.put(f"{name}/explainer", tmp_path / "explainer")
    wanted = DeploymentConfig(
        model_name=name,
        implementation="SKLEARN_SERVER",
        protocol=protocol,
        explainer={"type": "AnchorTabular", **place.fields(f"{name}/explainer")},
        **place.fields(f"{name}/model"),
    )

    after = deployer.diff(wanted, credentials=place.credentials).after

    [predictor] = predictors(after)
    explainer = predictor["explainer"]
    assert judge(after).problems == []
    assert explainer["modelUri"] == place.fields(f"{name}/explainer")["model_uri"]
    secret = place.credentials.name if place.credentials else None
    assert explainer.get("envSecretRefName") == secret == predictor["graph"].get("envSecretRefName")


@pytest.mark.parametrize("store", [store for store in EXPLAINED if store != "pvc"])
def test_an_explainer_that_is_not_there_is_told_before_anything_is_sent(
    deployer: Deployer, place_of: PlaceOf, tmp_path: Path, store: str
) -> None:
    place = place_of(store)
    place.put("alone", models.train_sklearn().save("joblib", tmp_path / "artifact"))
    wanted = DeploymentConfig(
        model_name="alone",
        implementation="SKLEARN_SERVER",
        explainer={"type": "AnchorTabular", **place.fields("explainer-elsewhere")},
        **place.fields("alone"),
    )

    with pytest.raises(StorageMissing, match="explainer-elsewhere"):
        deployer.deploy(wanted, credentials=place.credentials, timeout_seconds=60)

    assert deployer.find() == []


def config_of(pair: Pair[Sample], place: Place) -> DeploymentConfig:
    """The configuration of a pair; TensorFlow's own protocol is nobody else's: by an overlay."""
    is_spoken = pair.protocol != "tensorflow"
    return DeploymentConfig(
        model_name=pair.model_name,
        implementation=pair.sample.server,
        protocol=pair.protocol if is_spoken else "seldon",
        overlay={} if is_spoken else {"spec": {"protocol": pair.protocol}},
        **place.fields(pair.model_name),
    )


def pod_of(live: Object) -> Object:
    """The pod that Seldon's operator makes of a resource."""
    [deployment] = make_plan(live).deployments
    pod: Object = deployment["spec"]["template"]["spec"]
    return pod


def image_of(pair: Pair[Sample]) -> str:
    image = known_servers()[pair.sample.server].images[pair.protocol]
    return OURS if image == OUR_IMAGE else image


def initializer_of(deployer: Deployer, pod: Object) -> tuple[str, dict[str, str]]:
    """What the pod's initializer is to fetch, and what its image and its Secret give it."""
    [initializer] = pod["initContainers"]
    address, where = initializer["args"]
    assert where == MODELS_MOUNT
    environment = dict(BAKED_IN)
    for source in initializer.get("envFrom", []):
        secret = deployer.cluster.get(SECRETS, source["secretRef"]["name"])
        assert secret is not None
        environment |= decode_secret(secret["data"])
    return address, environment


def fetched(deployer: Deployer, pod: Object, claim: Path, target: Path) -> Files:
    """What the pod's initializer brings."""
    address, environment = initializer_of(deployer, pod)
    fetch_model(rewrite_paths(address, {CLAIM_MOUNT: claim}), target, environment)
    return Folder(target).files("")


def mounted(live: Object, pod: Object, path: str, claim: Path) -> Files:
    """What lies at the path that the server is told, below where its container has the claim."""
    assert pod.get("initContainers", []) == []
    told: list[Any] = [predictors(live), pod["containers"]]
    assert path in json.dumps(told)
    [container] = [
        each
        for each in pod["containers"]
        if MOUNT_PATH in [mount["mountPath"] for mount in each.get("volumeMounts", [])]
    ]
    [mount] = [each for each in container["volumeMounts"] if each["mountPath"] == MOUNT_PATH]
    [volume] = [each for each in pod["volumes"] if each["name"] == mount["name"]]
    assert volume["persistentVolumeClaim"]["claimName"] == CLAIM
    return Folder(Path(rewrite_paths(path, {MOUNT_PATH: claim}))).files("")


def reads(pair: Pair[Sample], files: Files) -> bool:
    """Whether the server reads these files as they lie."""
    return detect(
        files,
        protocol=pair.protocol,
        implementation=pair.sample.server,
        read=lambda file, limit_bytes: files[file][:limit_bytes],
    ).fits
