"""A timeline as SVG: a lane per camera, a bar per sighting, hatched gaps, lines from hop to hop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from query.trajectory import Trajectory

_WIDTH = 1000.0
_LEFT = 110.0
_RIGHT = 14.0
_LANE = 30.0
_ROW = 8.0
_TOP = 8.0
_AXIS = 26.0
_MIN_BAR = 3.0
_NICE_STEPS_S = (
    0.5,
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    1800,
    3600,
    7200,
    21600,
    86400,
    604800,
)


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Maps moments to x; `started_at` < `ended_at`, Unix seconds."""

    started_at: float
    ended_at: float

    def x(self, at: float) -> float:
        """Horizontal position of a moment."""
        share = (at - self.started_at) / (self.ended_at - self.started_at)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def ticks(self) -> list[float]:
        """At most about ten round moments."""
        span = self.ended_at - self.started_at
        step = next((s for s in _NICE_STEPS_S if span / s <= 10), _NICE_STEPS_S[-1])
        first = math.ceil(self.started_at / step)
        return [i * step for i in range(first, math.floor(self.ended_at / step) + 1)]


def time_axis(ways: Sequence[Trajectory]) -> TimeAxis:
    """The axis that all sightings fit on."""
    sightings = [sighting for way in ways for sighting in way.sightings]
    started_at = min((s.started_at for s in sightings), default=0.0)
    ended_at = max((s.ended_at for s in sightings), default=1.0)
    return TimeAxis(started_at, max(ended_at, started_at + 1.0))


def colour_of(position: int) -> str:
    """A hue per identity; neighbours in the list differ by the golden angle."""
    return f"hsl({(position * 137.508) % 360:.0f} 62% 48%)"


def timeline_svg(
    ways: Sequence[Trajectory], colours: Sequence[str], cameras: Sequence[str], axis: TimeAxis
) -> str:
    """All trajectories on one timeline; sightings at one time in one lane stand in rows."""
    lanes, height = _lanes(ways, cameras)
    parts = [_axis(axis, height), *(_lane(cameras[i], y, h) for i, (y, h) in enumerate(lanes))]
    rows = _rows(ways)
    for position, way in enumerate(ways):
        points = []
        for sighting in way.sightings:
            top, _ = lanes[list(cameras).index(sighting.camera_id)]
            y = top + 6 + rows[sighting.tracklet_id] * _ROW
            x1, x2 = axis.x(sighting.started_at), axis.x(sighting.ended_at)
            points += [(x1, y + 2.5), (max(x2, x1 + _MIN_BAR), y + 2.5)]
            title = escape(
                f"{way.identity_id} in {sighting.camera_id}, "
                f"{sighting.ended_at - sighting.started_at:.1f} s, "
                f"probability {sighting.probability:.2f}"
            )
            parts.append(
                f'<a href="#{escape(way.identity_id)}"><rect x="{x1:.1f}" y="{y:.1f}" height="5" '
                f'width="{max(x2 - x1, _MIN_BAR):.1f}" rx="2" fill="{colours[position]}">'
                f"<title>{title}</title></rect></a>"
            )
        if len(ways) == 1:
            parts += _gaps(way, axis, height)
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.insert(
            0,
            f'<polyline points="{path}" fill="none" stroke="{colours[position]}" '
            'stroke-opacity="0.35" stroke-width="1"/>',
        )
    return (
        f'<svg viewBox="0 0 {_WIDTH:.0f} {height + _AXIS:.0f}" role="img" '
        f'aria-label="Timeline of {len(ways)} identities">'
        '<defs><pattern id="gap" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><line y2="6" class="hatch"/></pattern></defs>'
        + "".join(parts)
        + "</svg>"
    )


def _lanes(
    ways: Sequence[Trajectory], cameras: Sequence[str]
) -> tuple[list[tuple[float, float]], float]:
    """Top and height of every camera's lane, and the height of all."""
    rows = _rows(ways)
    lanes, y = [], _TOP
    for camera_id in cameras:
        mine = [s for way in ways for s in way.sightings if s.camera_id == camera_id]
        deepest = max((rows[s.tracklet_id] for s in mine), default=0)
        height = max(_LANE, 12 + (deepest + 1) * _ROW)
        lanes.append((y, height))
        y += height
    return lanes, y


def _rows(ways: Sequence[Trajectory]) -> dict[str, int]:
    """Row of every sighting inside its lane: the first that is free at its start."""
    free: dict[str, list[float]] = {}
    rows = {}
    ordered = sorted((s for way in ways for s in way.sightings), key=lambda s: s.started_at)
    for sighting in ordered:
        lane = free.setdefault(sighting.camera_id, [])
        row = next((i for i, at in enumerate(lane) if at < sighting.started_at), len(lane))
        lane[row : row + 1] = [sighting.ended_at]
        rows[sighting.tracklet_id] = row
    return rows


def _axis(axis: TimeAxis, height: float) -> str:
    parts = []
    has_fractions = axis.ended_at - axis.started_at < 5
    for tick in axis.ticks():
        x = axis.x(tick)
        moment = datetime.fromtimestamp(tick, UTC)
        label = moment.strftime("%H:%M:%S") + (f".{moment.microsecond // 100000}" * has_fractions)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height:.0f}" class="grid"/>'
            f'<text x="{x:.1f}" y="{height + 16:.0f}" text-anchor="middle">{label}</text>'
        )
    return "".join(parts)


def _lane(camera_id: str, y: float, height: float) -> str:
    return (
        f'<line x1="0" x2="{_WIDTH:.0f}" y1="{y:.0f}" y2="{y:.0f}" class="grid"/>'
        f'<text x="4" y="{y + height / 2 + 4:.0f}">{escape(camera_id)}</text>'
    )


def _gaps(way: Trajectory, axis: TimeAxis, height: float) -> list[str]:
    return [
        f'<rect x="{axis.x(gap.started_at):.1f}" y="0" height="{height:.0f}" fill="url(#gap)" '
        f'width="{axis.x(gap.ended_at) - axis.x(gap.started_at):.1f}">'
        f"<title>unseen for {gap.ended_at - gap.started_at:.1f} s</title></rect>"
        for gap in way.gaps
    ]
