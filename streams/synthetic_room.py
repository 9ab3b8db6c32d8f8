"""The rooms of a drawn site: walls, furniture, light, and how its camera hangs and sees.

Four rooms are composed by hand (a shop, a corridor, a lobby, a store room); a fifth camera gets the
first room again with other colours and another viewpoint, and so on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from streams.synthetic_optics import Optics
from streams.synthetic_surface import Texture
from streams.synthetic_view import View

DOOR_HEIGHT_M = 2.15


@dataclass(frozen=True, slots=True)
class Block:
    """A box that stands in the room, sides parallel to the walls.

    Attributes:
        low: Its corner with the smallest x, y, z, metres.
        high: Its corner with the largest.
        texture: Its surface.
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    texture: Texture


@dataclass(frozen=True, slots=True)
class Lamp:
    """A lamp under the ceiling: x, y, and its brightness on the floor below it (1 is normal)."""

    x_m: float
    y_m: float
    brightness: float


@dataclass(frozen=True, slots=True)
class Room:
    """What one camera watches, in its own plan coordinates.

    Attributes:
        name: For people.
        view: The camera.
        depth_m: y of the back wall.
        door_m: x of the doorway's two sides in the back wall.
        lanes_m: y of the nearest and of the farthest line on which people cross.
        floor: The floor's surface.
        wall: The walls' surface.
        blocks: Furniture.
        lamps: At least one.
        ambient: Light everywhere.
        optics: How the camera renders it.
    """

    name: str
    view: View
    depth_m: float
    door_m: tuple[float, float]
    lanes_m: tuple[float, float]
    floor: Texture
    wall: Texture
    blocks: tuple[Block, ...]
    lamps: tuple[Lamp, ...]
    ambient: float
    optics: Optics


def build_room(camera_index: int, size_px: tuple[int, int], rng: np.random.Generator) -> Room:
    """The room of a camera; `rng` varies those from the fifth on."""
    builders = (_shop, _corridor, _lobby, _store_room)
    room = builders[camera_index % len(builders)](size_px)
    return room if camera_index < len(builders) else _varied(room, rng)


def _view(size_px: tuple[int, int], focal: float, height_m: float, tilt_deg: float) -> View:
    """`focal` is relative to the width of a 16:9 image of that height."""
    width, height = size_px
    return View(width, height, focal * height * 16 / 9, height_m, math.radians(tilt_deg))


def _shop(size_px: tuple[int, int]) -> Room:
    counter = Texture("panels", (120, 136, 150), size_m=(0.8, 0.9))
    shelf = Texture("goods", (110, 112, 116), (168, 172, 176), (0.16, 0.36), 0.02)
    return Room(
        name="Shop",
        view=_view(size_px, 0.8, 2.6, 12),
        depth_m=10.2,
        door_m=(1.6, 2.9),
        lanes_m=(5.4, 8.6),
        floor=Texture("tiles", (150, 154, 158), (118, 120, 124), (0.6, 0.6), 0.035),
        wall=Texture("plain", (168, 176, 180), grain=0.025),
        blocks=(
            Block((-7.0, 9.6, 0), (1.0, 10.2, 1.9), shelf),
            Block((3.6, 9.6, 0), (9.0, 10.2, 1.9), shelf),
            Block((-2.6, 4.3, 0), (-1.0, 4.8, 0.72), counter),
        ),
        lamps=(Lamp(-2.5, 5.5, 0.4), Lamp(2.5, 7.5, 0.45), Lamp(-1.0, 9.0, 0.25)),
        ambient=0.6,
        optics=Optics((1.0, 1.0, 1.0), 1.0, 0, 2.0, 0.12),
    )  # fmt: skip


def _corridor(size_px: tuple[int, int]) -> Room:
    sideboard = Texture("planks", (70, 96, 130), (50, 64, 90), (0.4, 1.1))
    window = Texture("window", (226, 214, 190), (70, 76, 86), (0.85, 1.3))
    notices = Texture("tiles", (120, 150, 90), (90, 70, 140), (0.25, 0.2))
    return Room(
        name="Corridor",
        view=_view(size_px, 0.92, 3.0, 15),
        depth_m=11.6,
        door_m=(-1.9, -0.5),
        lanes_m=(6.3, 10.0),
        floor=Texture("planks", (92, 128, 168), (60, 84, 112), (0.14, 1.6), 0.05),
        wall=Texture("panels", (150, 186, 204), (120, 150, 166), (1.2, 2.6), 0.03),
        blocks=(
            Block((2.2, 11.2, 0), (4.6, 11.6, 1.1), sideboard),
            Block((-6.8, 11.4, 0.9), (-3.4, 11.6, 2.2), window),
            Block((0.9, 11.5, 1.2), (1.9, 11.6, 2.0), notices),
        ),
        lamps=(Lamp(0.0, 6.0, 0.6), Lamp(0.5, 10.0, 0.45)),
        ambient=0.52,
        optics=Optics((0.83, 0.98, 1.09), 1.05, -4, 2.5, 0.22),
    )  # fmt: skip


