"""What Google Cloud Storage alone has."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor

import pytest
from storage.clouds.stores import GoogleStore

from seldon_deployer.errors import StorageDenied


@pytest.fixture
def store(google):
    return GoogleStore(google)


def test_a_bucket_of_more_files_than_a_page_has_is_listed_whole(store):
    bucket = store.client.bucket(store.bucket)
    with ThreadPoolExecutor(8) as pool:
        blobs = [bucket.blob(f"iris/{number:04}") for number in range(1003)]
        list(pool.map(lambda blob: blob.upload_from_string(b""), blobs))
    listed = [file.path for file in store.open().list("iris/")]
    assert listed == [f"iris/{number:04}" for number in range(1003)]


def test_a_file_that_is_stored_compressed_arrives_as_it_is_stored(store, tmp_path):
    # As rclone brings it: its length and its checksum are those of the compressed bytes.
    data = gzip.compress(b"model" * 1000)
    blob = store.client.bucket(store.bucket).blob("a")
    blob.content_encoding = "gzip"
    blob.upload_from_string(data)
    (file,) = store.open().list("")
    store.open().fetch(file, tmp_path / "a", lambda _: None)
    assert (tmp_path / "a").read_bytes() == data


def test_who_may_not_list_is_told_in_googles_word(store):
    with pytest.raises(StorageDenied, match=r"forbidden \(HTTP 403\)"):
        list(store.open("forbidden-models").list(""))
