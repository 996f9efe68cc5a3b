"""For all tests: properties are judged by what they say, never by the time they take.

CI takes the same examples every time, so that a change is judged by what it changed; each run of a
developer takes new ones, and a case that fails becomes an `@example`. `--hypothesis-profile
explore` takes very many.

A file is the share of one worker, so that what its tests have in common is started once.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

_HERE = Path(__file__).parent

settings.register_profile("project", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=2000, print_blob=True)
# Nobody's cloud is asked by accident: where a test does not say where the machine's own store is,
# nobody listens.
os.environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
settings.load_profile("ci" if os.environ.get("CI") else "project")


# What takes long comes first: at the end, when a worker may find nothing left to do, the other one
# is at a file of seconds. The API servers of the contract are busy even when nobody asks them.
_ORDER = ("pairs", "e2e", "frameworks", "storage", "fuzz", "client", "unit", "contract")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long."""
    items.sort(key=lambda item: _ORDER.index(item.path.relative_to(_HERE).parts[0]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Give back the package's log and the process's hook, which the command line takes."""
    hook, log = sys.excepthook, logging.getLogger("seldon_deployer")
    handlers, propagate, level = log.handlers[:], log.propagate, log.level
    try:
        return (yield)
    finally:
        sys.excepthook = hook
        log.handlers[:], log.propagate = handlers, propagate
        log.setLevel(level)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say each reason for skipping once, with how many tests it stopped."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in reports)
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} skipped: {reason}")
