"""What Azure alone has."""

from __future__ import annotations

import hashlib

import pytest
from azure.storage.blob import ContentSettings
from storage.clouds.stores import AzureStore, random_bytes

from seldon_deployer.errors import StorageError
from seldon_deployer.storage.parts import split


@pytest.fixture
def store(azure):
    return AzureStore(azure)


def test_the_folders_of_an_account_that_has_real_ones_are_no_files(store):
    store.put("iris/model.joblib", b"1")
    store.put("iris", b"", metadata={"hdi_isfolder": "true"})
    store.put("iris/empty", b"", metadata={"hdi_isfolder": "true"})
    assert [file.path for file in store.open().list("")] == ["iris/model.joblib"]


def test_a_wrong_checksum_of_whoever_sent_a_file_is_told(store, tmp_path):
    md5 = bytearray(hashlib.md5(b"other").digest())
    # The store compares it with a file that comes whole, and believes it of one in blocks.
    blob = store.client.get_blob_client(store.bucket, "a")
    blob.stage_block("1", b"abc")
    blob.commit_block_list(["1"], content_settings=ContentSettings(content_md5=md5))
    (file,) = store.open().list("")
    with pytest.raises(StorageError, match="its MD5 is another"):
        store.open().fetch(file, tmp_path / "a", lambda _: None)


def test_a_file_without_a_checksum_arrives_and_matches_nothing(store, tmp_path):
    # Whoever sends blocks may tell no checksum of the whole.
    data = random_bytes(5 << 20)
    blob = store.client.get_blob_client(store.bucket, "a")
    blocks = []
    for part in split(len(data), 1 << 20):
        blocks.append(f"{part.number:06}")
        blob.stage_block(blocks[-1], data[part.start : part.start + part.size_bytes])
    blob.commit_block_list(blocks)
    (file,) = store.open().list("")
    assert "/" not in file.version
    store.open().fetch(file, tmp_path / "a", lambda _: None)
    assert (tmp_path / "a").read_bytes() == data
    assert not store.open().matches(file, tmp_path / "a")
