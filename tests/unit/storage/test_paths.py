from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seldon_deployer.errors import StorageError
from seldon_deployer.storage.paths import check_paths, without_folders
from seldon_deployer.storage.store import StoredFile

keys = st.text(st.sampled_from("aAbä./\\\0 é"), min_size=1, max_size=12)


def files(*paths: str, size_bytes: int = 1) -> list[StoredFile]:
    return [StoredFile(path, size_bytes, "1") for path in paths]


@pytest.mark.parametrize(
    ("paths", "says"),
    [
        (["../x"], "leads out of its folder"),
        (["a/../../x"], "leads out of its folder"),
        (["a/./x"], "leads out of its folder"),
        (["/etc/passwd"], "is an absolute path"),
        (["a//b"], "has an empty part"),
        (["a/"], "has an empty part"),
        (["a\0b"], "has a NUL"),
        (["a" * 256], "too long"),
        (["\udcff"], "is no text"),
        (["a", "a/b"], "is a file and a folder"),
    ],
)
def test_a_key_that_is_no_file_of_a_folder_is_refused(paths: list[str], says: str) -> None:
    with pytest.raises(StorageError, match=says):
        check_paths(files(*paths), "s3://b/p", tells_case=True)


@pytest.mark.parametrize(
    "paths", [["Model", "model"], ["a/x", "A/y"], ["caf\u00e9", "cafe\u0301"], ["ß", "SS"]]
)
def test_two_keys_are_one_file_only_where_the_disk_cannot_tell_them_apart(paths) -> None:
    check_paths(files(*paths), "s3://b/p", tells_case=True)

    with pytest.raises(StorageError, match="are one file on this disk"):
        check_paths(files(*paths), "s3://b/p", tells_case=False)


def test_not_every_one_of_many_bad_keys_is_told() -> None:
    with pytest.raises(StorageError) as raised:
        check_paths(files(*(f"../{number}" for number in range(100))), "s3://b", tells_case=True)

    assert len(str(raised.value)) < 500


@given(st.lists(keys, unique=True, max_size=5))
def test_keys_that_pass_can_all_be_written_below_a_folder(tmp_path_factory, paths) -> None:
    found = without_folders(files(*paths))
    try:
        check_paths(found, "s3://b/p", tells_case=True)
    except StorageError:
        return
    outer = tmp_path_factory.mktemp("outer")
    inner = outer / "inner"
    for number, file in enumerate(found):
        (inner / file.path).parent.mkdir(parents=True, exist_ok=True)
        (inner / file.path).write_text(str(number))

    assert [(inner / file.path).read_text() for file in found] == list(map(str, range(len(found))))
    assert {path.name for path in outer.iterdir()} <= {"inner"}


def test_empty_objects_that_stand_for_folders_are_left_out() -> None:
    kept = files("a/b", "c")
    markers = files("a", "a/", "", "d/", size_bytes=0)

    assert without_folders([*kept, *markers]) == kept


def test_an_empty_file_is_no_folder(tmp_path: Path) -> None:
    assert without_folders(files("__init__.py", size_bytes=0))
    # And one with bytes is kept, to be refused: something would be lost.
    assert without_folders(files("a", "a/b")) == files("a", "a/b")
