"""A body's parts drawn into one figure: shaded pixel by pixel, the nearer before the farther.

A part is drawn by every pixel's distance to its projected axis, which gives the silhouette, the
surface's direction (for light, and for patterns that wrap around) and a depth, so that parts join
without seams and people hide each other truly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from streams.synthetic_paint import Colours, Surface, paint_colours
from streams.synthetic_part import Axis, BodyAxes, Part, body_axes, project_parts
from streams.synthetic_view import Plane, Values, Vector, View

_SOFTNESS_PX = 0.55
"""Blur of the drawn figure: the lens, and what hides the steps where parts cross."""

_MARGIN_PX = 3
"""Room around the figure for the blur."""


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
    """The figure as the camera sees it, at the image's resolution."""
    body = body_axes(view, figure.heading_rad)
    axes = project_parts(view, figure.parts, body)
    boxes = np.array([axis.box for axis in axes])
    left, top = (boxes[:, :2].min(axis=0) - _MARGIN_PX).tolist()
    right, bottom = (boxes[:, 2:].max(axis=0) + _MARGIN_PX).tolist()
    sheet = _Sheet.blank(left, top, right - left, bottom - top)
    pen = _Pen(sheet, body, _in_view(view, light), figure.folds)
    # From near to far: what is hidden then costs no colours.
    for number in sorted(range(len(axes)), key=lambda i: axes[i].start[2]):
        pen.draw(figure.parts[number], axes[number])
    packed = np.dstack((sheet.colours * sheet.cover[..., None], sheet.cover))
    soft = np.asarray(cv2.GaussianBlur(packed, (0, 0), _SOFTNESS_PX), np.float32)
    return Patch(left, top, soft[..., :3], soft[..., 3], sheet.depth)


@dataclass(frozen=True, slots=True, eq=False)
class _Sheet:
    """What is drawn so far, in a window of the image: colours, cover and depth (see `Patch`)."""

    left: int
    top: int
    colours: Colours
    cover: Plane
    depth: Plane

    @classmethod
    def blank(cls, left: int, top: int, width: int, height: int) -> _Sheet:
        return cls(
            left,
            top,
            np.zeros((height, width, 3), np.float32),
            np.zeros((height, width), np.float32),
            np.full((height, width), np.float32(np.inf)),
        )


def _in_view(view: View, light: Light) -> Light:
    """The light with its direction given as (right, up, to the camera)."""
    right, up, ahead = view.axes
    x, y, z = (float(np.dot(axis, light.direction)) for axis in (right, up, -ahead))
    return Light((x, y, z), light.ambient, light.direct)


class _Pen:
    """Draws the parts of one figure on its sheet."""

    def __init__(self, sheet: _Sheet, body: BodyAxes, light: Light, folds: Plane) -> None:
        self._sheet = sheet
        self._body = body
        self._light = light
        self._folds = folds

    def draw(self, part: Part, axis: Axis) -> None:
        """Draw the part where nothing drawn before is nearer."""
        columns, rows = axis.grid()
        along = axis.along(columns, rows)
        radius = axis.radius(along)
        x: Plane = columns - along * np.float32(axis.extent[0])
        y: Plane = along * np.float32(axis.extent[1]) - rows
        own = radius - np.sqrt(x * x + y * y) + np.float32(0.5)
        if part.is_cut:
            own = np.minimum(own, axis.before_end(columns, rows) + np.float32(0.5))
        # From here on only the pixels that the part touches: (N,) values.
        touched = np.flatnonzero(own > 0)
        along, radius, x, y = (plane.take(touched) for plane in (along, radius, x, y))
        x, y = x / radius, y / radius
        facing: Values = np.sqrt(np.maximum(1 - x * x - y * y, 0))
        depth: Values = np.float32(axis.start[2]) + np.float32(axis.extent[2]) * along
        depth -= facing * radius * np.float32(axis.metres_per_px * axis.bulge)
        pixels = self._pixels(axis, touched, columns.size)
        front = np.flatnonzero(depth < self._sheet.depth.ravel().take(pixels))
        if front.size == 0:
            return
        normal = (x.take(front), y.take(front), facing.take(front))
        surface = self._surface(axis, along.take(front), normal, radius.take(front))
        painted = paint_colours(part.paint, surface, self._folds)
        painted *= self._brightness(normal)[:, None]
        own = np.minimum(own.take(touched.take(front)), 1)
        self._lay(pixels.take(front), painted, own, depth.take(front))

    def _lay(
        self, pixels: npt.NDArray[np.intp], painted: Colours, own: Values, depth: Values
    ) -> None:
        """Put colours on pixels of the sheet, which the part fills by `own`."""
        colours = self._sheet.colours.reshape(-1, 3)
        cover, nearest = self._sheet.cover.reshape(-1), self._sheet.depth.reshape(-1)
        # A pixel that two parts share at their edges is as full as the fuller one makes it.
        total = np.maximum(cover.take(pixels), own)
        before = colours.take(pixels, axis=0)
        painted -= before
        painted *= (own / total)[:, None]
        painted += before
        colours[pixels] = painted
        cover[pixels] = total
        filled = np.flatnonzero(own >= 0.5)
        nearest[pixels.take(filled)] = depth.take(filled)

    def _pixels(
        self, axis: Axis, touched: npt.NDArray[np.intp], width: int
    ) -> npt.NDArray[np.intp]:
        """Places on the flattened sheet of places on the part's flattened grid."""
        left, top, _, _ = axis.box
        sheet = self._sheet
        sheet_width = sheet.cover.shape[1]
        first = (top - sheet.top) * sheet_width + left - sheet.left
        pixels: npt.NDArray[np.intp] = touched + touched // width * (sheet_width - width) + first
        return pixels

    def _surface(
        self, axis: Axis, along: Values, normal: tuple[Values, Values, Values], radius: Values
    ) -> Surface:
        return Surface(
            along_m=along * np.float32(axis.length_m),
            length_m=axis.length_m,
            front=_dot(self._body.front, normal),
            left=_dot(self._body.left, normal),
            up=_dot(self._body.up, normal),
            girth_m=radius * np.float32(axis.metres_per_px),
        )

    def _brightness(self, normal: tuple[Values, Values, Values]) -> Values:
        light = self._light
        direction = np.array(light.direction, np.float32)
        lambert = np.maximum(_dot(direction, normal) * np.float32(0.7) + np.float32(0.3), 0)
        # Surfaces that turn away from the camera lie in the shade of their own curve.
        ambient = np.float32(0.72 * light.ambient) + np.float32(0.28 * light.ambient) * normal[2]
        brightness: Values = ambient + np.float32(light.direct) * lambert
        return brightness


def _dot(direction: Vector, normal: tuple[Values, Values, Values]) -> Values:
    x, y, facing = normal
    product: Values = x * direction[0] + y * direction[1] + facing * direction[2]
    return product
