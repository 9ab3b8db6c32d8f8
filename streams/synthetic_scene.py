"""The empty picture of a drawn camera: its room without people, and the depth of every pixel.

Every pixel's ray is cut with the floor, the walls and the furniture, so that people can be hidden
by what stands before them, and the lamps light both.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from streams.synthetic_room import DOOR_HEIGHT_M, Block, Room
from streams.synthetic_shape import Light
from streams.synthetic_surface import Noise, Texture, texture_colours
from streams.synthetic_view import Plane, Values, View, Window

_SCALE = 2
"""Rays a pixel along each side, for smooth edges."""
_LAMP_HEIGHT_M = 3.4
_HALL_DEPTH_M = 2.6
"""Depth of the dim hall behind the doorway."""
_NEAR_M = 0.2
_FRAME_WIDTH_M = 0.1
_HALL_LIGHT = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A camera's empty room.

    Attributes:
        room: What it shows.
        picture: (H, W, 3) float32 BGR 0-255, lit, before the camera's optics.
        depth: (H, W) float32 metres along the optical axis.
        floor: (H, W) float32 in [0, 1]: how much of the pixel is floor, on which shadows fall.
    """

    room: Room
    picture: npt.NDArray[np.float32]
    depth: Plane
    floor: Plane

    def light_at(self, x_m: float, y_m: float) -> Light:
        """The light on a person who stands there: from the strongest lamp and from everywhere."""
        room = self.room
        here = np.array([[x_m], [y_m]], np.float32)
        strengths = [
            lamp.brightness * float(_falloff(here[0] - lamp.x_m, here[1] - lamp.y_m)[0])
            for lamp in room.lamps
        ]
        lamp = room.lamps[int(np.argmax(strengths))]
        direction = np.array((lamp.x_m - x_m, lamp.y_m - y_m, _LAMP_HEIGHT_M - 1.0))
        x, y, z = (direction / np.linalg.norm(direction)).tolist()
        dimming = _HALL_LIGHT if y_m > room.depth_m else 1.0
        return Light((x, y, z), room.ambient * dimming, sum(strengths) * dimming)


def build_scene(room: Room, rng: np.random.Generator) -> Scene:
    """The room as its camera sees it without people."""
    rays = room.view.rays(_SCALE)
    noise = Noise(rng)
    depth = np.full(rays.shape[:2], np.float32(60.0))
    picture = np.full(rays.shape, np.float32(40.0))
    floor = np.zeros(rays.shape[:2], np.float32)
    for surface in _surfaces(room):
        hit, points = _hits(surface, room.view, rays, depth)
        depth.reshape(-1)[hit] = _depth_of(points, room.view)
        colours = texture_colours(surface.texture, *_coordinates(surface, points), noise)
        picture.reshape(-1, 3)[hit] = colours * _lit(surface, points, room)[:, None]
        floor.reshape(-1)[hit] = 1.0 if surface.axis == 2 else 0.0
    size = (room.view.width_px, room.view.height_px)
    return Scene(
        room=room,
        picture=_shrunk(picture, size),
        depth=np.ascontiguousarray(depth[::_SCALE, ::_SCALE]),
        floor=_shrunk(floor, size),
    )


def _shrunk(plane: npt.NDArray[np.float32], size_px: tuple[int, int]) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.resize(plane, size_px, interpolation=cv2.INTER_AREA), np.float32)


@dataclass(frozen=True, slots=True)
class _Surface:
    """A rectangle across one axis (0: x, 1: y, 2: z), between low and high on the other two.

    `hole` is the doorway: x from, x to; below the door's height there is no wall.
    """

    axis: int
    at_m: float
    low: tuple[float, float]
    high: tuple[float, float]
    texture: Texture
    brightness: float = 1.0
    hole: tuple[float, float] | None = None


def _surfaces(room: Room) -> Iterator[_Surface]:
    back = room.depth_m
    hall = back + _HALL_DEPTH_M
    yield _Surface(2, 0.0, (-40, -2), (40, hall), room.floor)
    yield _Surface(1, back, (-40, 0), (40, 5), room.wall, hole=room.door_m)
    yield _Surface(1, hall, (-40, 0), (40, 5), Texture("plain", (112, 116, 118)), 0.8)
    frame = Texture("plain", (58, 62, 68), grain=0.02)
    left, right = room.door_m
    top, width = DOOR_HEIGHT_M, _FRAME_WIDTH_M
    for low, high in (
        ((left - width, 0), (left, top)),
        ((right, 0), (right + width, top)),
        ((left - width, top), (right + width, top + width)),
        ((-40, 0), (left - width, width)),
        ((right + width, 0), (40, width)),
    ):
        # The door's frame and the skirting boards stand a little out from the wall.
        yield _Surface(1, back - 0.02, low, high, frame)
    for block in room.blocks:
        yield from _faces(block)


