"""The empty picture of a drawn camera: its room without people, and the depth of every pixel.

Every pixel's ray is cut with the floor, the walls and the furniture, so that people can be hidden by what
stands before them, and the lamps light both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from streams.frame import Image
from streams.synthetic_room import DOOR_HEIGHT_M, Block, Optics, Room
from streams.synthetic_shape import Light
from streams.synthetic_surface import Noise, Texture, texture_colours
from streams.synthetic_view import Plane, Vector, View

_SCALE = 2
"""Rays a pixel along each side, for smooth edges."""
_LAMP_HEIGHT_M = 3.4
_HALL_DEPTH_M = 2.6
"""Depth of the dark hall behind the doorway."""
_NOISE_MARGIN_PX = 61


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
        hall = 0.55 if y_m > room.depth_m else 1.0
        lamps = [
            (
                lamp.brightness * _falloff(np.float32(x_m - lamp.x_m), np.float32(y_m - lamp.y_m)),
                lamp,
            )
            for lamp in room.lamps
        ]
        direct = float(sum(strength for strength, _ in lamps))
        _, lamp = max(lamps, key=lambda pair: float(pair[0]))
        direction = np.array((lamp.x_m - x_m, lamp.y_m - y_m, _LAMP_HEIGHT_M - 1.0))
        unit = direction / np.linalg.norm(direction)
        return Light(
            (float(unit[0]), float(unit[1]), float(unit[2])), room.ambient * hall, direct * hall
        )


class Camera:
    """Turns lit pictures into what the camera delivers: vignette, cast, contrast and noise."""

    def __init__(self, optics: Optics, size_px: tuple[int, int], rng: np.random.Generator) -> None:
        self._rng = rng
        width, height = size_px
        self._vignette = _vignette(width, height, optics.vignette)
        self._table = _tone_table(optics)
        shape = (height + _NOISE_MARGIN_PX, width + _NOISE_MARGIN_PX)
        self._noise = _sensor_noise(shape, optics.noise, rng)

    def expose(self, picture: npt.NDArray[np.float32]) -> Image:
        """(H, W, 3) uint8 of a lit picture (H, W, 3) float32; the noise differs every time."""
        height, width = picture.shape[:2]
        plain = cv2.convertScaleAbs(cv2.multiply(picture, self._vignette))
        toned = cv2.LUT(plain, self._table)
        top, left = self._rng.integers(0, _NOISE_MARGIN_PX, 2)
        noise = self._noise[top : top + height, left : left + width]
        image: Image = cv2.add(toned, noise, dtype=cv2.CV_8U)
        return image


def build_scene(room: Room, rng: np.random.Generator) -> Scene:
    """The room as its camera sees it without people."""
    rays = room.view.rays(_SCALE)
    noise = Noise(rng)
    depth = np.full(rays.shape[:2], np.float32(60.0))
    picture = np.full(rays.shape, np.float32(40.0))
    floor = np.zeros(rays.shape[:2], np.float32)
    for surface in _surfaces(room):
        hit, points = _hits(surface, room.view, rays, depth)
        depth[hit] = _depth_of(points, room.view)
        colours = texture_colours(surface.texture, *_coordinates(surface, points), noise)
        picture[hit] = colours * _lit(surface, points, room)[:, None]
        floor[hit] = 1.0 if surface.axis == 2 else 0.0
    size = (room.view.width_px, room.view.height_px)
    return Scene(
        room=room,
        picture=cv2.resize(picture, size, interpolation=cv2.INTER_AREA),
        depth=np.ascontiguousarray(depth[::_SCALE, ::_SCALE]),
        floor=cv2.resize(floor, size, interpolation=cv2.INTER_AREA),
    )


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
    yield _Surface(1, hall, (-40, 0), (40, 5), Texture("plain", (92, 96, 100)), 0.5)
    frame = Texture("plain", (58, 62, 68), grain=0.02)
    left, right = room.door_m
    for low, high in (((left - 0.1, 0), (left, DOOR_HEIGHT_M)), ((right, 0), (right + 0.1, DOOR_HEIGHT_M)),
                      ((left - 0.1, DOOR_HEIGHT_M), (right + 0.1, DOOR_HEIGHT_M + 0.1))):  # fmt: skip
        yield _Surface(1, back - 0.02, low, high, frame)
    yield _Surface(1, back - 0.01, (-40, 0), (left - 0.1, 0.1), frame)
    yield _Surface(1, back - 0.01, (right + 0.1, 0), (40, 0.1), frame)
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
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    """(H, W) where the surface is the nearest so far, and the (N, 3) points there."""
    axis = surface.axis % 3
    across = rays[..., axis]
    reach = np.float32(surface.at_m) - view.eye[axis]
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = reach / across
    hit = np.isfinite(distance) & (distance > 0.1) & (distance < depth)
    points = view.eye + rays[hit] * distance[hit][:, None]
    first, second = (points[:, other] for other in range(3) if other != axis)
    inside = (first >= surface.low[0]) & (first <= surface.high[0])
    inside &= (second >= surface.low[1]) & (second <= surface.high[1])
    if surface.hole is not None:
        inside &= ~(
            (first > surface.hole[0]) & (first < surface.hole[1]) & (second < DOOR_HEIGHT_M)
        )
    hit[hit] = inside
    return hit, points[inside].astype(np.float32)


def _depth_of(points: npt.NDArray[np.float32], view: View) -> npt.NDArray[np.float32]:
    depth: npt.NDArray[np.float32] = (points - view.eye) @ view.axes[2]
    return depth


def _coordinates(
    surface: _Surface, points: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    first, second = (points[:, other] for other in range(3) if other != surface.axis % 3)
    return first, second


def _lit(surface: _Surface, points: npt.NDArray[np.float32], room: Room) -> npt.NDArray[np.float32]:
    """(N,) brightness of points: ambient, lamps, and dark corners along the foot of the walls."""
    x, y, z = points[:, 0], points[:, 1], points[:, 2]
    light = np.full(x.shape, np.float32(room.ambient))
    for lamp in room.lamps:
        light += np.float32(lamp.brightness) * _falloff(x - lamp.x_m, y - lamp.y_m)
    if surface.axis == 2:
        light *= 1 - 0.35 * np.exp(-np.abs(room.depth_m - y) / 0.35)
    else:
        light *= 1 - 0.25 * np.exp(-np.maximum(z, 0) / 0.3)
    light[y > room.depth_m + 0.05] *= 0.55
    lit: npt.NDArray[np.float32] = light * np.float32(surface.brightness)
    return lit


def _falloff(x: npt.NDArray[np.float32] | np.float32, y: npt.NDArray[np.float32] | np.float32) -> (
    npt.NDArray[np.float32]
):  # fmt: skip
    """Light of a lamp at a horizontal distance, 1 below it."""
    height = np.float32(_LAMP_HEIGHT_M**2)
    falloff: npt.NDArray[np.float32] = np.asarray(height / (x * x + y * y + height), np.float32)
    return falloff


def _vignette(width: int, height: int, loss: float) -> npt.NDArray[np.float32]:
    columns = np.linspace(-1, 1, width, dtype=np.float32)
    rows = np.linspace(-1, 1, height, dtype=np.float32)
    square = (columns[None, :] ** 2 + rows[:, None] ** 2) / 2
    return np.repeat((1 - np.float32(loss) * square)[..., None], 3, axis=2)


def _tone_table(optics: Optics) -> npt.NDArray[np.uint8]:
    """(1, 256, 3) what becomes of every grey level of blue, green and red."""
    levels = np.arange(256, dtype=np.float32)[:, None] * np.array(optics.gains, np.float32)
    toned = (levels - 118) * optics.contrast + 118 + optics.brightness
    # A soft shoulder instead of a hard cut at white.
    toned = np.where(toned > 215, 215 + 40 * np.tanh((toned - 215) / 40), toned)
    table: npt.NDArray[np.uint8] = np.clip(toned, 0, 255).astype(np.uint8)[None]
    return table


def _sensor_noise(
    shape: tuple[int, int], deviation: float, rng: np.random.Generator
) -> npt.NDArray[np.int8]:
    """(H, W, 3) noise in grey levels: mostly the same in all colours, a little of its own in each."""
    grey = rng.standard_normal((*shape, 1)).astype(np.float32)
    colour = rng.standard_normal((*shape, 3)).astype(np.float32)
    noise: npt.NDArray[np.int8] = np.rint(deviation * (0.85 * grey + 0.5 * colour)).astype(np.int8)
    return noise
