"""Cost and quality of models and strategies as a picture: one panel a data set, plain SVG, readable on light and on dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from contest import Found, Panel
from figures import hull_height

__all__ = ["drawn"]

WIDTH, HEIGHT, COLUMNS = 330, 250, 3
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 26, 34
#: rows of the legend, and their height
ROW = 18

STYLE = """\
text { font: 11px system-ui, sans-serif; fill: #333 } .name { font-weight: 600 } .small { font-size: 10px }
.frame { fill: none; stroke: #999; stroke-width: 1 } .grid { stroke: #999; stroke-opacity: .25 }
.hull { fill: none; stroke: #777; stroke-width: 1.5; stroke-dasharray: 4 3 } .model { fill: #999; fill-opacity: .6 }
.s { stroke: #fff; stroke-width: 1 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .hull { stroke: #aaa } .model { fill: #888 } .s { stroke: #111 } }
"""
#: shape and colour of each strategy, in the order of the table; the colours are told apart on white and on black
MARKS = (
    ("triangle", "#2a9d5c"),
    ("frame", "#d1495b"),
    ("cross", "#8a8a8a"),
    ("circle", "#5aa9e6"),
    ("circle", "#2e6fb7"),
    ("diamond", "#e3b23c"),
    ("diamond", "#d98324"),
    ("diamond", "#b05a1e"),
    ("square", "#8e5ea2"),
    ("star", "#ff7f50"),
    ("star", "#e6195f"),
)


def drawn(panels: Sequence[Panel]) -> str:
    """The picture as the text of an SVG file."""
    rows = math.ceil(len(panels) / COLUMNS)
    names = [found.entry.name.replace("`", "") for found in panels[0].found]
    legend = math.ceil((len(names) + 2) / 2) * ROW + 12
    size = (COLUMNS * WIDTH, rows * HEIGHT + legend)
    label = "Quality over cost of models and strategies, one panel a data set"
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" role="img" aria-label="{label}">'
    parts = [opening, f"<style>{STYLE}</style>"]
    for number, panel in enumerate(panels):
        x, y = number % COLUMNS * WIDTH, number // COLUMNS * HEIGHT
        parts += [f'<g transform="translate({x} {y})">', *_Plot(panel).parts(), "</g>"]
    parts += [*_legend(names, rows * HEIGHT + 16), "</svg>"]
    return "\n".join(parts) + "\n"


def _legend(names: Sequence[str], top: int) -> list[str]:
    marks = [*(_mark(shape, colour, 0, 0, name) for (shape, colour), name in zip(MARKS, names, strict=True))]
    marks += ['<circle class="model" r="3"/>', '<path class="hull" d="M-8 0H8"/>']
    parts = []
    every = [*names, "one model", "hull: the best mixes of models, known afterwards"]
    for number, (mark, name) in enumerate(zip(marks, every, strict=True)):
        x, y = 24 + number % 2 * COLUMNS * WIDTH // 2, top + number // 2 * ROW
        parts.append(f'<g transform="translate({x} {y})">{mark}<text x="14" y="4">{escape(name)}</text></g>')
    return parts


class _Plot:
    """One panel: the logarithm of the cost to the right, quality upwards."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        costs = [cost for _, cost, _ in panel.models]
        shown = [quality for _, _, quality in panel.models] + [found.quality for found in panel.found]
        self.low, self.high = math.log10(min(costs)) - 0.08, math.log10(max(costs)) + 0.08
        margin = 0.06 * (max(shown) - min(shown))
        self.bottom, self.top = min(shown) - margin, max(shown) + margin

    def x(self, cost: float) -> float:
        """Place of a cost."""
        return round(LEFT + (math.log10(cost) - self.low) / (self.high - self.low) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, quality: float) -> float:
        """Place of a quality."""
        return round(TOP + (self.top - quality) / (self.top - self.bottom) * (HEIGHT - TOP - BOTTOM), 1)

    def parts(self) -> list[str]:
        """Everything in the panel."""
        panel = self.panel
        title = f"{panel.recorded.name}: {len(panel.recorded.prompts):,} prompts, {len(panel.models)} models"
        frame = f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}"/>'
        parts = [f'<text class="name" x="{LEFT}" y="16">{escape(title)}</text>', frame, *self._scales(), self._hull()]
        for name, cost, quality in panel.models:
            place = f'cx="{self.x(cost)}" cy="{self.y(quality)}"'
            parts.append(f'<circle class="model" {place} r="3">{_title(name, cost, quality)}</circle>')
        # those that come last in the table lie on top
        return parts + [self._point(found, MARKS[number]) for number, found in enumerate(panel.found)]

    def _point(self, found: Found, mark: tuple[str, str]) -> str:
        return _mark(*mark, self.x(found.cost), self.y(found.quality), _told(found.entry.name, found.cost, found.quality))

    def _hull(self) -> str:
        vertices = self.panel.hull
        first, last = math.log10(vertices[0][0]), math.log10(vertices[-1][0])
        costs = [10 ** (first + (last - first) * step / 60) for step in range(61)] + [10**self.high]
        points = " ".join(f"{self.x(cost)},{self.y(hull_height(vertices, cost))}" for cost in costs)
        return f'<polyline class="hull" points="{points}"/>'

    def _scales(self) -> list[str]:
        parts = []
        for exponent in range(math.floor(self.low), math.ceil(self.high) + 1):
            for digit in (1, 2, 5):
                cost = digit * 10.0**exponent
                if self.low <= math.log10(cost) <= self.high:
                    parts.append(f'<path class="grid" d="M{self.x(cost)} {TOP}V{HEIGHT - BOTTOM}"/>')
                    parts.append(_text(self.x(cost), HEIGHT - BOTTOM + 13, f"{cost * 1000:g}", "middle"))
        step = 0.05 if self.top - self.bottom < 0.3 else 0.1
        for count in range(math.ceil(self.bottom / step), math.floor(self.top / step) + 1):
            parts.append(f'<path class="grid" d="M{LEFT} {self.y(count * step)}H{WIDTH - RIGHT}"/>')
            parts.append(_text(LEFT - 4, self.y(count * step) + 4, f"{count * step:.2f}", "end"))
        return [*parts, _text((WIDTH + LEFT) / 2, HEIGHT - 6, "US dollars for 1,000 prompts", "middle")]


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="small" x="{round(x, 1)}" y="{round(y, 1)}" text-anchor="{anchor}">{escape(text)}</text>'


def _told(name: str, cost: float, quality: float) -> str:
    return f"{name.replace('`', '')}: {quality:.3f} for ${cost * 1000:.3g} per 1,000"


def _title(name: str, cost: float, quality: float) -> str:
    return f"<title>{escape(_told(name, cost, quality))}</title>"


def _mark(shape: str, colour: str, x: float, y: float, told: str) -> str:
    radii = (8.0, 3.4) * 5
    star = " ".join(f"{r * math.sin(n * math.pi / 5):.1f},{-r * math.cos(n * math.pi / 5):.1f}" for n, r in enumerate(radii))
    shapes = {
        "circle": '<circle r="5"/>',
        # around others that lie on the same place
        "frame": '<rect x="-8" y="-8" width="16" height="16"/>',
        "square": '<rect x="-4.5" y="-4.5" width="9" height="9"/>',
        "diamond": '<path d="M0-6.5L6.5 0L0 6.5L-6.5 0Z"/>',
        "triangle": '<path d="M0-6L6 5H-6Z"/>',
        "cross": '<path d="M-5-3L-3-5L0-2L3-5L5-3L2 0L5 3L3 5L0 2L-3 5L-5 3L-2 0Z"/>',
        "star": f'<polygon points="{star}"/>',
    }
    return f'<g class="s" fill="{colour}" transform="translate({x} {y})"><title>{escape(told)}</title>{shapes[shape]}</g>'
