"""One GiB to each store and back, beside the best example of its own library.

The servers are those of the tests, on this machine; all files lie on the disk of the temporary
folder. Each transfer is a process of its own: its time is the transfer's alone, its memory all of
it. Ours and theirs take turns, and each begins when the disk has what came before: neither waits
for the disk to have its own bytes (there is no fsync on either side), and neither pays for the
other's.
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
from pathlib import Path

from bench.measure import Row, time_in_turns
from bench.storage_peers import Store, run_stores

# Less of it is for developing: a gigabyte shows what a cache hides.
SIZE_MIB = int(os.environ.get("SELDON_DEPLOYER_BENCH_MIB", "1024"))
ROUNDS = int(os.environ.get("SELDON_DEPLOYER_BENCH_ROUNDS", "5"))
AIM_RATIO = 0.8
AIM_BYTES = 200 << 20

_OURS = """
from pathlib import Path
from pydantic import SecretStr
from seldon_deployer.storage import open_folder

environment = {k: SecretStr(v) for k, v in os.environ.items() if k.startswith("RCLONE_")}
folder = open_folder(f"{remote}://models/{key}", environment)
def upload():
    folder.upload(Path(path))
def download():
    folder.download(Path(path))
"""
_BEFORE = """
import json, logging, os, resource, sys, time, warnings
warnings.simplefilter("ignore")
logging.disable()
verb, remote, key, path = sys.argv[1:]
prefix = f"RCLONE_CONFIG_{remote}_".upper()
options = {k.removeprefix(prefix): v for k, v in os.environ.items() if k.startswith(prefix)}
os.makedirs(path, exist_ok=True)
"""
_AFTER = """
call = upload if verb == "upload" else download
began = time.perf_counter()
call()
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seconds, peak * (1 if sys.platform == "darwin" else 1024)]))
"""


def run() -> list[Row]:
    """Upload and download, ours and the library's in turns; no rows for what cannot be had."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "source"
        source.mkdir()
        with (source / "model.bin").open("wb") as file:
            for _ in range(SIZE_MIB):
                file.write(os.urandom(1 << 20))
        rows = []
        with run_stores(folder) as stores:
            for store in stores:
                for verb in ("upload", "download"):
                    rows += _measure(store, verb, source)
        return rows


def _measure(store: Store, verb: str, source: Path) -> list[Row]:
    peaks: list[int] = []
    ours, theirs = time_in_turns(
        ROUNDS,
        _transfer(store, _OURS, verb, "ours", source, peaks.append),
        _transfer(store, store.example, verb, "theirs", source, lambda _: None),
    )
    ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
    ratio = statistics.median(ratios)
    return [
        Row(
            f"{verb} {SIZE_MIB} MiB, {store.name}",
            _speed(ours),
            f"{store.library}: {_speed(theirs)}",
            f"{ratio:.2f} of its speed ({min(ratios):.2f}-{max(ratios):.2f} by pairs)",
            f"at least {AIM_RATIO}",
            ratio >= AIM_RATIO,
        ),
        Row(
            f"{verb} {SIZE_MIB} MiB, {store.name}, memory of the process",
            f"{max(peaks) >> 20} MiB",
            aim=f"under {AIM_BYTES >> 20} MiB",
            is_met=max(peaks) < AIM_BYTES,
        ),
    ]


def _transfer(
    store: Store,
    code: str,
    verb: str,
    name: str,
    source: Path,
    on_peak: Callable[[int], object],
) -> Callable[[], float]:
    """One transfer of one kind, a download each time to an empty folder; gives its seconds.

    What is downloaded was uploaded by the same tool.
    """

    def transfer() -> float:
        target = source if verb == "upload" else source.parent / f"{name}-arrived"
        if verb == "upload":
            # What is there would not be sent again.
            store.remove(name)
        os.sync()
        done = subprocess.run(
            [sys.executable, "-c", _BEFORE + code + _AFTER, verb, store.remote, name, str(target)],
            env=dict(os.environ) | store.environment,
            check=True,
            stdout=subprocess.PIPE,
        )
        seconds, peak_bytes = json.loads(done.stdout)
        on_peak(peak_bytes)
        if verb == "download":
            shutil.rmtree(target)
        return float(seconds)

    return transfer


def _speed(seconds: list[float]) -> str:
    """Median and range, in MB a second."""
    speeds = [SIZE_MIB * (1 << 20) / 1e6 / each for each in seconds]
    return f"{statistics.median(speeds):.0f} MB/s ({min(speeds):.0f}-{max(speeds):.0f})"
