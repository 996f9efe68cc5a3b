"""A graph as an SVG that stands alone: left to right as the request goes, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from seldon_deployer.graph.sketch import Box, Flow, Step

# Pixels. Text is measured by its letters, as nobody here knows the viewer's fonts: in a monospaced
# one all are as wide.
_LETTER, _SMALL_LETTER = 8.5, 6.7
_BOX_HEIGHT, _PADDING = 62, 14
_GAP, _BRANCH_GAP, _MARGIN = 44, 20, 20
_DOT = 5
_LONGEST = 40

_STYLE = """
.sg{--ink:#1f2933;--soft:#5b6b7b;--line:#8a99a8;--fill:#fff;--edge:#c4cdd6;
--model:#2f6fde;--change:#0b8a6a;--choose:#b4690e;--combine:#8447c9}
@media(prefers-color-scheme:dark){.sg{--ink:#e8edf2;--soft:#a3b1bf;--line:#77879a;--fill:#1d2630;
--edge:#3d4b5a;--model:#79a7ff;--change:#4ecfa8;--choose:#f0b35a;--combine:#c39bff}}
.sg text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:var(--ink)}
.sg .n{font-size:14px;font-weight:600}
.sg .r,.sg .w,.sg .p{font-size:11px;fill:var(--soft)}
.sg .p{text-anchor:end}
.sg .b{fill:var(--fill);stroke:var(--edge)}
.sg .l{fill:none;stroke:var(--line);stroke-width:1.5}
.sg .d,.sg .a{fill:var(--line)}
.sg .model{fill:var(--model)}.sg .change{fill:var(--change)}
.sg .choose{fill:var(--choose)}.sg .combine{fill:var(--combine)}
"""
_COLOURS = {
    "model": "model",
    "transformer": "change",
    "output transformer": "change",
    "router": "choose",
    "A/B test": "choose",
    "combiner": "combine",
}


def draw_svg(flow: Flow, title: str = "Inference graph") -> str:
    """Draw as a whole `<svg>` element, which needs no other file and follows the viewer's theme."""
    size = _measure(flow)
    width = size.width + 2 * (_MARGIN + _GAP)
    height = size.height + 2 * _MARGIN
    middle = _MARGIN + size.height / 2
    start = _MARGIN + _GAP
    parts = [
        _dot(_MARGIN, middle),
        _link((_MARGIN, middle), (start, middle), arrow=_begins_with_box(flow)),
        *_draw(flow, start, middle),
        _link((start + size.width, middle), (width - _MARGIN, middle), arrow=True),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sg" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        '<defs><marker id="sg-arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path class="a" d="M0 0L8 4L0 8z"/></marker></defs>'
        f"{''.join(parts)}</svg>\n"
    )


@dataclass(frozen=True)
class _Size:
    width: float
    height: float


def _measure(flow: Flow) -> _Size:
    """The room of steps side by side; links between them included, before and after not."""
    sizes = [_measure_step(step) for step in flow]
    width = sum(size.width for size in sizes) + _GAP * (len(sizes) - 1)
    return _Size(width, max(size.height for size in sizes))


def _measure_step(step: Step) -> _Size:
    box = _box_width(step.box)
    if not step.branches:
        return _Size(box, _BOX_HEIGHT)
    branches = [_measure(branch) for branch in step.branches]
    height = sum(size.height for size in branches) + _BRANCH_GAP * (len(branches) - 1)
    # A link into the branches and one out of them, to the box or to the dot where they meet.
    width = max(size.width for size in branches) + 2 * _GAP + box
    return _Size(width, max(height, _BOX_HEIGHT))


def _box_width(box: Box) -> float:
    corner = f"  pod {box.pod}" if box.pod else ""
    letters = max(
        len(_cut(box.name)) * _LETTER,
        (len(box.role) + len(corner)) * _SMALL_LETTER,
        len(_cut(box.runs)) * _SMALL_LETTER,
    )
    return letters + 2 * _PADDING


def _draw(flow: Flow, left: float, middle: float) -> Iterator[str]:
    for number, step in enumerate(flow):
        if number:
            arrow = _begins_with_box((step,))
            yield _link((left, middle), (left + _GAP, middle), arrow=arrow)
            left += _GAP
        yield from _draw_step(step, left, middle)
        left += _measure_step(step).width


def _draw_step(step: Step, left: float, middle: float) -> Iterator[str]:
    right = left + _measure_step(step).width
    box = _box_width(step.box)
    if not step.branches:
        yield _box(step.box, left, middle)
        return
    if step.joins:
        # The request goes to all branches, and what they answer into the box.
        begin, end, box_left = left, right - box, right - box
        yield _dot(left, middle)
    else:
        # What the branches answer goes on from where they meet.
        begin, end, box_left = left + box, right, left
        yield _dot(right, middle)
    yield _box(step.box, box_left, middle)
    sizes = [_measure(branch) for branch in step.branches]
    top = middle - (sum(size.height for size in sizes) + _BRANCH_GAP * (len(sizes) - 1)) / 2
    for branch, size in zip(step.branches, sizes, strict=True):
        own = top + size.height / 2
        inner = begin + _GAP
        yield _link((begin, middle), (inner, own), arrow=_begins_with_box(branch))
        yield from _draw(branch, inner, own)
        # Straight past the longer branches before it bends, so that it crosses none.
        straight = _line(inner + size.width, end - _GAP, own)
        yield straight + _link((end - _GAP, own), (end, middle), arrow=step.joins)
        top += size.height + _BRANCH_GAP


def _begins_with_box(flow: Flow) -> bool:
    """Whether a link into it ends at a box, rather than at the dot before branches."""
    return not (flow[0].branches and flow[0].joins)


def _box(box: Box, left: float, middle: float) -> str:
    width, top = _box_width(box), middle - _BOX_HEIGHT / 2
    colour = _COLOURS.get(box.role, "model")
    text = left + _PADDING
    whole = ", ".join(part for part in (box.name, box.role, box.runs) if part)
    pod = f'<text class="p" x="{left + width - 8:.1f}" y="{top + 36:.1f}">pod {box.pod}</text>'
    return (
        f"<g><title>{escape(whole)}</title>"
        f'<rect class="b" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
        f'height="{_BOX_HEIGHT}" rx="8"/>'
        f'<rect class="{colour}" x="{left:.1f}" y="{top + 8:.1f}" width="4" '
        f'height="{_BOX_HEIGHT - 16}" rx="2"/>'
        f'<text class="n" x="{text:.1f}" y="{top + 20:.1f}">{escape(_cut(box.name))}</text>'
        f'<text class="r" x="{text:.1f}" y="{top + 36:.1f}">{escape(box.role)}</text>'
        f"{pod if box.pod else ''}"
        f'<text class="w" x="{text:.1f}" y="{top + 52:.1f}">{escape(_cut(box.runs))}</text></g>'
    )


def _link(start: tuple[float, float], end: tuple[float, float], *, arrow: bool) -> str:
    (x1, y1), (x2, y2) = start, end
    bend = (x1 + x2) / 2
    marker = ' marker-end="url(#sg-arrow)"' if arrow else ""
    path = f"M{x1:.1f} {y1:.1f}C{bend:.1f} {y1:.1f} {bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    return f'<path class="l" d="{path}"{marker}/>'


def _line(start: float, end: float, y: float) -> str:
    return f'<path class="l" d="M{start:.1f} {y:.1f}H{end:.1f}"/>' if end > start else ""


def _dot(x: float, y: float) -> str:
    return f'<circle class="d" cx="{x:.1f}" cy="{y:.1f}" r="{_DOT}"/>'


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"…{text[-_LONGEST + 1 :]}"
