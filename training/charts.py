"""Charts as inline SVG: lines over an axis, and two histograms on one axis.

Colours are the CSS variables --series-1 and so on, so that a page shows them in light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

NUM_COLOURS = 6
_WIDTH, _HEIGHT = 560.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 14.0, 12.0, 44.0


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A line: its name in the legend, and (N,) places along x and y, x ascending."""

    name: str
    x: npt.NDArray[np.floating]
    y: npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis says and reaches from `low` to `high` > `low`; a log axis has `low` > 0."""

    title: str
    low: float
    high: float
    is_log: bool = False
    is_percent: bool = False

    def share(self, value: npt.NDArray[np.floating] | float) -> npt.NDArray[np.float64]:
        """Where values lie between low (0) and high (1)."""
        values = np.asarray(value, np.float64)
        low, high = self.low, self.high
        if self.is_log:
            values, low, high = np.log10(values), math.log10(low), math.log10(high)
        return np.asarray((values - low) / (high - low))

    def ticks(self) -> list[float]:
        """Some round values."""
        if self.is_log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1)]
        step = _round_step((self.high - self.low) / 5)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]

    def text(self, value: float) -> str:
        """How a value is written at the axis."""
        return f"{100 * value:.4g} %" if self.is_percent else f"{value:.4g}"


def line_chart(series: Sequence[Series], x_axis: Axis, y_axis: Axis) -> str:
    """Lines with a grid, axes and a legend; at most `NUM_COLOURS` can be told apart."""
    lines = [
        f'<polyline class="line" style="stroke:{_colour(number)}" '
        f'points="{_points(each.x, each.y, x_axis, y_axis)}"/>'
        for number, each in enumerate(series)
    ]
    return _chart([each.name for each in series], lines, x_axis, y_axis)


def histogram_chart(
    series: Sequence[tuple[str, npt.NDArray[np.floating]]], title: str, num_bins: int = 60
) -> str:
    """Shares of values in equal bins, as filled steps; each named array sums to 1."""
    low, high = _range([values for _, values in series])
    edges = np.linspace(low, high, num_bins + 1)
    counts = [(np.histogram(v, edges)[0] / max(1, len(v))).astype(np.float64) for _, v in series]
    highest = max((float(count.max(initial=0)) for count in counts), default=0) or 1.0
    x_axis = Axis(title, low, high)
    y_axis = Axis("share of pairs", 0, highest * 1.05, is_percent=True)
    x = np.repeat(edges, 2)
    areas = [
        f'<polygon class="area" style="stroke:{_colour(number)};fill:{_colour(number)}" '
        f'points="{_points(x, np.r_[0, np.repeat(count, 2), 0], x_axis, y_axis)}"/>'
        for number, count in enumerate(counts)
    ]
    return _chart([name for name, _ in series], areas, x_axis, y_axis)


def _chart(names: Sequence[str], marks: Sequence[str], x_axis: Axis, y_axis: Axis) -> str:
    title = f"{y_axis.title} over {x_axis.title}: {', '.join(names)}"
    return (
        f'<figure class="chart"><svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" '
        f'aria-label="{escape(title)}">{_grid(x_axis, y_axis)}{"".join(marks)}</svg>'
        f"<figcaption>{_legend(names)}</figcaption></figure>"
    )


def _legend(names: Sequence[str]) -> str:
    return " ".join(
        f'<span class="key"><i style="background:{_colour(number)}"></i>{escape(name)}</span>'
        for number, name in enumerate(names)
    )


def _grid(x_axis: Axis, y_axis: Axis) -> str:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = []
    for tick in y_axis.ticks():
        y = float(_y(y_axis, tick))
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{y_axis.text(tick)}</text>'
        )
    for tick in x_axis.ticks():
        x = float(_x(x_axis, tick))
        parts.append(
            f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{x_axis.text(tick)}</text>'
        )
    middle = (_LEFT + right) / 2
    parts.append(
        f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(x_axis.title)}</text>'
    )
    return "".join(parts)


def _points(
    x: npt.NDArray[np.floating], y: npt.NDArray[np.floating], x_axis: Axis, y_axis: Axis
) -> str:
    pairs = zip(_x(x_axis, x).tolist(), _y(y_axis, y).tolist(), strict=True)
    return " ".join(f"{left:.1f},{top:.1f}" for left, top in pairs)


def _x(axis: Axis, value: npt.NDArray[np.floating] | float) -> npt.NDArray[np.float64]:
    return np.asarray(_LEFT + axis.share(value) * (_WIDTH - _LEFT - _RIGHT))


def _y(axis: Axis, value: npt.NDArray[np.floating] | float) -> npt.NDArray[np.float64]:
    return np.asarray(_HEIGHT - _BOTTOM - axis.share(value) * (_HEIGHT - _TOP - _BOTTOM))


def _colour(number: int) -> str:
    return f"var(--series-{number % NUM_COLOURS + 1})"


def _round_step(step: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * 0.999)


def _range(arrays: Sequence[npt.NDArray[np.floating]]) -> tuple[float, float]:
    lows = [float(values.min()) for values in arrays if len(values)]
    highs = [float(values.max()) for values in arrays if len(values)]
    if not lows:
        return 0.0, 1.0
    low, high = min(lows), max(highs)
    return low, high if high > low else low + 1.0