def _lobby(size_px: tuple[int, int]) -> Room:
    window = Texture("window", (232, 222, 206), (64, 60, 58), (1.3, 2.0))
    bench = Texture("panels", (60, 74, 92), size_m=(0.9, 0.6))
    return Room(
        name="Lobby",
        view=_view(size_px, 0.76, 2.35, 9),
        depth_m=9.8,
        door_m=(-3.6, -2.0),
        lanes_m=(5.3, 8.8),
        floor=Texture("tiles", (116, 118, 122), (96, 98, 102), (0.9, 0.9), 0.05),
        wall=Texture("bricks", (104, 124, 172), (142, 150, 160), (0.26, 0.09), 0.06),
        blocks=(
            Block((-1.0, 9.7, 0.5), (4.2, 9.8, 2.5), window),
            Block((2.6, 6.2, 0), (2.95, 6.55, 3.2), Texture("plain", (164, 168, 170), grain=0.03)),
            Block((-8.0, 9.3, 0), (-5.2, 9.8, 0.5), bench),
        ),
        lamps=(Lamp(1.5, 9.0, 0.7), Lamp(-3.0, 6.0, 0.3)),
        ambient=0.55,
        optics=Optics((1.1, 1.01, 0.91), 0.93, 6, 2.5, 0.15),
    )  # fmt: skip


def _store_room(size_px: tuple[int, int]) -> Room:
    rack = Texture("goods", (90, 84, 80), (60, 90, 190), (0.4, 0.8))
    crate = Texture("crates", (88, 130, 168), size_m=(0.6, 0.5))
    return Room(
        name="Store room",
        view=_view(size_px, 0.88, 3.3, 18),
        depth_m=10.8,
        door_m=(0.2, 1.7),
        lanes_m=(6.2, 9.4),
        floor=Texture("plain", (126, 132, 134), grain=0.1),
        wall=Texture("panels", (142, 160, 148), (110, 126, 116), (0.35, 3.0), 0.04),
        blocks=(
            Block((-6.0, 10.1, 0), (-1.2, 10.8, 1.0), crate),
            Block((-4.4, 10.2, 1.0), (-2.0, 10.8, 1.5), crate),
            Block((3.2, 10.2, 0), (7.0, 10.8, 2.6), rack),
            Block((1.3, 4.6, 0), (2.7, 5.3, 0.8), crate),
        ),
        lamps=(Lamp(-2.0, 7.0, 0.5), Lamp(3.0, 9.0, 0.3)),
        ambient=0.45,
        optics=Optics((0.95, 1.06, 0.96), 0.9, 10, 3.0, 0.28),
    )  # fmt: skip


def _varied(room: Room, rng: np.random.Generator) -> Room:
    """The room with other colours of wall and floor, another viewpoint and another camera."""
    view = replace(
        room.view,
        focal_px=room.view.focal_px * float(rng.uniform(0.94, 1.06)),
        height_m=room.view.height_m + float(rng.uniform(-0.2, 0.2)),
    )
    low, high = (rng.uniform(0.86, 1.0, 3), rng.uniform(0.95, 1.12, 3))
    gains = [float(value) for value in np.where(rng.random(3) < 0.5, low, high)]
    return replace(
        room,
        view=view,
        wall=replace(room.wall, base=_toned(room.wall.base, rng)),
        floor=replace(room.floor, base=_toned(room.floor.base, rng)),
        optics=Optics(
            (gains[0], gains[1], gains[2]),
            float(rng.uniform(0.86, 1.08)),
            float(rng.uniform(-8, 8)),
            float(rng.uniform(1.5, 4.0)),
            float(rng.uniform(0.1, 0.28)),
        ),
    )


def _toned(colour: tuple[int, int, int], rng: np.random.Generator) -> tuple[int, int, int]:
    blue, green, red = (int(np.clip(value + rng.integers(-28, 29), 30, 225)) for value in colour)
    return blue, green, red
