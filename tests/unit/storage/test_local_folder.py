"""Folders of this machine: the rules that hold for every store, without any server."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from seldon_deployer.errors import (
    ConfigError,
    StorageDenied,
    StorageError,
    StorageMissing,
    StorageUnreachable,
)
from seldon_deployer.storage import open_folder, show_progress
from seldon_deployer.storage.staging import open_staging

FILES = {"model.joblib": b"a model", "deep/er/weights.bin": os.urandom(20_000_000), "empty": b""}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def read(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "models" / "my iris", FILES)


def test_a_folder_is_listed_checked_read_and_copied(source: Path, tmp_path: Path) -> None:
    for uri in (str(source), source.as_uri(), f"{source}/"):
        folder = open_folder(uri)
        assert [file.path for file in folder.list()] == sorted(FILES)
        assert folder.check(["model.joblib"])
        assert folder.read("model.joblib", 3) == b"a m"
        assert folder.read("empty", 3) == b""
        folder.download(tmp_path / "to")
        assert read(tmp_path / "to") == FILES


def test_a_file_is_a_folder_with_itself_in_it(source: Path, tmp_path: Path) -> None:
    file = open_folder(str(source / "model.joblib"))

    assert [each.path for each in file.check(["model.joblib"])] == ["model.joblib"]
    assert file.read("model.joblib", 100) == b"a model"
    file.download(tmp_path / "to")
    assert read(tmp_path / "to") == {"model.joblib": b"a model"}


def test_a_version_changes_with_the_bytes(source: Path) -> None:
    folder = open_folder(str(source))
    before = {file.path: file.version for file in folder.list()}
    (source / "model.joblib").write_bytes(b"A MODEL")

    after = {file.path: file.version for file in folder.list()}

    assert {path for path in after if after[path] != before[path]} == {"model.joblib"}


def test_what_is_beside_is_named_like_the_folder(source: Path, tmp_path: Path) -> None:
    beside = open_folder(str(source)).beside("-converted")

    assert beside.location.path == f"{source}-converted"
    beside.upload(write(tmp_path / "made", {"model.bst": b"x"}))
    assert read(tmp_path / "models" / "my iris") == FILES
    assert read(tmp_path / "models" / "my iris-converted") == {"model.bst": b"x"}
    assert {path.name for path in (tmp_path / "models").iterdir()} == {
        "my iris",
        "my iris-converted",
        # Beside the folder: what is inside would be served.
        "my iris-converted.complete.json",
    }
    assert beside.is_whole()


def test_there_is_no_place_beside_a_whole_bucket() -> None:
    pytest.importorskip("boto3")
    environment_free = open_folder("s3://models")
    with pytest.raises(ConfigError, match="whole bucket"):
        environment_free.beside("-converted")


def test_an_upload_is_whole_when_it_ended_and_while_nothing_changed(source, tmp_path) -> None:
    folder = open_folder(str(tmp_path / "to"))
    assert not folder.is_whole()

    folder.upload(source)
    assert folder.is_whole()
    assert read(tmp_path / "to") == FILES

    (tmp_path / "to" / "empty").unlink()
    assert not folder.is_whole()
    kept = (tmp_path / "to" / "model.joblib").stat()
    folder.upload(source)
    assert folder.is_whole()
    assert (tmp_path / "to" / "model.joblib").stat().st_ino == kept.st_ino
    (tmp_path / "to.complete.json").write_text("no list")
    assert not folder.is_whole()


def test_links_are_followed_on_the_way_up_too(source: Path, tmp_path: Path) -> None:
    made = write(tmp_path / "made", {"a": b"x"})
    (made / "linked").symlink_to(source, target_is_directory=True)
    (made / "circle").symlink_to(made, target_is_directory=True)

    open_folder(str(tmp_path / "to")).upload(made)

    linked = {f"linked/{path}": data for path, data in FILES.items()}
    assert read(tmp_path / "to") == linked | {"a": b"x"}


def test_nothing_is_uploaded_of_nothing_or_onto_something_else(source, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(StorageError, match="holds no file"):
        open_folder(str(tmp_path / "to")).upload(tmp_path / "nothing")
    with pytest.raises(StorageError, match="is no folder"):
        open_folder(str(tmp_path / "to")).upload(tmp_path / "nowhere")
    with pytest.raises(StorageError, match="other files already: deep"):
        open_folder(str(source)).upload(write(tmp_path / "other", {"x": b""}))
    assert read(source) == FILES


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("models/my irs", "did you mean my iris?"),
        ("model/my iris", "did you mean models?"),
        ("models/my iris/sub", "there are"),
    ],
)
def test_a_wrong_path_is_told_with_what_is_there(source, tmp_path: Path, path, says) -> None:
    with pytest.raises(StorageMissing) as raised:
        open_folder(str(tmp_path / path)).check()

    assert says in str(raised.value)


def test_a_copy_that_we_made_is_none_that_was_meant(source: Path, tmp_path: Path) -> None:
    write(tmp_path / "models" / "tulips.seldon-deployer", {"x": b""})

    with pytest.raises(StorageMissing) as raised:
        open_folder(str(tmp_path / "models/tulip")).check()

    assert "seldon-deployer" not in str(raised.value)


def test_an_empty_folder_is_missing_its_files(tmp_path: Path) -> None:
    (tmp_path / "empty" / "deep").mkdir(parents=True)
    with pytest.raises(StorageMissing, match="there is nothing at"):
        open_folder(str(tmp_path / "empty")).check()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_denied(source: Path) -> None:
    (source / "model.joblib").chmod(0)
    with pytest.raises(StorageDenied, match="permission denied"):
        open_folder(str(source)).check(["model.joblib"])


def test_links_are_followed_and_circles_are_not(source: Path, tmp_path: Path) -> None:
    (source / "again").symlink_to(source, target_is_directory=True)
    (source / "linked.joblib").symlink_to(source / "model.joblib")
    (source / "broken").symlink_to("nowhere")

    open_folder(str(source)).download(tmp_path / "to")

    assert read(tmp_path / "to") == FILES | {"linked.joblib": b"a model"}


def test_a_link_in_the_target_does_not_lead_out_of_it(source: Path, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"weights.bin": b"precious"})
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "deep").symlink_to(tmp_path / "outside")
    with pytest.raises(StorageError, match="would be written outside"):
        open_folder(str(source)).download(tmp_path / "to")
    assert read(outside) == {"weights.bin": b"precious"}


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(source, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"model.joblib": b"precious"})
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "model.joblib").symlink_to(outside / "model.joblib")

    open_folder(str(source)).download(tmp_path / "to")

    assert read(tmp_path / "to") == FILES
    assert read(outside) == {"model.joblib": b"precious"}


def test_a_target_that_is_a_file_is_a_clear_error(source: Path, tmp_path: Path) -> None:
    (tmp_path / "to").write_text("mine")
    with pytest.raises(StorageError, match="cannot be written to"):
        open_folder(str(source)).download(tmp_path / "to")
    assert (tmp_path / "to").read_text() == "mine"


def test_a_download_that_is_interrupted_leaves_no_half_file(source: Path, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_folder(str(source)).download(tmp_path / "to", progress=interrupt)

    assert set(read(tmp_path / "to")) <= {"model.joblib", "empty"}


def test_what_a_dead_process_left_is_removed_and_what_a_living_one_has_is_not(tmp_path: Path):
    with open_staging(tmp_path) as first:
        (tmp_path / ".seldon-deployer-arriving-dead").mkdir()
        (tmp_path / ".seldon-deployer-arriving-dead" / "lock").touch()
        with open_staging(tmp_path) as second:
            assert set(tmp_path.iterdir()) == {first, second}
        with (first / "lock").open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert list(tmp_path.iterdir()) == []


def test_a_claim_is_read_where_it_is_mounted_and_only_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SELDON_DEPLOYER_VOLUMES", raising=False)
    claim = open_folder("pvc://models/iris")
    for call in (claim.list, claim.check, claim.is_whole, lambda: claim.download(tmp_path)):
        with pytest.raises(StorageUnreachable, match="make SELDON_DEPLOYER_VOLUMES a folder"):
            call()

    write(tmp_path / "models" / "iris", {"model.joblib": b"x"})
    monkeypatch.setenv("SELDON_DEPLOYER_VOLUMES", str(tmp_path))
    mounted = open_folder("pvc://models/iris")
    assert [file.path for file in mounted.check(["model.joblib"])] == ["model.joblib"]
    assert mounted.location.server_uri == "pvc://models/iris"
    with pytest.raises(StorageMissing, match=r"pvc://models has no irsi\. Try: did you mean iris"):
        open_folder("pvc://models/irsi").check()


def test_progress_is_silent_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress("iris") as progress:
        progress(5, 10)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_progress_is_a_bar_on_a_terminal() -> None:
    code = (
        "from seldon_deployer.storage import show_progress\n"
        "with show_progress('iris') as progress: progress(5_000_000, 10_000_000)\n"
    )
    ours, theirs = pty.openpty()
    environment = dict(os.environ) | {"TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-c", code], stderr=theirs, stdout=subprocess.PIPE, env=environment
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert done.stdout == b""
    assert "iris" in shown
    assert "5.0/10.0 MB" in shown


@pytest.mark.parametrize(
    ("uri", "module", "extra"),
    [
        ("s3://b/p", "boto3", "s3"),
        ("gs://b/p", "google.cloud.storage", "gcs"),
        ("az://b/p", "azure.storage.blob", "azure"),
    ],
)
def test_a_client_that_is_not_installed_is_named_with_its_extra(uri, module, extra) -> None:
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from seldon_deployer.errors import ConfigError\n"
        "from seldon_deployer.storage import open_folder\n"
        f"try: open_folder({uri!r}).check()\n"
        "except ConfigError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert f"pip install 'seldon-deployer[{extra}]'" in done.stdout, done.stderr


def test_no_client_is_loaded_before_its_store_is_asked_for() -> None:
    code = (
        "import sys, seldon_deployer.storage.folder, seldon_deployer.storage.s3\n"
        "print(*{'boto3', 'botocore', 'google', 'azure', 'pydantic', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
