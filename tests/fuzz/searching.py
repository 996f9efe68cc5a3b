"""How long a search is: short and the same each time, or as long as the environment says."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# As many times the examples of the suite, and other ones each time.
TIMES = int(os.environ.get("SELDON_DEPLOYER_FUZZ", "1"))


def searched(examples: int) -> settings:
    """The settings of a search of so many examples against a server that goes on living."""
    return settings(
        max_examples=examples * TIMES,
        deadline=None,
        derandomize=TIMES == 1,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
