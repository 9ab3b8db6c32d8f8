"""Round shapes with depth: limbs, trunks and heads of drawn people, shaded pixel by pixel.

A figure is a set of swept ellipses ("parts"). A part is drawn by its distance to the projected axis,
which gives the silhouette, the surface's direction (for light and for patterns that wrap around) and a
depth for every pixel, so that parts join without seams and people hide each other truly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from streams.synthetic_paint import Colours, Paint, Surface, paint_colours
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
    """

    start: Vector
    end: Vector
    widths_m: tuple[float, ...]
    depths_m: tuple[float, ...]
    paint: Paint


@dataclass(frozen=True, slots=True)
class Light:
    """Light on a figure: everywhere `ambient`, and `direct` from a direction (unit vector)."""

    direction: tuple[float, float, float]
    ambient: float
    direct: float


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A drawn figure, in a window that may reach outside the image.

    Attributes:
        left: Column of the window in the image.
        top: Row of the window.
        colours: (h, w, 3) float32 BGR 0-255, multiplied by `cover`.
        cover: (h, w) float32 in [0, 1]: how much of the pixel the figure fills.
        depth: (h, w) float32 metres; infinity where the figure is not.
    """

    left: int
    top: int
    colours: npt.NDArray[np.float32]
    cover: Plane
    depth: Plane

    @property
    def silhouette(self) -> npt.NDArray[np.bool_]:
        """(h, w): the pixels that the figure fills by half or more."""
        return self.cover >= 0.5


_SOFTNESS_PX = 0.55
"""Blur of the drawn figure: the lens, and what hides the steps where parts cross."""


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A person's body at one moment.

    Attributes:
        parts: At least one; all of them more than a metre ahead of the camera.
        heading_rad: Where the body faces, counter-clockwise from x as seen from above.
        folds: (64, 64) noise of the clothes, see `synthetic_paint.fold_noise`.
    """

    parts: Sequence[Part]
    heading_rad: float
    folds: Plane


def draw_figure(view: View, figure: Figure, light: Light) -> Patch:
    """The figure as the camera sees it, at the image's resolution, parts before parts by depth."""
    body = _body_axes(view, figure.heading_rad)
    axes = [_project(view, part, body) for part in figure.parts]
    left, top, right, bottom = _bounds(axes)
    height, width = bottom - top, right - left
    colours = np.zeros((height, width, 3), np.float32)
    cover = np.zeros((height, width), np.float32)
    depth = np.full((height, width), np.float32(np.inf))
    pen = _Pen(view, body, _light_in_view(view, light), figure.folds)
    for part, axis in zip(figure.parts, axes, strict=True):
        window = _window(axis, left, top)
        if window is not None:
            rows, columns = window
            pen.draw(
                part,
                axis,
                (left + columns.start, top + rows.start),
                (colours[rows, columns], cover[rows, columns], depth[rows, columns]),
            )
    packed = np.dstack((colours * cover[..., None], cover))
    soft = cv2.GaussianBlur(packed, (0, 0), _SOFTNESS_PX)
    return Patch(left, top, soft[..., :3], soft[..., 3], depth)


@dataclass(frozen=True, slots=True, eq=False)
class _Body:
    """The body's directions to the front, the left and up, each as (right, up, to the camera)."""

    front: Vector
    left: Vector
    up: Vector


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """A part in the image: the axis' start, its extent, and half-widths along it in pixels."""

    start: Vector
    extent: Vector
    radii_px: npt.NDArray[np.float32]
    length_m: float
    metres_per_px: float


@dataclass(frozen=True, slots=True)
class _LocalLight:
    """A light, its direction given as (right, up, to the camera)."""

    direction: Vector
    ambient: float
    direct: float


def _body_axes(view: View, heading_rad: float) -> _Body:
    right, up, ahead = view.axes
    to_view = np.stack((right, up, -ahead))
    cosine, sine = math.cos(heading_rad), math.sin(heading_rad)
    front = to_view @ np.array((cosine, sine, 0), np.float32)
    left = to_view @ np.array((-sine, cosine, 0), np.float32)
    return _Body(front, left, to_view @ np.array((0, 0, 1), np.float32))


def _light_in_view(view: View, light: Light) -> _LocalLight:
    right, up, ahead = view.axes
    direction = np.stack((right, up, -ahead)) @ np.array(light.direction, np.float32)
    return _LocalLight(direction, light.ambient, light.direct)


def _project(view: View, part: Part, body: _Body) -> _Axis:
    ends = view.project(np.stack((part.start, part.end)))
    # The ellipse's half-width as seen from the side on which the camera stands.
    sideways, lengthways = abs(float(body.left[0])), abs(float(body.front[0]))
    radii_m = np.hypot(
        np.array(part.widths_m, np.float32) * sideways,
        np.array(part.depths_m, np.float32) * lengthways,
    )
    depths = np.linspace(ends[0, 2], ends[1, 2], radii_m.size, dtype=np.float32)
    return _Axis(
        start=ends[0],
        extent=ends[1] - ends[0],
        radii_px=(radii_m * view.focal_px / depths).astype(np.float32),
        length_m=float(np.linalg.norm(part.end - part.start)) + 1e-6,
        metres_per_px=float(depths.mean()) / view.focal_px,
    )


