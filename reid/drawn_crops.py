"""Drawn crops of people, the same in every run: to try a model where there are no real ones."""

from __future__ import annotations

import cv2
import numpy as np

from reid.embedder import Crop


def drawn_crops(count: int, size: tuple[int, int] = (256, 128), *, seed: int = 0) -> list[Crop]:
    """Upright figures in clothes of two colours before a mottled ground, no two alike.

    Args:
        count: How many.
        size: (h, w) of each.
        seed: Another seed draws other people.

    Returns:
        (h, w, 3) uint8 BGR each.
    """
    rng = np.random.default_rng(seed)
    return [_drawn(rng, size) for _ in range(count)]


def _drawn(rng: np.random.Generator, size: tuple[int, int]) -> Crop:
    height, width = size
    coarse = rng.integers(40, 200, (height // 16 + 2, width // 16 + 2, 3)).astype(np.uint8)
    crop = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    centre = width * rng.uniform(0.45, 0.55)
    skin, top, bottom = (rng.integers(20, 236, 3).tolist() for _ in range(3))

    def box(top_y: float, bottom_y: float, half_width: float, x: float, colour: list[int]) -> None:
        corner = (round(x - half_width * width), round(top_y * height))
        other = (round(x + half_width * width), round(bottom_y * height))
        cv2.rectangle(crop, corner, other, colour, thickness=-1)

    box(0.20, 0.55, rng.uniform(0.20, 0.28), centre, top)
    for side in (-1, 1):
        box(0.55, 0.95, 0.08, centre + side * width * rng.uniform(0.08, 0.14), bottom)
    cv2.ellipse(
        crop,
        (round(centre), round(0.12 * height)),
        (round(0.12 * width), round(0.08 * height)),
        0,
        0,
        360,
        skin,
        -1,
    )
    noise = rng.normal(0, 6, crop.shape)
    return np.clip(crop + noise, 0, 255).astype(np.uint8)