def _faces(block: Block) -> Iterator[_Surface]:
    low, high = block.low, block.high
    yield _Surface(1, low[1], (low[0], low[2]), (high[0], high[2]), block.texture)
    for x in (low[0], high[0]):
        yield _Surface(0, x, (low[1], low[2]), (high[1], high[2]), block.texture, 0.75)
    top = Texture("plain", block.texture.base, grain=0.03)
    # Not axis 2: tops of furniture take no shadows of feet.
    yield _Surface(-1, high[2], (low[0], low[1]), (high[0], high[1]), top, 1.05)


def _hits(
    surface: _Surface, view: View, rays: npt.NDArray[np.float32], depth: Plane
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """(N,) flat places of the pixels where it is the nearest so far, and its (N, 3) points."""
    axis = surface.axis % 3
    rows, columns = _reached(surface, view, depth.shape)
    across = rays[rows, columns, axis]
    with np.errstate(divide="ignore"):
        distance: Plane = np.float32(surface.at_m - float(view.eye[axis])) / across
    hit = np.flatnonzero((distance > 0.1) & (distance < depth[rows, columns]))
    width = columns.stop - columns.start
    places = (hit // width + rows.start) * depth.shape[1] + hit % width + columns.start
    points = rays.reshape(-1, 3)[places] * distance.reshape(-1)[hit, None] + view.eye
    first, second = (points[:, other] for other in range(3) if other != axis)
    inside = (first >= surface.low[0]) & (first <= surface.high[0])
    inside &= (second >= surface.low[1]) & (second <= surface.high[1])
    if surface.hole is not None:
        left, right = surface.hole
        inside &= ~((first > left) & (first < right) & (second < DOOR_HEIGHT_M))
    return places[inside], points[inside].astype(np.float32)


def _reached(surface: _Surface, view: View, shape: tuple[int, ...]) -> Window:
    """Rows and columns in which the surface can be; everywhere if it comes near the camera."""
    axis = surface.axis % 3
    corners = [
        list(corner) for corner in itertools.product(*zip(surface.low, surface.high, strict=True))
    ]
    for corner in corners:
        corner.insert(axis, surface.at_m)
    places = view.project(np.array(corners, np.float32))
    if places[:, 2].min() < _NEAR_M:
        return slice(0, shape[0]), slice(0, shape[1])
    low, high = places.min(axis=0) * _SCALE, places.max(axis=0) * _SCALE
    columns = np.clip((math.floor(low[0]) - 2, math.ceil(high[0]) + 3), 0, shape[1])
    rows = np.clip((math.floor(low[1]) - 2, math.ceil(high[1]) + 3), 0, shape[0])
    return slice(int(rows[0]), int(rows[1])), slice(int(columns[0]), int(columns[1]))


def _depth_of(points: npt.NDArray[np.float32], view: View) -> Values:
    relative: npt.NDArray[np.float32] = points - view.eye
    depth: Values = relative.dot(view.axes[2])
    return depth


def _coordinates(surface: _Surface, points: npt.NDArray[np.float32]) -> tuple[Values, Values]:
    first, second = (points[:, other] for other in range(3) if other != surface.axis % 3)
    return first, second


def _lit(surface: _Surface, points: npt.NDArray[np.float32], room: Room) -> Values:
    """(N,) brightness of points: ambient, lamps, and dark corners along the foot of the walls."""
    x, y, z = points[:, 0], points[:, 1], points[:, 2]
    light: Values = np.full(x.shape, np.float32(room.ambient))
    for lamp in room.lamps:
        light += np.float32(lamp.brightness) * _falloff(x - lamp.x_m, y - lamp.y_m)
    if surface.axis == 2:
        corner = np.float32(0.35) * np.exp(-np.abs(room.depth_m - y) / np.float32(0.35))
    else:
        corner = np.float32(0.25) * np.exp(-np.maximum(z, 0) / np.float32(0.3))
    light *= 1 - corner
    light[y > room.depth_m + 0.05] *= _HALL_LIGHT
    lit: Values = light * np.float32(surface.brightness)
    return lit


def _falloff(x: Values, y: Values) -> Values:
    """(N,) light of a lamp at horizontal distances from it, 1 below it."""
    height = np.float32(_LAMP_HEIGHT_M**2)
    falloff: Values = height / (x * x + y * y + height)
    return falloff
