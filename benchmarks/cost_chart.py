"""The chart of what deciding costs: rate and p99 against what is known, as an SVG file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from training.charts import Axis, Series, line_chart

_COLOURS = ("#2b6cb0", "#c05621")
_STYLE = (
    "svg{font:12px sans-serif;background:#fff;"
    + "".join(f"--series-{number}:{colour};" for number, colour in enumerate(_COLOURS, start=1))
    + "}text{fill:#333}.grid{stroke:#ddd}.line{fill:none;stroke-width:2}"
)


@dataclass(frozen=True, slots=True)
class CostPoint:
    """What deciding costs at one size.

    Attributes:
        num_exemplars: Features that are known.
        decisions_per_s: On one thread.
        p99_ms: Of the time of a window.
    """

    num_exemplars: int
    decisions_per_s: float
    p99_ms: float


def cost_chart(points: Sequence[CostPoint]) -> str:
    """An SVG document; both axes are logarithmic.

    Args:
        points: At least one.
    """
    ordered = sorted(points, key=lambda point: point.num_exemplars)
    sizes = np.array([point.num_exemplars for point in ordered], dtype=np.float64)
    series = [
        Series("decisions a second", sizes, np.array([p.decisions_per_s for p in ordered])),
        Series("p99 of a window, ms", sizes, np.array([p.p99_ms for p in ordered])),
    ]
    values = np.concatenate([each.y for each in series])
    x_axis = Axis("exemplars known", *_decades(sizes), is_log=True)
    y_axis = Axis("decisions a second; milliseconds", *_decades(values), is_log=True)
    return _document(line_chart(series, x_axis, y_axis), [each.name for each in series])


def write_cost_chart(points: Sequence[CostPoint], file: Path) -> None:
    """Writes the chart.

    Raises:
        OSError: The file cannot be written.
    """
    file.write_text(cost_chart(points), encoding="utf-8")


def _decades(values: np.ndarray) -> tuple[float, float]:
    """The powers of ten around some values > 0."""
    low = np.floor(np.log10(values.min()) + 1e-9)
    high = np.ceil(np.log10(values.max()) - 1e-9)
    return float(10.0**low), float(10.0 ** max(high, low + 1))


def _document(figure: str, names: Sequence[str]) -> str:
    """The drawing of a page's figure as a file of its own: with colours, and the legend in it."""
    start, end = figure.index("<svg"), figure.index("</svg>")
    drawing = figure[start:end].replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    head, tag_end, body = drawing.partition(">")
    legend = "".join(
        f'<text x="70" y="{26 + 16 * number}" style="fill:{_COLOURS[number]}">{escape(name)}</text>'
        for number, name in enumerate(names)
    )
    return f"{head}{tag_end}<style>{_STYLE}</style>{body}{legend}</svg>\n"
