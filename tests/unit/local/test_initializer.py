from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from seldon_deployer.local.initializer import DownloadFailed, fetch_model, is_on_this_machine


@pytest.mark.parametrize(
    ("uri", "is_here"),
    [
        ("/models/iris", True),
        ("/models/a:b", True),
        ("models", True),
        ("file:///models/iris", True),
        ("s3://models/iris", False),
        ("minio:models/iris", False),
    ],
)
def test_only_paths_of_this_machine_need_no_client(uri: str, is_here: bool) -> None:
    assert is_on_this_machine(uri) == is_here


def test_a_folders_contents_are_copied(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "model.joblib").write_text("x")

    said = fetch_model(str(source), tmp_path / "target", {})

    assert (tmp_path / "target" / "deep" / "model.joblib").read_text() == "x"
    assert said == f"copied 1 files, 1 bytes, from {source}"


def test_a_single_file_is_copied_into_the_folder(tmp_path: Path) -> None:
    (tmp_path / "my model.joblib").write_text("x")

    fetch_model((tmp_path / "my model.joblib").as_uri(), tmp_path / "target", {})

    assert [file.name for file in (tmp_path / "target").iterdir()] == ["my model.joblib"]


def test_an_empty_folder_is_nothing_to_transfer_and_no_failure(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    assert "nothing to transfer" in fetch_model(str(tmp_path / "empty"), tmp_path / "target", {})


@pytest.mark.parametrize(
    ("uri", "environment", "code", "says"),
    [
        ("/nowhere", {}, 3, "directory not found: /nowhere"),
        ("file://elsewhere/x", {}, 1, "not on this machine"),
        ("s3://bucket/x", {"RCLONE_CONFIG_GS_TYPE": "gcs"}, 1, "section.*RCLONE_CONFIG_S3_TYPE"),
        ("minio://bucket/x", {"RCLONE_CONFIG_S3_TYPE": "s3"}, 1, "RCLONE_CONFIG_MINIO_TYPE"),
        ("x://bucket/x", {"RCLONE_CONFIG_X_TYPE": "sftp"}, 1, "no store that is read from here"),
    ],
)
def test_what_cannot_be_fetched_ends_with_rclones_code(
    tmp_path: Path, uri: str, environment: dict[str, str], code: int, says: str
) -> None:
    with pytest.raises(DownloadFailed, match=says) as failed:
        fetch_model(uri, tmp_path / "target", environment)

    assert failed.value.exit_code == code
    assert not (tmp_path / "target").exists()


def test_a_copy_on_this_machine_loads_no_client_into_the_process_that_keeps_the_pods(
    tmp_path: Path,
) -> None:
    (tmp_path / "model").write_text("x")
    code = (
        "import sys; from pathlib import Path;"
        "from seldon_deployer.local.initializer import fetch_model;"
        f"fetch_model({str(tmp_path / 'model')!r}, Path({str(tmp_path / 'to')!r}), {{}});"
        "print(*{'pydantic', 'boto3', 'botocore', 'google', 'azure'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
