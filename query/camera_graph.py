"""The ways between the cameras of a site: a table of travel times, and a drawing of the graph."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from matcher.topology import CameraPair, Topology
from matcher.travel_times import LearnedWay, TravelTimes

_SIZE = 640.0
_MARGIN = 90.0
_RADIUS = 24.0
_BEND = 26.0
_STYLE = (
    "svg{background:var(--page,#fff);font:12px system-ui,sans-serif;--ink:#1c2430;--dim:#5b6676;"
    "--line:#2f74c0;--bad:#c2452d;--card:#eef2f7}"
    "@media(prefers-color-scheme:dark){svg{--page:#12171d;--ink:#e8ecf1;--dim:#9aa6b5;"
    "--line:#6aa5e8;--bad:#f08a72;--card:#1f2731}}"
    "text{fill:var(--ink);text-anchor:middle}.way{fill:none;stroke:var(--line)}"
    ".label{font-size:11px;paint-order:stroke;stroke:var(--page,#fff);stroke-width:3px}"
    ".camera{fill:var(--card);stroke:var(--dim)}.told{fill:none;stroke:var(--dim);"
    "stroke-dasharray:3 4}.forbidden{fill:none;stroke:var(--bad);stroke-dasharray:3 4}"
)


@dataclass(frozen=True, slots=True)
class WayLine:
    """What is known of the way from one camera to another.

    Attributes:
        from_camera_id: Where people leave.
        to_camera_id: Where they come next.
        num_links: Links that teach it, of the last days: people who came within an hour.
        low_s: One in ten of them took less; None: there are none.
        median_s: Half took less; None: there are none.
        high_s: One in ten took longer; None: there are none.
        num_returns: People who came later.
        told: What the settings say of the two.
    """

    from_camera_id: str
    to_camera_id: str
    num_links: int
    low_s: float | None
    median_s: float | None
    high_s: float | None
    num_returns: int
    told: str


def way_lines(
    topology: Topology, travel_times: TravelTimes, camera_ids: Sequence[str]
) -> list[WayLine]:
    """All ways that the settings name, or that somebody took.

    Args:
        topology: Of the site, as the settings say.
        travel_times: What was learned.
        camera_ids: Cameras in the order in which they are shown.
    """
    lines = []
    for one in camera_ids:
        for other in camera_ids:
            told = "" if one == other else told_of(topology.named(one, other))
            way = travel_times.way(one, other)
            if way is not None or told:
                lines.append(_line(one, other, way, told))
    return lines


def told_of(pair: CameraPair | None) -> str:
    """What the settings say of a pair, in words; empty if they do not name it.

    >>> told_of(CameraPair(min_s=5, max_s=60)), told_of(CameraPair(overlap=True)), told_of(None)
    ('5 to 60 s', 'overlap', '')
    """
    if pair is None:
        return ""
    if not pair.is_possible:
        return "no direct way"
    if pair.overlap:
        return "overlap"
    return f"{pair.min_s:g} to {pair.max_s:g} s"


def _line(one: str, other: str, way: LearnedWay | None, told: str) -> WayLine:
    if way is None:
        return WayLine(one, other, 0, None, None, None, 0, told)
    times = (way.low_s, way.median_s, way.high_s)
    return WayLine(one, other, way.num_links, *times, way.num_returns, told)


def camera_graph_svg(
    lines: Iterable[WayLine],
    camera_ids: Sequence[str],
    positions_m: Mapping[str, tuple[float, float]] | None = None,
) -> str:
    """The graph: cameras, and an arrow for each way with its travel time and number of links.

    Args:
        lines: Of ways.
        camera_ids: All cameras; N = 0 gives an empty drawing.
        positions_m: Where cameras stand on the plan; if one is missing, they stand in a circle.
    """
    places = _places(camera_ids, positions_m or {})
    shown = list(lines)
    most = max((line.num_links for line in shown), default=1)
    ways = "".join(_way(line, places, most) for line in shown)
    cameras = "".join(
        f'<circle class="camera" cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}"/>'
        f'<text x="{x:.1f}" y="{y + 4:.1f}">{escape(camera_id)}</text>'
        for camera_id, (x, y) in places.items()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE:.0f} {_SIZE:.0f}" role="img" '
        f'aria-label="Ways between {len(places)} cameras"><style>{_STYLE}</style>'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" markerUnits="userSpaceOnUse" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="var(--line)"/></marker></defs>'
        f"{ways}{cameras}</svg>"
    )


def _places(
    camera_ids: Sequence[str], positions_m: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Where each camera is drawn."""
    if not camera_ids:
        return {}
    if set(camera_ids) <= set(positions_m) and len(camera_ids) > 1:
        points = [positions_m[camera_id] for camera_id in camera_ids]
    else:
        turn = 2 * math.pi / len(camera_ids)
        points = [(math.sin(turn * n), -math.cos(turn * n)) for n in range(len(camera_ids))]
    left, top = (min(values) for values in zip(*points, strict=True))
    width, height = (max(v) - min(v) for v in zip(*points, strict=True))
    scale = (_SIZE - 2 * _MARGIN) / max(width, height, 1e-9)
    return {
        camera_id: (
            _SIZE / 2 + scale * (x - left - width / 2),
            _SIZE / 2 + scale * (y - top - height / 2),
        )
        for camera_id, (x, y) in zip(camera_ids, points, strict=True)
    }


