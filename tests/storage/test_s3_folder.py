"""A folder in S3, with bytes that go and come and links that break."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from contract.cutting_proxy import cutting_proxy
from storage.links import changing_proxy
from storage.s3_server import S3Server

from seldon_deployer.errors import (
    ConfigError,
    StorageDenied,
    StorageError,
    StorageMissing,
    StorageUnreachable,
)
from seldon_deployer.storage import RemoteFolder, open_folder

MIB = 1 << 20
# More than one part, and a last one that is shorter.
LARGE = os.urandom(24 * MIB + 17)
FILES = {
    "model.joblib": b"a model",
    "deep/er/weights.bin": LARGE,
    "empty": b"",
    "a b%20ü+?#&.txt": b"a name that every encoding changes",
}
_numbers = count()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("source"), FILES)


@pytest.fixture(scope="module")
def bucket(s3: S3Server) -> str:
    s3.put("models", {})
    return "models"


@pytest.fixture
def folder(s3: S3Server, bucket: str) -> RemoteFolder:
    return open_folder(new_uri(), s3.environment())


@pytest.fixture
def full(folder: RemoteFolder, source: Path) -> RemoteFolder:
    folder.upload(source)
    return folder


def new_uri() -> str:
    return f"s3://models/folder-{next(_numbers)}/iris"


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def read(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, hidden files too."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_a_folder_comes_back_as_it_went(full: RemoteFolder, tmp_path: Path) -> None:
    assert [file.path for file in full.list()] == sorted(FILES)

    arrived = full.download(tmp_path / "new" / "folder")

    assert read(tmp_path / "new" / "folder") == FILES
    assert {file.path: file.size_bytes for file in arrived} == {
        path: len(data) for path, data in FILES.items()
    }


def test_an_object_sent_by_another_tool_arrives_verified(s3: S3Server, full, tmp_path) -> None:
    # In one piece, whose etag is over all bytes, and in parts of an odd size.
    client = s3.client()
    prefix = full.location.path
    client.put_object(Bucket="models", Key=f"{prefix}-other/whole", Body=LARGE)
    from boto3.s3.transfer import TransferConfig

    parts = TransferConfig(multipart_threshold=6 * MIB, multipart_chunksize=6 * MIB + 1)
    local = tmp_path / "large"
    local.write_bytes(LARGE)
    client.upload_file(str(local), "models", f"{prefix}-other/parts", Config=parts)

    full.beside("-other").download(tmp_path / "to")

    assert read(tmp_path / "to") == {"whole": LARGE, "parts": LARGE}


def test_chosen_files_come_alone(full: RemoteFolder, tmp_path: Path) -> None:
    full.download(tmp_path, paths=["model.joblib", "empty"])

    assert set(read(tmp_path)) == {"model.joblib", "empty"}
    with pytest.raises(StorageMissing, match=r"has no other\.txt"):
        full.download(tmp_path, paths=["other.txt"])


def test_a_second_download_fetches_only_what_is_missing_or_wrong(full, tmp_path: Path) -> None:
    full.download(tmp_path)
    right = (tmp_path / "deep/er/weights.bin").stat()
    (tmp_path / "model.joblib").write_bytes(b"A MODEL")
    (tmp_path / "empty").unlink()
    (tmp_path / "mine.txt").write_text("not of the store")
    seen: list[tuple[int, int]] = []

    full.download(tmp_path, progress=lambda done, total: seen.append((done, total)))

    assert read(tmp_path) == FILES | {"mine.txt": b"not of the store"}
    assert (tmp_path / "deep/er/weights.bin").stat().st_ino == right.st_ino
    everything = sum(map(len, FILES.values()))
    assert seen[0][0] >= len(LARGE)
    assert seen[-1] == (everything, everything)


def test_what_is_there_already_is_not_sent_again(s3: S3Server, full, source, tmp_path) -> None:
    prefix = full.location.path
    before = {key: modified(s3, key) for key in s3.keys_in("models", prefix)}
    # The time of an object is told in seconds.
    time.sleep(1.1)
    full.upload(source)
    assert {key: modified(s3, key) for key in s3.keys_in("models", prefix)} == before

    changed = write(tmp_path, FILES | {"model.joblib": b"another"})
    full.upload(changed)

    after = {key: modified(s3, key) for key in s3.keys_in("models", prefix)}
    sent = {key for key in after if after[key] != before[key]}
    assert sent == {f"{prefix}/model.joblib", f"{prefix}.complete.json"}
    assert full.is_whole()


def modified(s3: S3Server, key: str) -> object:
    return s3.client().head_object(Bucket="models", Key=key)["LastModified"]


def test_a_file_is_a_folder_with_itself_in_it(full: RemoteFolder, s3, tmp_path: Path) -> None:
    file = open_folder(f"{full.uri}/model.joblib", s3.environment())

    assert [each.path for each in file.check(["model.joblib"])] == ["model.joblib"]
    assert file.read("model.joblib", 3) == b"a m"
    file.download(tmp_path)
    assert read(tmp_path) == {"model.joblib": b"a model"}
    with pytest.raises(StorageError, match="is a file"):
        file.upload(tmp_path)


def test_objects_that_stand_for_folders_are_no_files(s3: S3Server, tmp_path: Path) -> None:
    s3.put("models", {"marked/": b"", "marked/deep/": b"", "marked/deep/file": b"x"})
    folder = open_folder("s3://models/marked", s3.environment())

    folder.download(tmp_path)

    assert read(tmp_path) == {"deep/file": b"x"}


def test_the_first_bytes_are_read_alone(full: RemoteFolder) -> None:
    assert full.read("deep/er/weights.bin", 1000) == LARGE[:1000]
    assert full.read("empty", 10) == b""
    assert full.read("model.joblib", 0) == b""
    assert full.read("model.joblib", 100) == b"a model"
    with pytest.raises(StorageMissing):
        full.read("other", 1)


def test_many_files_are_listed_over_pages(minio: S3Server) -> None:
    minio.put("models", {})
    client = minio.client()

    def put(number: int) -> None:
        client.put_object(Bucket="models", Key=f"many/{number}", Body=b"")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(1001)))
    for version in ("1", "2"):
        folder = open_folder("s3://models/many", minio.environment(list_version=version))
        assert len(folder.list()) == 1001


def test_a_free_remote_name_has_its_own_settings(s3: S3Server, full: RemoteFolder) -> None:
    named = {key.replace("_S3_", "_MINIO_"): value for key, value in s3.environment().items()}
    folder = open_folder(full.uri.replace("s3://", "minio://"), named)

    assert folder.location.server_uri == full.uri.replace("s3://", "minio://")
    assert folder.check(["model.joblib"])


def test_wanted_files_may_be_any_of_some(full: RemoteFolder) -> None:
    assert len(full.check(["model.pkl", "model.joblib"])) == len(FILES)
    assert full.check(["*/*/weights.bin"])
    with pytest.raises(StorageMissing, match=r"has no weights\.bin.*/deep/er meant\?"):
        full.check(["weights.bin"])


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("s3://models/trap/iri", "s3://models/trap has no iri. Try: did you mean iris?"),
        ("s3://models/tarp/iris", "s3://models has no tarp. Try: did you mean trap?"),
        ("s3://models/trap/Iris", "did you mean iris?"),
        ("s3://models/trap/other", "there are iris"),
        ("s3://models/trap/iris/model", "there is nothing at"),
    ],
)
def test_a_wrong_prefix_in_a_right_bucket_is_told_with_what_is_there(s3, uri, says) -> None:
    s3.put("models", {"trap/iris/model.joblib": b"x"})

    with pytest.raises(StorageMissing) as raised:
        open_folder(uri, s3.environment()).check()

    assert says in str(raised.value)


def test_a_missing_bucket_is_told_as_that(s3: S3Server) -> None:
    with pytest.raises(StorageMissing, match="s3://nobody is not there"):
        open_folder("s3://nobody/iris", s3.environment()).check()


def test_an_empty_bucket_is_told_as_that(s3: S3Server) -> None:
    s3.put("emptiness", {})
    with pytest.raises(StorageMissing, match="there is nothing at s3://emptiness"):
        open_folder("s3://emptiness", s3.environment()).check()


def test_a_store_that_is_not_there_is_unreachable_within_seconds(s3: S3Server) -> None:
    folder = open_folder("s3://models/iris", s3.environment("http://127.0.0.1:1"))
    began = time.monotonic()

    with pytest.raises(StorageUnreachable, match=r"no connection from 127\.0\.0\.1:1"):
        folder.check()

    assert time.monotonic() - began < 15


def test_an_address_of_numbers_has_no_hosts_for_buckets(s3: S3Server) -> None:
    with pytest.raises(ConfigError, match=r"RCLONE_CONFIG_S3_PROVIDER: Minio or Other"):
        open_folder("s3://models/iris", s3.environment(provider="AWS"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"secret_access_key": "canary7Qx"}, "SignatureDoesNotMatch"),
        ({"access_key_id": "canary7Qx"}, "InvalidAccessKeyId"),
        ({"session_token": "canary7Qx"}, "Invalid"),
        ({"access_key_id": "", "secret_access_key": ""}, "AccessDenied"),
        ({"region": "us-west-2"}, "Authorization|Region|region"),
    ],
)
def test_wrong_credentials_are_denied_and_shown_nowhere(
    minio: S3Server, changes: dict[str, str], says: str
) -> None:
    minio.put("models", {"iris/model.joblib": b"x"})
    folder = open_folder("s3://models/iris", minio.environment(**changes))

    with pytest.raises(StorageError, match=says) as raised:
        folder.check()

    assert isinstance(raised.value, StorageDenied) or "region" in changes
    assert "canary7Qx" not in "".join(traceback.format_exception(raised.value))


def test_the_right_to_list_is_not_taken_for_the_right_to_read(minio: S3Server) -> None:
    minio.put("listed", {"iris/model.joblib": b"x"})
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",'
        ' "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::listed"]}]}'
    )
    minio.client().put_bucket_policy(Bucket="listed", Policy=policy)
    nobody = minio.environment(access_key_id="", secret_access_key="")
    folder = open_folder("s3://listed/iris", nobody)

    assert [file.path for file in folder.list()] == ["model.joblib"]
    with pytest.raises(StorageDenied, match=r"iris/model\.joblib"):
        folder.check()


def test_rights_that_begin_at_the_folder_are_enough(minio: S3Server, tmp_path: Path) -> None:
    minio.put("narrow", {"iris/model.joblib": b"x", "secret/plans": b"y"})
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": ["s3:ListBucket"],
                "Resource": ["arn:aws:s3:::narrow"],
                "Condition": {"StringLike": {"s3:prefix": ["iris/*"]}},
            },
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": ["s3:GetObject"],
                "Resource": ["arn:aws:s3:::narrow/iris/*"],
            },
        ],
    }
    minio.client().put_bucket_policy(Bucket="narrow", Policy=json.dumps(policy))
    nobody = minio.environment(access_key_id="", secret_access_key="")

    folder = open_folder("s3://narrow/iris", nobody)
    assert folder.check(["model.joblib"])
    folder.download(tmp_path)
    assert read(tmp_path) == {"model.joblib": b"x"}
    with pytest.raises(StorageMissing, match="there is nothing at s3://narrow/iris/deep"):
        open_folder("s3://narrow/iris/deep", nobody).check()
    with pytest.raises(StorageDenied):
        open_folder("s3://narrow/secret", nobody).check()


def test_an_upload_whose_last_answer_was_lost_is_known_to_be_there(s3, bucket, source) -> None:
    lost: list[bytes] = []

    def lose(data: bytes) -> bytes:
        if b"CompleteMultipartUploadResult" in data and not lost:
            lost.append(data)
            raise OSError("the cable is out")
        return data

    with changing_proxy(s3.address, lose) as (host, port):
        folder = open_folder(new_uri(), s3.environment(f"http://{host}:{port}"))
        folder.upload(source)
        assert folder.is_whole()
    assert lost


def test_half_a_key_is_refused_before_anything_is_asked(s3: S3Server) -> None:
    with pytest.raises(ConfigError, match="RCLONE_CONFIG_S3_SECRET_ACCESS_KEY is missing"):
        open_folder("s3://models/iris", s3.environment(secret_access_key=""))


class Cutter:
    """A progress that cuts the link each time so many bytes more have passed."""

    def __init__(self, cut, every_bytes: int) -> None:
        self._cut = cut
        self._every = every_bytes
        self._next = every_bytes

    def __call__(self, done: int, total: int) -> None:
        if done >= self._next and done < total:
            self._next = done + self._every
            self._cut()


def test_a_link_that_breaks_again_and_again_delays_and_changes_nothing(
    s3: S3Server, bucket: str, source: Path, tmp_path: Path
) -> None:
    with cutting_proxy(s3.address) as proxy:
        environment = s3.environment(f"http://127.0.0.1:{proxy.port}")
        folder = open_folder(new_uri(), environment)
        folder.upload(source, progress=Cutter(proxy.cut, 8 * MIB))
        assert proxy.cuts >= 2
        before = proxy.cuts
        folder.download(tmp_path, progress=Cutter(proxy.cut, 6 * MIB))
        assert folder.is_whole()

    assert proxy.cuts >= before + 3
    assert read(tmp_path) == FILES


def test_a_link_that_ends_for_good_leaves_no_half_file(full, s3: S3Server, tmp_path: Path) -> None:
    passed = count()

    def end(data: bytes) -> bytes:
        if next(passed) > 200:
            raise OSError("the cable is out")
        return data

    with changing_proxy(s3.address, end) as (host, port):
        folder = open_folder(full.uri, s3.environment(f"http://{host}:{port}"))
        with pytest.raises(StorageUnreachable):
            folder.download(tmp_path)

    assert "deep/er/weights.bin" not in read(tmp_path)
    assert read(tmp_path).items() <= FILES.items()
    full.download(tmp_path)
    assert read(tmp_path) == FILES


def test_bytes_that_a_link_changed_are_refused(full: RemoteFolder, s3: S3Server, tmp_path) -> None:
    piece = LARGE[20 * MIB : 20 * MIB + 64]

    def change(data: bytes) -> bytes:
        return data.replace(piece[:8], piece[:7] + bytes([piece[7] ^ 1]))

    with changing_proxy(s3.address, change) as (host, port):
        folder = open_folder(full.uri, s3.environment(f"http://{host}:{port}"))
        with pytest.raises(StorageError, match="did not arrive as it is stored"):
            folder.download(tmp_path)

    assert "deep/er/weights.bin" not in read(tmp_path)


def test_a_file_that_is_replaced_while_it_is_read_is_an_error(full, s3, tmp_path: Path) -> None:
    key = f"{full.location.path}/deep/er/weights.bin"
    replaced = threading.Event()

    def replace(done: int, total: int) -> None:
        if not replaced.is_set():
            replaced.set()
            s3.client().put_object(Bucket="models", Key=key, Body=os.urandom(len(LARGE)))

    with pytest.raises(StorageError, match="was changed while it was read"):
        full.download(tmp_path, paths=["deep/er/weights.bin"], progress=replace)

    assert read(tmp_path) == {}


# Ends without any clean-up, as by SIGKILL or a power cut, when half of the bytes have passed.
_DIES = """
import os, sys
from pathlib import Path
from pydantic import SecretStr
from seldon_deployer.storage import open_folder

