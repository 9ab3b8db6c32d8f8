"""What floors, walls and furniture of a drawn room look like: tiles, planks, bricks, goods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

import cv2
import numpy as np
import numpy.typing as npt

from streams.synthetic_paint import Colour
from streams.synthetic_view import Values

Material = Literal["plain", "tiles", "planks", "bricks", "panels", "goods", "crates", "window"]


@dataclass(frozen=True, slots=True)
class Texture:
    """A surface.

    Attributes:
        material: Its structure.
        base: Its main colour.
        second: Joints, frames, boards.
        size_m: Width and height of a tile, plank, brick, panel or shelf cell.
        grain: Strength of stains and unevenness, as a fraction of the brightness.
    """

    material: Material
    base: Colour
    second: Colour = (60, 60, 60)
    size_m: tuple[float, float] = (0.5, 0.5)
    grain: float = 0.06


class Noise:
    """Smooth noise over a surface and one random number a cell; both are fixed by the generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        white = rng.standard_normal((256, 256)).astype(np.float32)
        octaves = [_smoothed(white, sigma) for sigma in (1.0, 4.0, 16.0)]
        self._smooth = (octaves[0] * 0.35 + octaves[1] * 0.5 + octaves[2] * 0.7).astype(np.float32)
        self._cells = rng.random((256, 4)).astype(np.float32)

    def smooth(self, across_m: Values, along_m: Values) -> Values:
        """(N,) noise around 0 of about unit size; 40 grains a metre."""
        columns = (across_m * 40).astype(np.int32) & 255
        rows = (along_m * 40).astype(np.int32) & 255
        values: Values = self._smooth[rows, columns]
        return values

    def cell(self, column: npt.NDArray[np.int32], row: npt.NDArray[np.int32]) -> Values:
        """(N, 4) numbers in [0, 1) that belong to a cell."""
        numbers: Values = self._cells[(column * 73 + row * 151 + (column * row) % 17) & 255]
        return numbers


def texture_colours(texture: Texture, across_m: Values, along_m: Values, noise: Noise) -> Values:
    """(N, 3) colours at points of a surface, before light falls on it.

    Args:
        texture: The surface.
        across_m: (N,) first coordinate on the surface, metres.
        along_m: (N,) second coordinate, for walls and furniture the height.
        noise: The room's noise.
    """
    columns = np.floor(across_m / texture.size_m[0]).astype(np.int32)
    rows = np.floor(along_m / texture.size_m[1]).astype(np.int32)
    if texture.material == "bricks":
        across_m = across_m + (rows % 2) * np.float32(texture.size_m[0] / 2)
        columns = np.floor(across_m / texture.size_m[0]).astype(np.int32)
    cell = noise.cell(columns, rows)
    base = np.array(texture.base, np.float32)
    second = np.array(texture.second, np.float32)
    inside = (across_m / texture.size_m[0] - columns, along_m / texture.size_m[1] - rows)
    colours: Values
    match texture.material:
        case "plain":
            colours = np.broadcast_to(base, (across_m.size, 3)).astype(np.float32)
        case "tiles" | "planks" | "bricks" | "panels":
            spread = {"tiles": 0.06, "planks": 0.22, "bricks": 0.25, "panels": 0.03}[
                texture.material
            ]
            joint = _joint(inside, texture.size_m, 0.012)
            toned = base * (1 + spread * (cell[:, :1] - 0.5))
            colours = toned + joint[:, None] * (second - toned)
        case "goods":
            colours = _goods(texture, cell, inside)
        case "crates":
            lines = _joint((inside[0] * 5 % 1, inside[1]), (texture.size_m[0] / 5, 0.3), 0.01)
            colours = base * (0.85 + 0.3 * cell[:, :1]) * (1 - 0.45 * lines[:, None])
        case "window":
            frame = _joint(inside, texture.size_m, 0.05)[:, None]
            sky = base * (0.75 + 0.35 * np.clip(along_m / 2.4, 0, 1))[:, None]
            colours = sky + frame * (second - sky)
        case _:
            assert_never(texture.material)
    stains = 1 + np.float32(texture.grain) * noise.smooth(across_m, along_m)
    return (colours * stains[:, None]).astype(np.float32)


def _goods(texture: Texture, cell: Values, inside: tuple[Values, Values]) -> Values:
    """Boxes and bottles of many dull colours, standing on boards."""
    base = np.array(texture.base, np.float32)
    tint = 55 + 150 * cell[:, :3]
    grey = tint.mean(axis=1, keepdims=True)
    goods = (grey + 0.65 * (tint - grey)) * 0.8
    fill = 0.55 + 0.35 * cell[:, 3]
    is_item = (inside[1] < fill) & (inside[0] > 0.08) & (inside[0] < 0.94)
    is_label = (np.abs(inside[1] - fill * 0.5) < 0.1) & (inside[0] > 0.2) & (inside[0] < 0.8)
    goods = np.where(is_label[:, None], goods * 0.4 + 120, goods)
    goods *= (1.05 - 0.35 * np.abs(inside[0] - 0.45))[:, None]
    colours = np.where(is_item[:, None], goods, base * 0.45)
    is_board = inside[1] < 0.07
    shelf: Values = np.where(is_board[:, None], np.array(texture.second, np.float32), colours)
    return shelf


def _joint(inside: tuple[Values, Values], size_m: tuple[float, float], width_m: float) -> Values:
    """(N,) 1 in the joints between cells, 0 else."""
    across = np.minimum(inside[0], 1 - inside[0]) * size_m[0]
    along = np.minimum(inside[1], 1 - inside[1]) * size_m[1]
    joint: Values = (np.minimum(across, along) < width_m / 2).astype(np.float32)
    return joint


def _smoothed(white: Values, sigma: float) -> Values:
    smooth = cv2.GaussianBlur(np.tile(white, (3, 3)), (0, 0), sigma)[256:512, 256:512]
    unit: Values = (smooth / smooth.std()).astype(np.float32)
    return unit