def _way(line: WayLine, places: Mapping[str, tuple[float, float]], most: int) -> str:
    start, end = places[line.from_camera_id], places[line.to_camera_id]
    if start == end:
        return _stay(line, start) if line.num_links else ""
    if not line.num_links:
        if line.from_camera_id > line.to_camera_id or not line.told:
            return ""  # what is told holds in both directions and is drawn once
        style = "forbidden" if line.told == "no direct way" else "told"
        return f'<path class="{style}" d="M{_point(start)}L{_point(end)}"/>'
    length = math.dist(start, end)
    along = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
    beside = (along[1], -along[0])
    bend = _moved(_moved(start, along, length / 2), beside, 2 * _BEND)
    first = _moved(start, along, _RADIUS)
    last = _moved(_moved(end, along, -_RADIUS - 2), beside, _BEND / 4)
    label = _moved(_moved(start, along, length / 2), beside, _BEND + 4)
    width = 1 + 4 * math.sqrt(line.num_links / most)
    return (
        f'<path class="way" stroke-width="{width:.1f}" marker-end="url(#tip)" '
        f'd="M{_point(first)}Q{_point(bend)} {_point(last)}"/>'
        f'<text class="label" x="{label[0]:.1f}" y="{label[1]:.1f}">{_label(line)}'
        f"<title>{escape(_title(line))}</title></text>"
    )


def _stay(line: WayLine, place: tuple[float, float]) -> str:
    """Who comes back to the same camera: written below it."""
    x, y = place
    return (
        f'<text class="label" x="{x:.1f}" y="{y + _RADIUS + 14:.1f}">&#8635; {_label(line)}'
        f"<title>{escape(_title(line))}</title></text>"
    )


def _label(line: WayLine) -> str:
    median_s = line.median_s or 0.0
    time = (
        "at once" if median_s <= 0 else f"{median_s:.0f} s" if median_s < 600 else _long(median_s)
    )
    return f"{time} ({line.num_links})"


def _long(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _title(line: WayLine) -> str:
    text = f"{line.from_camera_id} to {line.to_camera_id}: {line.num_links} links"
    if line.low_s is not None and line.high_s is not None:
        text += f", eight in ten take {line.low_s:.1f} to {line.high_s:.1f} s"
    return f"{text}; settings: {line.told}" if line.told else text


def _moved(
    point: tuple[float, float], direction: tuple[float, float], by: float
) -> tuple[float, float]:
    return point[0] + by * direction[0], point[1] + by * direction[1]


def _point(point: tuple[float, float]) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"