def _bounds(axes: Sequence[_Axis]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of all parts, with room for the blur."""
    boxes = np.array([_box(axis) for axis in axes])
    low = np.floor(boxes[:, :2].min(axis=0)).astype(int) - 3
    high = np.ceil(boxes[:, 2:].max(axis=0)).astype(int) + 4
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _box(axis: _Axis) -> tuple[float, float, float, float]:
    reach = float(axis.radii_px.max()) + 1
    start, end = axis.start, axis.start + axis.extent
    low, high = np.minimum(start, end) - reach, np.maximum(start, end) + reach
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _window(axis: _Axis, left: int, top: int) -> tuple[slice, slice]:
    """Rows and columns of the part in the figure's window."""
    box = _box(axis)
    columns = slice(math.floor(box[0]) - left, math.ceil(box[2]) + 1 - left)
    return slice(math.floor(box[1]) - top, math.ceil(box[3]) + 1 - top), columns


class _Pen:
    """Draws the parts of one figure."""

    def __init__(self, view: View, body: _Body, light: _LocalLight, folds: Plane) -> None:
        self._view = view
        self._body = body
        self._light = light
        self._folds = folds

    def draw(
        self, part: Part, axis: _Axis, origin: tuple[int, int], planes: tuple[Colours, Plane, Plane]
    ) -> None:
        """Draw the part into its window of the figure's colours, cover and depth.

        `origin` is the window's left column and top row in the image.
        """
        colours, cover, depth = planes
        height, width = cover.shape
        columns = np.arange(origin[0], origin[0] + width, dtype=np.float32) - axis.start[0]
        rows = np.arange(origin[1], origin[1] + height, dtype=np.float32) - axis.start[1]
        along = _along(axis, columns, rows)
        radius = _radius(axis.radii_px, along)
        x = (columns[None, :] - along * axis.extent[0]) / radius
        y = (along * axis.extent[1] - rows[:, None]) / radius
        distance = np.sqrt(x * x + y * y)
        own = np.clip((1 - distance) * radius + 0.5, 0, 1)
        facing = np.sqrt(np.clip(1 - distance * distance, 0, 1))
        own_depth = axis.start[2] + axis.extent[2] * along - facing * radius * axis.metres_per_px
        is_front = (own > 0) & (own_depth < depth)
        surface = self._surface(axis, along, (x, y, facing), radius)
        painted = paint_colours(part.paint, surface, self._folds)
        painted *= self._brightness(x, y, facing)[..., None]
        share = np.where(is_front, own, 0)
        # A pixel that both parts fill in half is filled: take what the new part leaves open.
        total = np.maximum(cover, own)
        weight = np.where(share > 0, share / np.maximum(total, 1e-6), 0)[..., None]
        colours += weight * (painted - colours)
        np.copyto(cover, total)
        np.copyto(depth, own_depth, where=is_front & (own >= 0.5))

    def _surface(
        self, axis: _Axis, along: Plane, normal: tuple[Plane, Plane, Plane], radius: Plane
    ) -> Surface:
        return Surface(
            along_m=along * np.float32(axis.length_m),
            length_m=axis.length_m,
            front=_dot(self._body.front, normal),
            left=_dot(self._body.left, normal),
            up=_dot(self._body.up, normal),
            girth_m=radius * np.float32(axis.metres_per_px),
        )

    def _brightness(self, x: Plane, y: Plane, facing: Plane) -> Plane:
        light = self._light
        lambert = np.clip(_dot(light.direction, (x, y, facing)) * 0.7 + 0.3, 0, 1)
        brightness: Plane = light.ambient * (0.72 + 0.28 * facing) + light.direct * lambert
        return brightness


def _along(axis: _Axis, columns: npt.NDArray[np.float32], rows: npt.NDArray[np.float32]) -> Plane:
    """(h, w) place of the nearest point of the axis, 0 at its start and 1 at its end."""
    across, down = float(axis.extent[0]), float(axis.extent[1])
    scale = across * across + down * down + 1e-6
    along: Plane = np.clip(
        (columns * (across / scale))[None, :] + (rows * (down / scale))[:, None], 0, 1
    )
    return along


def _radius(radii_px: npt.NDArray[np.float32], along: Plane) -> Plane:
    """(h, w) half-width of the part, at least a third of a pixel."""
    last = radii_px.size - 1
    fine = np.interp(np.linspace(0, last, 129), np.arange(last + 1), radii_px)
    table = np.maximum(fine, 1 / 3).astype(np.float32)
    radius: Plane = table[(along * 128 + 0.5).astype(np.int32)]
    return radius


def _dot(direction: Vector, normal: tuple[Plane, Plane, Plane]) -> Plane:
    x, y, facing = normal
    product: Plane = x * direction[0] + y * direction[1] + facing * direction[2]
    return product
