"""A chart of similarities as SVG: different people, links, the fitted curve and the threshold."""

from __future__ import annotations

from html import escape

import numpy as np
import numpy.typing as npt

from matcher.different_people import LOWEST, NUM_STEPS, STEP
from query.calibration_report import CalibrationReport

_WIDTH, _HEIGHT = 760.0, 330.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 46.0, 30.0, 40.0
_FIRST, _LAST = LOWEST, LOWEST + STEP * NUM_STEPS
_STEPS_PER_BAR = 2
_STYLE = (
    "svg{background:var(--page,#fff);font:12px system-ui,sans-serif;--ink:#1c2430;--dim:#5b6676;"
    "--line:#dfe4ea;--different:#8a94a3;--linked:#2f74c0;--confirmed:#2a8c4a;--curve:#c2452d}"
    "@media(prefers-color-scheme:dark){svg{--page:#12171d;--ink:#e8ecf1;--dim:#9aa6b5;"
    "--line:#323b47;--different:#7d8897;--linked:#6aa5e8;--confirmed:#63c184;--curve:#f08a72}}"
    "text{fill:var(--dim)}.title{fill:var(--ink);font-weight:600}.grid{stroke:var(--line)}"
    ".curve{fill:none;stroke:var(--curve);stroke-width:2}.before{stroke-dasharray:2 4;"
    "stroke-width:1.2}.threshold{stroke:var(--ink);stroke-dasharray:6 4}"
)


def similarity_svg(report: CalibrationReport) -> str:
    """One space's chart; shares of each kind of pair on the left, probability on the right."""
    kinds = [
        ("different", "different people", report.different),
        ("linked", "linked", report.linked),
        ("confirmed", "confirmed", report.confirmed),
    ]
    shares = {name: _shares(counts) for name, _, counts in kinds}
    top = max(0.01, *(float(share.max()) for share in shares.values()))
    parts = [_axes(top)]
    parts += [_bars(shares[name], top, name) for name, _, counts in kinds if counts.any()]
    parts.append(_curve(report.base.probability(_grid()), "curve before"))
    parts.append(_curve(report.site.probability(_grid()), "curve"))
    parts.append(_threshold(report))
    parts.append(_legend([(n, f"{title}: {int(c.sum())}") for n, title, c in kinds]))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" '
        f'role="img" aria-label="Similarities of {escape(report.space)}"><style>{_STYLE}</style>'
        f'<text class="title" x="{_LEFT}" y="16">{escape(report.space)}</text>'
        + "".join(parts)
        + "</svg>"
    )


def _grid() -> npt.NDArray[np.float64]:
    return np.linspace(_FIRST, _LAST, 126)


def _x(similarity: float) -> float:
    share = (similarity - _FIRST) / (_LAST - _FIRST)
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _shares(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Share of the pairs in each bar."""
    wide = np.pad(counts, (0, -len(counts) % _STEPS_PER_BAR))
    sums = wide.reshape(-1, _STEPS_PER_BAR).sum(axis=1)
    return np.asarray(sums / max(1, int(counts.sum())))


def _axes(top: float) -> str:
    parts = []
    for tenth in range(-2, 11, 2):
        x = _x(tenth / 10)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_y(0):.1f}"/>'
            f'<text x="{x:.1f}" y="{_y(0) + 16:.1f}" text-anchor="middle">{tenth / 10:g}</text>'
        )
    for share in (0.0, 0.5, 1.0):
        y, percent = _y(share), 100 * share * top
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{percent:.1f} %</text>'
            f'<text x="{_WIDTH - _RIGHT + 6}" y="{y + 4:.1f}">{share:g}</text>'
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text x="{middle:.1f}" y="{_HEIGHT - 6:.1f}" text-anchor="middle">similarity (left: '
        "share of pairs, right: probability of one person)</text>"
    )
    return "".join(parts)


def _bars(shares: npt.NDArray[np.float64], top: float, name: str) -> str:
    width = _STEPS_PER_BAR * STEP
    bars = []
    for number in np.flatnonzero(shares).tolist():
        left, right = _x(_FIRST + number * width), _x(_FIRST + (number + 1) * width)
        y = _y(float(shares[number]) / top)
        bars.append(
            f'<rect x="{left:.1f}" y="{y:.1f}" width="{right - left:.1f}" '
            f'height="{_y(0) - y:.1f}"/>'
        )
    return f'<g fill="var(--{name})" fill-opacity="0.55">{"".join(bars)}</g>'


def _curve(probabilities: npt.NDArray[np.float64], style: str) -> str:
    points = " ".join(
        f"{_x(similarity):.1f},{_y(probability):.1f}"
        for similarity, probability in zip(_grid().tolist(), probabilities.tolist(), strict=True)
    )
    return f'<polyline class="{style}" points="{points}"/>'


def _threshold(report: CalibrationReport) -> str:
    x = _x(min(max(report.threshold, _FIRST), _LAST))
    return (
        f'<line class="threshold" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_y(0):.1f}"/>'
        f'<text x="{x + 5:.1f}" y="{_TOP + 12}">{report.threshold:.3f}: one false match in '
        f"{1 / report.false_match_rate:.0f} comparisons</text>"
    )


def _legend(entries: list[tuple[str, str]]) -> str:
    parts = [
        f'<rect x="{_LEFT + 8}" y="{_TOP + 10 + 18 * row}" width="10" height="10" '
        f'fill="var(--{name})"/><text x="{_LEFT + 23}" y="{_TOP + 19 + 18 * row}">{escape(text)}'
        "</text>"
        for row, (name, text) in enumerate(entries)
    ]
    return "".join(parts)
