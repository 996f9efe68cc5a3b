"""A graph as lines for a terminal: steps one below the other, branches indented."""

from __future__ import annotations

from collections.abc import Iterator

from seldon_deployer.graph.sketch import Box, Flow, boxes


def draw_text(flow: Flow) -> str:
    """Draw with a column each for the names as a tree, the roles, and what runs there."""
    lines = list(_lines(flow, "", ""))
    several_pods = any(box.pod is not None for box in boxes(flow))
    rows = [
        (
            f"{lead}{box.name}",
            box.role,
            *((f"pod {box.pod}" if box.pod else "",) if several_pods else ()),
            box.runs,
        )
        for lead, box in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _lines(flow: Flow, first: str, rest: str) -> Iterator[tuple[str, Box]]:
    """Each line's lead and box: `first` before the first line, `rest` before the others."""
    lead = first
    for step in flow:
        yield lead, step.box
        lead = rest
        for number, branch in enumerate(step.branches, start=1):
            is_last = number == len(step.branches)
            yield from _lines(
                branch,
                f"{rest}{'└─ ' if is_last else '├─ '}",
                f"{rest}{'   ' if is_last else '│  '}",
            )
