"""How many threads the libraries of a unit may use.

Left alone they take one per core of the machine, whatever the pod may use. Measured with 16
threads on 2 CPUs, one row: XGBoost 31 ms instead of 0.16 ms, scikit-learn's gradient boosting
35 ms instead of 1.1 ms. With as many threads as CPUs one row takes as long as with one thread,
and 5,000 rows half as long; so the default is what the unit may really use, shared between its
predictions.
"""

from __future__ import annotations

import math
import os
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

# Read by OpenMP (XGBoost, LightGBM, scikit-learn, PyTorch), by OpenBLAS (numpy), and by our own
# loaders for libraries that ask for a number in another way.
THREADS_VARIABLE = "OMP_NUM_THREADS"
_CGROUP = Path("/sys/fs/cgroup")


def bound_threads(environment: MutableMapping[str, str], predictions: int) -> None:
    """Set the number of threads where the user did not; before any of the libraries is imported.

    predictions: how many run at once, each with its own share.
    """
    environment.setdefault(THREADS_VARIABLE, str(max(1, count_cpus() // predictions)))


def thread_count() -> int:
    """The number that `bound_threads`, or the user, set."""
    # OpenMP takes a list, one number for each level of nesting.
    first = os.environ.get(THREADS_VARIABLE, "").partition(",")[0].strip()
    return int(first) if first.isdigit() and int(first) > 0 else count_cpus()


def count_cpus(cgroup: Path = _CGROUP) -> int:
    """CPUs that this process may use: those it is allowed to run on, and its container's limit."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limit = _read_limit(cgroup)
    return max(1, math.ceil(min(allowed or 1, limit)))


def _read_limit(cgroup: Path) -> float:
    """The CPU limit of the container, as a number of CPUs; infinity where there is none."""
    with suppress(OSError, ValueError):
        quota, period = (cgroup / "cpu.max").read_text().split()
        return math.inf if quota == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError):
        quota_v1 = int((cgroup / "cpu" / "cpu.cfs_quota_us").read_text())
        period_v1 = int((cgroup / "cpu" / "cpu.cfs_period_us").read_text())
        return quota_v1 / period_v1 if quota_v1 > 0 else math.inf
    return math.inf
