"""What a drawn body part's surface looks like: cloth with its pattern and folds, skin, hair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

import cv2
import numpy as np
import numpy.typing as npt

from streams.synthetic_view import Plane, Values

Colour = tuple[int, int, int]
"""Blue, green, red, 0-255."""

Pattern = Literal["plain", "bands", "stripes", "checks", "open", "print", "head"]
"""Plain; rings around; lines along; both; the second colour in front, as under an open jacket; a
print on chest and back; a face, with hair of the second colour."""

Colours = npt.NDArray[np.float32]
"""(N, 3) or (h, w, 3) float32 BGR 0-255."""


@dataclass(frozen=True, slots=True)
class Paint:
    """A surface's colours.

    Attributes:
        base: Its main colour.
        second: The pattern's other colour.
        pattern: How the two are laid out.
        period_m: Length after which a repeated pattern repeats.
        folds: Strength of folds and weave, as a fraction of the brightness.
    """

    base: Colour
    second: Colour = (0, 0, 0)
    pattern: Pattern = "plain"
    period_m: float = 0.1
    folds: float = 0.11


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Where on a part each of its pixels lies; (N,) float32 each.

    Attributes:
        along_m: Metres from the start of the part's axis.
        length_m: Length of the axis.
        front: The surface's direction in the body's axes: to the front,
        left: to the body's left,
        up: and up; together of unit length.
        girth_m: Half-width of the part, metres.
    """

    along_m: Values
    length_m: float
    front: Values
    left: Values
    up: Values
    girth_m: Values


def paint_colours(paint: Paint, surface: Surface, folds: Plane) -> Colours:
    """(N, 3) colours of the surface before light falls on it.

    Args:
        paint: The surface's colours.
        surface: Where on the part the pixels lie.
        folds: (64, 64) float32 noise around 0, the figure's own.
    """
    colours: Colours = np.empty((surface.along_m.size, 3), np.float32)
    colours[:] = paint.base
    if paint.pattern != "plain":
        share = _second_share(paint, surface)[:, None]
        colours += share * (np.array(paint.second, np.float32) - colours)
    if paint.pattern == "head":
        colours *= _features(surface)[:, None]
    if paint.folds > 0:
        rows = (surface.along_m * 70.0 + surface.left * 9.0).astype(np.int32) & 63
        columns = (surface.left * 11.0 + surface.front * 7.0).astype(np.int32) & 63
        colours *= (1 + np.float32(paint.folds) * folds[rows, columns])[:, None]
    return colours


def fold_noise(rng: np.random.Generator) -> Plane:
    """(64, 64) float32 noise of about unit deviation: the folds of one person's clothes."""
    white = rng.standard_normal((64, 64)).astype(np.float32)
    coarse = cv2.GaussianBlur(np.tile(white, (3, 3)), (0, 0), 4.0)[64:128, 64:128]
    fine = cv2.GaussianBlur(np.tile(white, (3, 3)), (0, 0), 1.2)[64:128, 64:128]
    noise: Plane = (coarse / coarse.std() + 0.5 * fine / fine.std()).astype(np.float32) / 1.1
    return noise


def _second_share(paint: Paint, surface: Surface) -> Values:
    """(N,) in [0, 1]: how much of the second colour a pixel shows."""
    turn = np.float32(2 * np.pi / paint.period_m)
    rings: Values = surface.along_m * turn
    lines: Values = np.arctan2(surface.left, surface.front) * surface.girth_m * turn
    share: Values
    match paint.pattern:
        case "plain":
            share = np.zeros_like(surface.along_m)
        case "bands":
            share = _edge(np.sin(rings), 2.5)
        case "stripes":
            share = _edge(np.sin(lines), 2.5)
        case "checks":
            share = 0.5 * _edge(np.sin(rings), 2.5) + 0.5 * _edge(np.sin(lines), 2.5)
        case "open":
            aside: Values = np.abs(surface.left)
            share = _edge(surface.front - 0.55 - 0.9 * aside, 9.0)
        case "print":
            middle = (surface.along_m / surface.length_m - 0.66) / 0.16
            share = _edge(1.0 - middle * middle - (surface.left / 0.5) ** 2, 4.0)
        case "head":
            height = surface.along_m / surface.length_m
            share = _edge(height * 0.55 + 0.75 * surface.up - 0.95 * surface.front - 0.28, 6.0)
        case _:
            assert_never(paint.pattern)
    return share


def _edge(value: Values, steepness: float) -> Values:
    """0 where the value is below zero and 1 above, with a soft edge between."""
    edge: Values = np.clip(value * np.float32(steepness) + 0.5, 0, 1).astype(np.float32)
    return edge


def _features(surface: Surface) -> Values:
    """(N,) factors that put eyes, a mouth and the shade of the chin on a face."""
    height = surface.along_m / surface.length_m
    towards = np.clip((surface.front - 0.5) * 3, 0, 1)
    eyes = ((np.abs(surface.left) - 0.36) / 0.15) ** 2 + ((height - 0.62) / 0.12) ** 2
    mouth = (surface.left / 0.3) ** 2 + ((height + 0.02) / 0.07) ** 2
    nose = (surface.left / 0.12) ** 2 + ((height - 0.34) / 0.18) ** 2
    dark = 0.62 * np.exp(-eyes) + 0.24 * np.exp(-mouth) - 0.1 * np.exp(-nose)
    features: Values = (1 - towards * dark).astype(np.float32)
    return features
