"""The pinhole camera of a drawn site."""

from __future__ import annotations

import math

import numpy as np
import pytest

from streams.synthetic_view import View, vector

LEVEL = View(640, 360, 500.0, 2.0, 0.0)
TILTED = View(640, 360, 500.0, 2.6, math.radians(12))


def test_level_camera_sees_straight_ahead_in_the_middle() -> None:
    (column, row, depth), = LEVEL.project(vector(0, 5, 2)[None]).tolist()  # fmt: skip
    assert (column, row, depth) == (320, 180, 5)


def test_points_to_the_right_and_below_land_right_and_below() -> None:
    (column, row, depth), = LEVEL.project(vector(1, 5, 0)[None]).tolist()  # fmt: skip
    assert (column, row, depth) == (420, 380, 5)


def test_rays_go_through_the_pixels_they_belong_to() -> None:
    rays = TILTED.rays(1)
    for row, column in ((0, 0), (100, 500), (359, 639)):
        point = TILTED.eye + rays[row, column] * 7.0
        (found_column, found_row, depth), = TILTED.project(point[None]).tolist()  # fmt: skip
        assert (found_column, found_row, depth) == pytest.approx((column, row, 7.0), abs=1e-3)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_ground_x_lies_in_its_column(fraction: float) -> None:
    x = TILTED.ground_x(fraction, 6.0)
    (column, _, _), = TILTED.project(vector(x, 6.0, 0)[None]).tolist()  # fmt: skip
    assert column == pytest.approx(fraction * 640, abs=1e-2)


def test_no_points_give_no_places() -> None:
    assert TILTED.project(np.empty((0, 3), np.float32)).shape == (0, 3)