environment = {k: SecretStr(v) for k, v in os.environ.items() if k.startswith("RCLONE_")}
folder = open_folder(sys.argv[2], environment)
die = lambda done, total: os._exit(9) if done > total // 2 else None
getattr(folder, sys.argv[1])(Path(sys.argv[3]), progress=die)
"""


def run_until_half(s3: S3Server, verb: str, uri: str, folder: Path) -> None:
    values = {key: value.get_secret_value() for key, value in s3.environment().items()}
    command = [sys.executable, "-c", _DIES, verb, uri, str(folder)]
    done = subprocess.run(command, env=dict(os.environ) | values, check=False)
    assert done.returncode == 9


def test_an_upload_that_died_is_not_whole_until_the_next_ends(s3, bucket, source, tmp_path):
    uri = new_uri()
    run_until_half(s3, "upload", uri, source)
    folder = open_folder(uri, s3.environment())
    assert not folder.is_whole()

    folder.upload(source)

    assert folder.is_whole()
    folder.download(tmp_path)
    assert read(tmp_path) == FILES


def test_a_download_that_died_leaves_nothing_that_the_next_does_not_clear(s3, full, tmp_path):
    run_until_half(s3, "download", full.uri, tmp_path)
    assert "deep/er/weights.bin" not in read(tmp_path)

    full.download(tmp_path)

    assert read(tmp_path) == FILES


def test_a_folder_is_whole_only_as_it_was_uploaded(full: RemoteFolder, s3: S3Server) -> None:
    assert full.is_whole()

    s3.put("models", {f"{full.location.path}/model.joblib": b"A MODEL"})
    assert not full.is_whole()
    s3.put("models", {f"{full.location.path}/model.joblib": b"a model"})
    assert full.is_whole()
    s3.put("models", {f"{full.location.path}/another": b""})
    assert not full.is_whole()


def test_an_upload_never_mixes_with_other_files(full: RemoteFolder, s3, tmp_path: Path) -> None:
    other = write(tmp_path, {"another.joblib": b"x"})
    before = s3.keys_in("models", full.location.path)

    with pytest.raises(StorageError, match="holds other files already"):
        full.upload(other)

    assert s3.keys_in("models", full.location.path) == before


def test_keys_that_lead_out_of_the_folder_are_refused(minio: S3Server, moto, tmp_path) -> None:
    moto.put("models", {"evil/../../out": b"x", "evil/model.joblib": b"x"})
    folder = open_folder("s3://models/evil", moto.environment())

    with pytest.raises(StorageError, match="leads out of its folder"):
        folder.download(tmp_path / "a" / "b")

    assert read(tmp_path) == {}


def test_this_machines_own_identity_is_used_where_no_secret_is(
    minio: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    minio.put("models", {"own/model.joblib": b"x"})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", minio.key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", minio.secret)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", minio.endpoint)

    assert open_folder("s3://models/own").check(["model.joblib"])
    # A Secret without keys means nobody, whoever this machine may be.
    nobody = minio.environment(access_key_id="", secret_access_key="")
    with pytest.raises(StorageDenied):
        open_folder("s3://models/own", nobody).check()


@pytest.fixture(autouse=True)
def _no_identity_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


def test_no_identity_at_all_is_told_as_that(
    minio: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    minio.put("models", {"own/model.joblib": b"1"})
    monkeypatch.setenv("AWS_ENDPOINT_URL", minio.endpoint)
    with pytest.raises(StorageDenied, match="no credentials"):
        open_folder("s3://models/own").check()
