"""What importing us costs, over a bare interpreter and over a bare ZenML."""

from __future__ import annotations

import statistics
from functools import partial

from bench.measure import Row, milliseconds, spread, time_in_turns, time_process

ROUNDS = 7


def run() -> list[Row]:
    """Measure both imports, each beside what would be imported anyway."""
    bare, package = time_in_turns(
        ROUNDS, partial(time_process, "pass"), partial(time_process, "import seldon_deployer")
    )
    zenml, plugin = time_in_turns(
        3,
        partial(time_process, "import zenml"),
        partial(time_process, "import zenml, seldon_deployer.zenml_plugin"),
    )
    cost = statistics.median(package) - statistics.median(bare)
    over = statistics.median(plugin) - statistics.median(zenml)
    return [
        Row(
            "import seldon_deployer",
            spread(package),
            f"python: {spread(bare)}",
            milliseconds(cost),
            "under 150 ms",
            cost < 0.150,
        ),
        Row("import the plugin", spread(plugin), f"zenml: {spread(zenml)}", milliseconds(over)),
    ]
