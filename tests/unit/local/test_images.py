import pytest

from seldon_deployer.catalogue import OUR_IMAGE
from seldon_deployer.local.images import NotRunnable, Program, find_program


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
        (
            "nvcr.io/nvidia/tritonserver:23.10-py3",
            Program.SERVER,
            "seldon_deployer.server.triton.TritonServer",
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
        "seldonio/mlserver:1.3.5-slim",
        "tensorflow/serving:2.1.0",
        "me/sklearnserver:1",
        "x:5000/y@sha256:0",
    ],
)
def test_any_other_image_is_refused_by_name(image):
    with pytest.raises(NotRunnable, match="Container c: the embedded runtime cannot run"):
        find_program({"name": "c", "image": image})


def test_a_container_without_an_image_is_called_that():
    with pytest.raises(NotRunnable, match=r"Container a: .* cannot run a container without an im"):
        find_program({"name": "a"})
