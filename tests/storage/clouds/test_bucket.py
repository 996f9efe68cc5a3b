"""What both clouds do alike: files come and go whole, or an error says why."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock

import pytest
from storage.clouds.internet import Internet
from storage.clouds.programs import free_port
from storage.clouds.servers import CANARY
from storage.clouds.stores import AzureStore, Store, random_bytes

from seldon_deployer.errors import (
    StorageDenied,
    StorageError,
    StorageMissing,
    StorageUnreachable,
)
from seldon_deployer.storage.store import StoredFile

# More parts than are fetched at once.
LARGE = 60 * (1 << 20) + 77


def ignore(_: int) -> None:
    """Count nothing."""


def only(store: Store, prefix: str = "") -> StoredFile:
    (file,) = store.open().list(prefix)
    return file


def told(error: BaseException) -> str:
    """All that a user may see of an error, with everything that is chained to it."""
    return "".join(traceback.format_exception(error)) + repr(error)


def test_files_are_listed_by_whole_keys_in_the_order_of_their_bytes(store):
    keys = ["iris/a b.txt", "iris/a/b.txt", "iris/ä.txt", "iris/z", "other/1"]
    for number, key in enumerate(keys):
        store.put(key, b"x" * number)
    listed = list(store.open().list("iris/"))
    in_order = sorted(keys[:4], key=str.encode)
    assert [file.path for file in listed] == in_order
    assert [file.size_bytes for file in listed] == [keys.index(key) for key in in_order]


def test_a_prefix_that_nothing_has_gives_nothing(store):
    store.put("iris/model.joblib", b"1")
    assert list(store.open().list("irises/")) == []


def test_a_version_changes_with_the_bytes(store):
    store.put("a", b"1")
    before = only(store).version
    assert only(store).version == before
    store.put("a", b"2")
    assert only(store).version != before


def test_a_missing_bucket_is_told_whatever_is_wanted_of_it(store, tmp_path):
    bucket = store.open("no-such-bucket")
    (tmp_path / "file").write_bytes(b"1")
    wanted: list[Callable[[], object]] = [
        lambda: list(bucket.list("")),
        lambda: bucket.read("a", 1),
        lambda: bucket.send(tmp_path / "file", "a", ignore),
    ]
    for ask in wanted:
        with pytest.raises(StorageMissing) as caught:
            ask()
        assert f"{store.remote}://no-such-bucket" in str(caught.value)


@pytest.mark.parametrize(
    ("limit", "expected"), [(0, b""), (3, b"abc"), (6, b"abcdef"), (99, b"abcdef")]
)
def test_the_first_bytes_are_read(store, limit, expected):
    store.put("a", b"abcdef")
    assert store.open().read("a", limit) == expected


def test_an_empty_file_is_read_fetched_and_sent(store, tmp_path):
    store.put("a", b"")
    bucket = store.open()
    assert bucket.read("a", 10) == b""
    bucket.fetch(only(store), tmp_path / "a", ignore)
    assert (tmp_path / "a").read_bytes() == b""
    bucket.send(tmp_path / "a", "b", ignore)
    assert store.keys() == {"a": b"", "b": b""}


def test_a_missing_file_is_told(store, tmp_path):
    store.put("a", b"1")
    file = only(store)
    store.remove("a")
    for ask in (lambda b: b.read("a", 1), lambda b: b.fetch(file, tmp_path / "a", ignore)):
        with pytest.raises(StorageMissing, match=f"{store.remote}://{store.bucket}/a"):
            ask(store.open())


@pytest.mark.parametrize("size_bytes", [1, 4 << 20, (16 << 20) + 1, LARGE])
def test_a_file_is_fetched_with_every_byte_counted(store, tmp_path, size_bytes):
    data = random_bytes(size_bytes)
    store.put("iris/a", data)
    counted: list[int] = []
    store.open().fetch(only(store), tmp_path / "a", counted.append)
    assert (tmp_path / "a").read_bytes() == data
    assert sum(counted) == size_bytes


@pytest.mark.parametrize("size_bytes", [1, 8 << 20, (8 << 20) + 1, LARGE])
def test_a_file_is_sent_with_every_byte_counted_and_then_matches(store, tmp_path, size_bytes):
    source = tmp_path / "source"
    source.write_bytes(random_bytes(size_bytes))
    counted: list[int] = []
    bucket = store.open()
    bucket.send(source, "iris/a", counted.append)
    assert store.keys() == {"iris/a": source.read_bytes()}
    assert sum(counted) == size_bytes
    assert bucket.matches(only(store), source)


def test_sending_again_replaces(store, tmp_path):
    for text in (b"one", b"other"):
        (tmp_path / "a").write_bytes(text)
        store.open().send(tmp_path / "a", "a", ignore)
    assert store.keys() == {"a": b"other"}


def test_only_the_same_bytes_match(store, tmp_path):
    bucket, source = store.open(), tmp_path / "a"
    source.write_bytes(b"abc")
    bucket.send(source, "a", ignore)
    file = only(store)
    assert bucket.matches(file, source)
    for other in (b"abd", b"abcd", b""):
        source.write_bytes(other)
        assert not bucket.matches(file, source)
    source.unlink()
    assert not bucket.matches(file, source)
    assert not bucket.matches(file, tmp_path)


@pytest.mark.parametrize("size_bytes", [10, LARGE])
def test_a_file_that_was_replaced_since_it_was_listed_is_an_error(store, tmp_path, size_bytes):
    store.put("a", random_bytes(size_bytes))
    file = only(store)
    store.put("a", random_bytes(size_bytes))
    with pytest.raises(StorageError, match="was changed while it was read"):
        store.open().fetch(file, tmp_path / "a", ignore)


def test_a_file_that_is_replaced_while_it_arrives_is_an_error_and_no_mix(store, tmp_path):
    store.put("a", random_bytes(LARGE))
    other, replaced, lock = random_bytes(LARGE), [], Lock()

    def replace_once(_: int) -> None:
        # No part goes on before it is replaced.
        with lock:
            if not replaced:
                replaced.append(True)
                store.put("a", other)

    with pytest.raises(StorageError, match="was changed while it was read"):
        store.open().fetch(only(store), tmp_path / "a", replace_once)


def test_bytes_that_are_not_those_that_were_sent_are_an_error(store, tmp_path):
    store.put("a", b"abc")
    file = only(store)
    etag = file.version.partition("/")[0]
    wrong = replace(file, version=f"{etag}/AAAAAA==")
    with pytest.raises(StorageError, match="did not arrive as it is stored"):
        store.open().fetch(wrong, tmp_path / "a", ignore)


@pytest.mark.parametrize("cuts", [[1 << 20], [5 << 20, 100_000, 3 << 20]])
def test_a_fetch_goes_on_where_links_break(store, tmp_path, internet: Internet, cuts):
    data = random_bytes(LARGE)
    store.put("a", data)
    file, counted = only(store), []
    internet.cuts.extend(cuts)
    store.open().fetch(file, tmp_path / "a", counted.append)
    assert internet.cuts == []
    assert (tmp_path / "a").read_bytes() == data
    assert sum(counted) == len(data)


@pytest.mark.parametrize("cuts", [[1 << 20], [5 << 20, 100_000, 11 << 20]])
def test_a_file_is_sent_on_where_links_break(store, tmp_path, internet: Internet, cuts):
    (tmp_path / "a").write_bytes(random_bytes(LARGE))
    bucket, counted = store.open(), []
    list(bucket.list(""))
    internet.upload_cuts.extend(cuts)
    bucket.send(tmp_path / "a", "a", counted.append)
    assert internet.upload_cuts == []
    assert store.keys() == {"a": (tmp_path / "a").read_bytes()}
    assert sum(counted) == LARGE


def test_a_file_that_is_changed_while_it_is_sent_is_an_error(store, tmp_path):
    source = tmp_path / "a"
    for size_bytes in (LARGE - 1, LARGE):
        source.write_bytes(random_bytes(LARGE))

        def change(_: int, size_bytes=size_bytes) -> None:
            with source.open("r+b") as file:
                file.truncate(size_bytes)
                file.seek(LARGE - (1 << 20))
                file.write(b"other")

        with pytest.raises(StorageError, match=r"changed|shorter|HTTP 400"):
            store.open().send(source, "a", change)


def test_a_store_that_is_gone_in_the_middle_is_told_and_soon(store, tmp_path, internet: Internet):
    store.put("a", random_bytes(LARGE))
    file, bucket = only(store), store.open()
    routes = dict(internet.routes)
    begun = time.monotonic()

    def unplug(_: int) -> None:
        internet.routes.clear()
        internet.cuts.extend([1] * 20)

    try:
        with pytest.raises(StorageUnreachable) as caught:
            bucket.fetch(file, tmp_path / "a", unplug)
    finally:
        internet.routes.update(routes)
        internet.cuts.clear()
    assert time.monotonic() - begun < 60
    assert CANARY not in told(caught.value)


def test_a_store_that_never_answers_is_told_within_seconds(store, internet: Internet, caplog):
    caplog.set_level(logging.DEBUG)
    bucket, routes = store.open(), dict(internet.routes)
    # Nobody listens there.
    internet.routes.update(dict.fromkeys(routes, free_port()))
    begun = time.monotonic()
    try:
        with pytest.raises(StorageUnreachable) as caught:
            list(bucket.list(""))
    finally:
        internet.routes.update(routes)
    assert time.monotonic() - begun < 20
    assert f"{store.remote}://{store.bucket}/" in str(caught.value)
    assert CANARY not in told(caught.value)
    assert CANARY not in caplog.text


def test_a_target_that_cannot_be_written_is_no_failure_of_the_store(store, tmp_path: Path):
    store.put("a", b"1")
    with pytest.raises(OSError, match="No such file"):
        store.open().fetch(only(store), tmp_path / "no" / "a", ignore)
    with pytest.raises(OSError, match="No such file"):
        store.open().send(tmp_path / "no", "a", ignore)


def test_refused_credentials_are_told_without_them(store, caplog):
    caplog.set_level(logging.DEBUG)
    store.put("a", b"1")
    key = "rclone_config_azureblob_key".upper()
    environment = dict(store.environment)
    if isinstance(store, AzureStore):
        environment[key] = type(environment[key])(f"d3Jvbmc{CANARY}A"[:16])
    else:
        account = "RCLONE_CONFIG_GS_SERVICE_ACCOUNT_CREDENTIALS"
        text = environment[account].get_secret_value()
        environment[account] = type(environment[account])(text.replace("deployer@", "nobody@"))
    store.environment = environment
    bucket = store.open()
    for ask in (lambda: list(bucket.list("")), lambda: bucket.read("a", 1)):
        with pytest.raises(StorageDenied) as caught:
            ask()
        assert CANARY not in told(caught.value)
    assert CANARY not in caplog.text
