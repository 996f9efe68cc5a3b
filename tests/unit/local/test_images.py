from pathlib import Path

import pytest

from seldon_deployer.catalogue import OUR_IMAGE
from seldon_deployer.local.images import NotRunnable, Program, find_program
from seldon_deployer.local.initializer import DownloadFailed, fetch_model, local_path


@pytest.mark.parametrize(
    ("image", "program", "model_class"),
    [
        (
            "seldonio/sklearnserver:1.17.1",
            Program.SERVER,
            "seldon_deployer.server.sklearn.SKLearnServer",
        ),
        (
            "docker.io/seldonio/sklearnserver:1.16.0",
            Program.SERVER,
            "seldon_deployer.server.sklearn.SKLearnServer",
        ),
        (
            "seldonio/mlserver:1.3.5-sklearn",
            Program.SERVER,
            "seldon_deployer.server.sklearn.SKLearnServer",
        ),
        (OUR_IMAGE, Program.SERVER, None),
        ("docker.io/seldonio/seldon-core-executor:1.17.1", Program.GATEWAY, None),
        ("seldonio/rclone-storage-initializer:1.17.1", Program.INITIALIZER, None),
    ],
)
def test_known_images_have_a_program(image, program, model_class):
    found = find_program({"name": "c", "image": image})

    assert (found.program, found.model_class) == (program, model_class)


@pytest.mark.parametrize(
    "image",
    [
        "",
        "seldonio/mlserver:1.3.5-huggingface",
        "nvcr.io/nvidia/tritonserver:21.08-py3",
        "me/sklearnserver:1",
        "x:5000/y@sha256:0",
    ],
)
def test_any_other_image_is_refused_by_name(image):
    with pytest.raises(NotRunnable, match="Container c: the embedded runtime cannot run"):
        find_program({"name": "c", "image": image})


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("/models/iris", Path("/models/iris")),
        ("file:///models/my%20iris", Path("/models/my iris")),
        ("file://localhost/models", Path("/models")),
        ("file://elsewhere/models", None),
        ("s3://models/iris", None),
        ("pvc://claim/iris", None),
    ],
)
def test_only_paths_of_this_machine_are_local(uri, path):
    assert local_path(uri) == path


def test_a_folders_contents_are_copied(tmp_path):
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "model.joblib").write_text("x")

    said = fetch_model(str(source), tmp_path / "target")

    assert (tmp_path / "target" / "deep" / "model.joblib").read_text() == "x"
    assert said == f"copied 1 files, 1 bytes, from {source}"


def test_a_single_file_is_copied_into_the_folder(tmp_path):
    (tmp_path / "model.joblib").write_text("x")

    fetch_model((tmp_path / "model.joblib").as_uri(), tmp_path / "target")

    assert (tmp_path / "target" / "model.joblib").read_text() == "x"


def test_a_container_without_an_image_is_called_that():
    with pytest.raises(NotRunnable, match=r"Container a: .* cannot run a container without an im"):
        find_program({"name": "a"})


@pytest.mark.parametrize(
    ("uri", "code", "says"),
    [
        ("/nowhere", 3, "directory not found: /nowhere"),
        ("gs://bucket/x", 1, "Copy the model to a local folder"),
    ],
)
def test_what_cannot_be_fetched_ends_with_rclones_code(tmp_path, uri, code, says):
    with pytest.raises(DownloadFailed, match=says) as failed:
        fetch_model(uri, tmp_path / "target")

    assert failed.value.exit_code == code
