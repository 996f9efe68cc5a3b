"""One GiB to S3 and back, beside boto3's own example, on the same server: MinIO on this machine.

Each transfer is a process of its own: its time is the transfer's alone, its memory all of it.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from bench.measure import Row, time_in_turns

if TYPE_CHECKING:
    from storage.s3_server import S3Server

_TESTS = Path(__file__).resolve().parents[1] / "tests"

SIZE_BYTES = 1 << 30
ROUNDS = 5
AIM_RATIO = 0.8
AIM_BYTES = 200 << 20

_OURS = """
from pathlib import Path
from pydantic import SecretStr
from seldon_deployer.storage import open_folder

environment = {k: SecretStr(v) for k, v in os.environ.items() if k.startswith("RCLONE_")}
folder = open_folder(f"s3://models/{key}", environment)
began = time.perf_counter()
if verb == "upload":
    folder.upload(Path(path))
else:
    folder.download(Path(path))
"""
# As boto3's guide has it ("File transfer configuration"). Its defaults, 8 MiB and 10 threads, were
# as fast here as any of 16, 25 and 64 MiB and of 4 and 16 threads.
_THEIRS = """
import boto3
from boto3.s3.transfer import TransferConfig

values = {k.removeprefix("RCLONE_CONFIG_S3_"): v for k, v in os.environ.items()}
client = boto3.client("s3", endpoint_url=values["ENDPOINT"], region_name=values["REGION"],
    aws_access_key_id=values["ACCESS_KEY_ID"], aws_secret_access_key=values["SECRET_ACCESS_KEY"])
config = TransferConfig(multipart_chunksize=8 << 20, max_concurrency=10)
began = time.perf_counter()
if verb == "upload":
    client.upload_file(f"{path}/model.bin", "models", f"{key}/model.bin", Config=config)
else:
    os.makedirs(path)
    client.download_file("models", f"{key}/model.bin", f"{path}/model.bin", Config=config)
"""
_AROUND = """
import json, os, resource, sys, time
verb, key, path = sys.argv[1:]
{transfer}
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seconds, peak * (1 if sys.platform == "darwin" else 1024)]))
"""


def run() -> list[Row]:
    """Upload and download, ours and boto3's in turns; no rows where MinIO cannot be had."""
    sys.path[:0] = [str(_TESTS)]
    from storage.s3_server import Unavailable, run_minio

    with tempfile.TemporaryDirectory(dir=_find_room()) as name:
        folder = Path(name)
        try:
            with run_minio(folder) as server:
                return _measure(server, folder)
        except Unavailable as missing:
            print(f"left out: {missing}", file=sys.stderr)
            return []


def _measure(server: S3Server, folder: Path) -> list[Row]:
    source = folder / "source"
    source.mkdir()
    with (source / "model.bin").open("wb") as file:
        for _ in range(SIZE_BYTES >> 20):
            file.write(os.urandom(1 << 20))
    server.put("models", {})
    rows = []
    for verb in ("upload", "download"):
        peaks: list[int] = []
        ours, boto3 = time_in_turns(
            ROUNDS,
            _transfer(server, _OURS, verb, "ours", source, peaks.append),
            _transfer(server, _THEIRS, verb, "theirs", source, lambda _: None),
        )
        ratio = statistics.median(boto3) / statistics.median(ours)
        rows += [
            Row(
                f"{verb} 1 GiB, S3",
                _speed(ours),
                f"boto3: {_speed(boto3)}",
                f"{ratio:.2f} of its speed",
                f"at least {AIM_RATIO}",
                ratio >= AIM_RATIO,
            ),
            Row(
                f"{verb} 1 GiB, memory of the process",
                f"{max(peaks) >> 20} MiB",
                aim=f"under {AIM_BYTES >> 20} MiB",
                is_met=max(peaks) < AIM_BYTES,
            ),
        ]
    return rows


def _transfer(
    server: S3Server,
    code: str,
    verb: str,
    name: str,
    source: Path,
    on_peak: Callable[[int], Any],
) -> Callable[[], float]:
    """One transfer of one kind, a download each time to another folder; gives its seconds.

    What is downloaded was uploaded by the same tool.
    """
    numbers = count()
    values = {key: value.get_secret_value() for key, value in server.environment().items()}

    def transfer() -> float:
        target = source if verb == "upload" else source.parent / f"{name}-{next(numbers)}"
        if verb == "upload":
            # What is there would not be sent again.
            server.client().delete_object(Bucket="models", Key=f"{name}/model.bin")
        done = subprocess.run(
            [sys.executable, "-c", _AROUND.format(transfer=code), verb, name, str(target)],
            env=dict(os.environ) | values,
            check=True,
            capture_output=True,
        )
        seconds, peak_bytes = json.loads(done.stdout)
        on_peak(peak_bytes)
        if verb == "download":
            (target / "model.bin").unlink()
        return float(seconds)

    return transfer


def _find_room() -> str | None:
    """A disk in memory, where one has room: the moods of a real one are not what is measured."""
    memory = Path("/dev/shm")
    needed = 6 * SIZE_BYTES
    is_roomy = memory.is_dir() and shutil.disk_usage(memory).free > needed
    return str(memory) if is_roomy and psutil.virtual_memory().available > 2 * needed else None


def _speed(seconds: list[float]) -> str:
    """Median and range, in MB a second."""
    speeds = [SIZE_BYTES / 1e6 / each for each in seconds]
    return f"{statistics.median(speeds):.0f} MB/s ({min(speeds):.0f}-{max(speeds):.0f})"
