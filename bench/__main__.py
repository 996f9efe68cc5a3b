"""Run every measurement, or the named ones, print them, and with `--record` write them down."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from bench.measure import Row, table_of
from bench.record import record

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
    "compat",
    "soak",
)


def main() -> None:
    """Print a line a suite on stderr while it runs, and one table at the end."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"one of {', '.join(SUITES)}")
    parser.add_argument("--record", action="store_true", help="write results to bench/README.md")
    asked = parser.parse_args()
    # Bytecode is kept, as on every user's machine: not each start compiles again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    rows: list[Row] = []
    for suite in asked.suites or SUITES:
        print(f"measuring: {suite}", file=sys.stderr, flush=True)
        measured = import_module(f"bench.{suite}").run()
        if asked.record:
            record(suite, measured)
        rows += measured
    print(table_of(rows), flush=True)


if __name__ == "__main__":
    main()
