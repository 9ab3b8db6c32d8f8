"""Parts of a drawn body: swept ellipses in space, and their outline in the image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.synthetic_paint import Paint
from streams.synthetic_view import Plane, Vector, View


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A swept ellipse with rounded ends.

    Attributes:
        start: One end of the axis.
        end: The other end.
        widths_m: Half-widths from side to side of the body, evenly spaced from start to end.
        depths_m: Half-widths from back to front, as many.
        paint: What its surface looks like.
        is_cut: The far end is cut off flat, as a hem is, not rounded.
    """

    start: Vector
    end: Vector
    widths_m: tuple[float, ...]
    depths_m: tuple[float, ...]
    paint: Paint
    is_cut: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class BodyAxes:
    """The body's directions to the front, the left and up, each as (right, up, to the camera)."""

    front: Vector
    left: Vector
    up: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """A part in the image: its axis and its half-width along it.

    Attributes:
        start: Column, row (pixels) and depth (metres) of the start.
        extent: From there to the end, likewise.
        radii_px: Half-widths, evenly spaced from start to end.
        length_m: Length in space.
        metres_per_px: Scale at the middle.
        bulge: How far the part comes towards the camera, relative to its half-width in the image.
        box: First column and row, and the last ones plus one, of the part and its soft edge.
    """

    start: tuple[float, float, float]
    extent: tuple[float, float, float]
    radii_px: tuple[float, ...]
    length_m: float
    metres_per_px: float
    bulge: float
    box: tuple[int, int, int, int]

    def grid(self) -> tuple[Plane, Plane]:
        """Columns (1, w) and rows (h, 1) of the box, counted from the start of the axis."""
        left, top, right, bottom = self.box
        columns = np.arange(left, right, dtype=np.float32)[None, :]
        rows = np.arange(top, bottom, dtype=np.float32)[:, None]
        return columns - np.float32(self.start[0]), rows - np.float32(self.start[1])

    def along(self, columns: Plane, rows: Plane) -> Plane:
        """(h, w) place of the nearest point of the axis, 0 at its start and 1 at its end."""
        across, down, _ = self.extent
        scale = across * across + down * down + 1e-6
        along: Plane = columns * np.float32(across / scale) + rows * np.float32(down / scale)
        np.maximum(along, 0, out=along)
        return np.minimum(along, 1, out=along)

    def before_end(self, columns: Plane, rows: Plane) -> Plane:
        """(h, w) pixels that are left to the end of the axis; negative beyond it."""
        across, down, _ = self.extent
        length = math.hypot(across, down) + 1e-6
        passed = columns * np.float32(across / length) + rows * np.float32(down / length)
        left: Plane = np.float32(length) - passed
        return left

    def radius(self, along: Plane) -> Plane:
        """(h, w) half-width in pixels at places along the axis."""
        last = max(len(self.radii_px) - 1, 1)
        places = [number / last for number in range(len(self.radii_px))]
        radius: npt.NDArray[np.float32] = np.interp(along, places, self.radii_px).astype(np.float32)
        return radius


def body_axes(view: View, heading_rad: float) -> BodyAxes:
    """Directions of a body that faces `heading_rad`, counter-clockwise from x from above."""
    right, up, ahead = view.axes
    to_view = np.stack((right, up, -ahead))
    cosine, sine = math.cos(heading_rad), math.sin(heading_rad)
    front = to_view @ np.array((cosine, sine, 0), np.float32)
    left = to_view @ np.array((-sine, cosine, 0), np.float32)
    return BodyAxes(front, left, to_view @ np.array((0, 0, 1), np.float32))


def project_parts(view: View, parts: Sequence[Part], body: BodyAxes) -> list[Axis]:
    """The parts in the image, in the same order; radii are at least a third of a pixel."""
    points = np.stack([point for part in parts for point in (part.start, part.end)])
    ends = view.project(points).reshape(-1, 2, 3).tolist()
    lengths = np.linalg.norm(points[1::2] - points[::2], axis=1).tolist()
    # The ellipse's half-width as seen from the side on which the camera stands.
    sideways, lengthways = abs(float(body.left[0])), abs(float(body.front[0]))
    axes = []
    for part, (start, end), length_m in zip(parts, ends, lengths, strict=True):
        pairs = list(zip(part.widths_m, part.depths_m, strict=True))
        last = max(len(pairs) - 1, 1)
        radii_m = [math.hypot(width * sideways, depth * lengthways) for width, depth in pairs]
        bulges_m = [math.hypot(width * lengthways, depth * sideways) for width, depth in pairs]
        depths = [start[2] + (end[2] - start[2]) * i / last for i in range(len(pairs))]
        radii_px = tuple(
            max(radius * view.focal_px / depth, 1 / 3)
            for radius, depth in zip(radii_m, depths, strict=True)
        )
        axes.append(
            Axis(
                start=(start[0], start[1], start[2]),
                extent=(end[0] - start[0], end[1] - start[1], end[2] - start[2]),
                radii_px=radii_px,
                length_m=length_m + 1e-6,
                metres_per_px=(start[2] + end[2]) / 2 / view.focal_px,
                bulge=sum(bulges_m) / sum(radii_m),
                box=_box(start, end, max(radii_px) + 1),
            )
        )
    return axes


def _box(start: list[float], end: list[float], reach: float) -> tuple[int, int, int, int]:
    return (
        math.floor(min(start[0], end[0]) - reach),
        math.floor(min(start[1], end[1]) - reach),
        math.ceil(max(start[0], end[0]) + reach) + 1,
        math.ceil(max(start[1], end[1]) + reach) + 1,
    )
