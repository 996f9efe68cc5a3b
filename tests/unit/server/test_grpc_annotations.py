"""Annotations of the pod that the server reads."""

import pytest

from seldon_deployer.server.annotations import grpc_max_bytes, read_annotations


def test_annotations_are_read_from_the_file_of_the_pod(tmp_path):
    path = tmp_path / "annotations"
    path.write_text('a="1"\nodd\nb="x=\\"y\\"\\nz"\nseldon.io/grpc-max-message-size="1048576"\n')
    annotations = read_annotations(path)
    assert annotations["a"] == "1"
    assert annotations["b"] == 'x="y"\nz'
    assert grpc_max_bytes(annotations) == 1 << 20


def test_without_the_file_there_are_none(tmp_path):
    assert read_annotations(tmp_path / "annotations") == {}


@pytest.mark.parametrize("size", ["", "-1", "0", "4MB", "1.5"])
def test_a_size_that_is_none_is_none(size):
    assert grpc_max_bytes({"seldon.io/grpc-max-message-size": size}) is None
