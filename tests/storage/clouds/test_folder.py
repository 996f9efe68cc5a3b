"""Whole artifacts in both clouds, as the rest of the package reaches them."""

from __future__ import annotations

import pytest
from storage.clouds.stores import random_bytes

from seldon_deployer.errors import StorageError, StorageMissing
from seldon_deployer.storage import open_folder


def folder_of(store, path):
    """The artifact at a path of the store's bucket."""
    return open_folder(f"{store.remote}://{store.bucket}/{path}", store.environment)


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_model_goes_there_and_comes_back_the_same(store, model, tmp_path):
    remote = folder_of(store, "models/iris")
    remote.upload(model)
    assert remote.is_whole()
    listed = {file.path: file.size_bytes for file in remote.list()}
    assert listed == {path: len(data) for path, data in files_of(model).items()}
    remote.download(tmp_path / "back")
    assert files_of(tmp_path / "back") == files_of(model)


def test_what_is_there_already_is_neither_sent_nor_fetched_again(store, model, tmp_path):
    remote = folder_of(store, "iris")
    remote.upload(model)
    versions = {file.path: file.version for file in remote.list()}
    remote.upload(model)
    assert {file.path: file.version for file in remote.list()} == versions
    remote.download(tmp_path / "back")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "back").rglob("*")}
    remote.download(tmp_path / "back")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "back").rglob("*")} == before


def test_a_file_that_was_spoilt_here_comes_again(store, model, tmp_path):
    remote = folder_of(store, "iris")
    remote.upload(model)
    remote.download(tmp_path / "back")
    spoilt = tmp_path / "back" / "model.joblib"
    spoilt.write_bytes(bytes(len(spoilt.read_bytes())))
    remote.download(tmp_path / "back")
    assert files_of(tmp_path / "back") == files_of(model)


def test_a_check_reads_what_the_server_wants(store, model):
    remote = folder_of(store, "iris")
    remote.upload(model)
    assert len(remote.check(["model.joblib"])) == 3
    with pytest.raises(StorageMissing, match=r"model\.bst"):
        remote.check(["model.bst"])


def test_a_wrong_prefix_of_a_right_bucket_is_found_with_what_is_meant(store, model):
    folder_of(store, "models/iris").upload(model)
    with pytest.raises(StorageMissing, match="did you mean iris"):
        folder_of(store, "models/iriss").check()


def test_an_address_of_a_file_is_a_folder_with_that_file(store, tmp_path):
    store.put("iris/model.joblib", b"1")
    remote = folder_of(store, "iris/model.joblib")
    assert [file.path for file in remote.check()] == ["model.joblib"]
    remote.download(tmp_path / "back")
    assert files_of(tmp_path / "back") == {"model.joblib": b"1"}


def test_a_download_that_ends_in_the_middle_leaves_no_half_file(store, internet, tmp_path):
    data = random_bytes((60 << 20) + 5)
    store.put("iris/large.bin", data)
    store.put("iris/small.txt", b"1")
    remote, routes = folder_of(store, "iris"), dict(internet.routes)
    files = remote.list()

    def unplug(done, _):
        if done > 1 << 20:
            internet.routes.clear()
            internet.cuts.extend([1] * 20)

    try:
        with pytest.raises(StorageError):
            remote.download(tmp_path / "back", progress=unplug)
    finally:
        internet.routes.update(routes)
        internet.cuts.clear()
    assert set(files_of(tmp_path / "back")) <= {"small.txt"}
    remote.download(tmp_path / "back")
    assert files_of(tmp_path / "back") == {"large.bin": data, "small.txt": b"1"}
    assert len(files) == 2


def test_a_copy_beside_the_artifact_is_of_the_same_credentials(store, model):
    remote = folder_of(store, "models/iris")
    remote.upload(model)
    beside = remote.beside(".converted")
    beside.upload(model)
    assert set(store.keys()) >= {"models/iris/model.joblib", "models/iris.converted/model.joblib"}


def test_a_remote_of_ones_own_is_reached_by_its_name(store, model, tmp_path):
    own = {
        name.replace(f"_{store.remote.upper()}_", "_MINE_"): value
        for name, value in store.environment.items()
    }
    folder_of(store, "iris").upload(model)
    open_folder(f"mine://{store.bucket}/iris", own).download(tmp_path / "back")
    assert files_of(tmp_path / "back") == files_of(model)
