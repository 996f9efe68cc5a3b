"""How much memory a process may have, for classes that leak."""

from __future__ import annotations

from seldon_deployer.server.metrics import read_resident_bytes


def describe_excess(limit_bytes: int | None) -> str:
    """Why the process is to end: it has more memory than it may; empty while it has not."""
    found = read_resident_bytes()
    # Where it cannot be told it is NaN, and no excess.
    if limit_bytes is None or not found > limit_bytes:
        return ""
    return f"it has {found / 2**20:.0f} MiB of memory, and may have {limit_bytes / 2**20:.0f} MiB"
