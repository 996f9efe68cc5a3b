"""Amounts of resources as YAML gives them."""

from __future__ import annotations

from typing import Any


def read_amounts(given: Any) -> Any:
    """Requests and limits whose amounts are text: Kubernetes takes `cpu: 2` for `cpu: "2"` too.

    What is no such mapping is returned as it is, for others to judge.
    """
    if not isinstance(given, dict):
        return given
    return {
        kind: {name: _as_text(size) for name, size in sizes.items()}
        if isinstance(sizes, dict)
        else sizes
        for kind, sizes in given.items()
    }


def _as_text(size: Any) -> Any:
    is_number = isinstance(size, (int, float)) and not isinstance(size, bool)
    return str(size) if is_number else size
