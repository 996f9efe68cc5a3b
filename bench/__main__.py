"""Run every measurement, or the named ones, and print one table."""

from __future__ import annotations

import sys
from importlib import import_module

from bench.measure import print_table

SUITES = (
    "imports",
    "manifests",
    "embedded",
    "cluster",
    "server",
    "server_grpc",
    "server_tensors",
    "footprint",
    "storage",
)


def main() -> None:
    """Print a line a suite on stderr while it runs, and the table at the end."""
    rows = []
    for suite in sys.argv[1:] or SUITES:
        print(f"measuring: {suite}", file=sys.stderr, flush=True)
        rows += import_module(f"bench.{suite}").run()
    print_table(rows)


if __name__ == "__main__":
    main()
