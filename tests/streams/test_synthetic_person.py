"""Drawn bodies: proportions, gait and shading."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.synthetic_gait import gait, stride_length_m
from streams.synthetic_look import looks
from streams.synthetic_paint import fold_noise
from streams.synthetic_person import Stance, pose_person
from streams.synthetic_shape import Figure, Light, Patch, draw_figure
from streams.synthetic_view import View

VIEW = View(640, 360, 600.0, 1.2, 0.0)
LIGHT = Light((0.3, -0.4, 0.87), 0.6, 0.4)
FOLDS = fold_noise(np.random.default_rng(0))
PEOPLE = looks(12, np.random.default_rng(3))


def _figure(person: int, stance: Stance) -> Figure:
    return pose_person(PEOPLE[person], stance, FOLDS)


def _draw(person: int, stance: Stance, light: Light = LIGHT) -> Patch:
    return draw_figure(VIEW, _figure(person, stance), light)


@given(
    person=st.integers(0, 11),
    heading=st.floats(-math.pi, math.pi),
    walked=st.floats(0, 3),
    effort=st.floats(0, 1),
)
@settings(max_examples=30, deadline=None)
def test_figures_are_whole_and_of_human_size(
    person: int, heading: float, walked: float, effort: float
) -> None:
    patch = _draw(person, Stance(0.0, 5.0, heading, walked, effort))
    assert np.isfinite(patch.colours).all()
    assert patch.cover.min() >= 0
    assert patch.cover.max() <= 1 + 1e-6
    rows = np.flatnonzero(patch.silhouette.any(axis=1))
    height_m = (rows[-1] + 1 - rows[0]) * 5.0 / VIEW.focal_px
    # A hat adds some, bent knees take some.
    assert PEOPLE[person].height_m * 0.93 < height_m < PEOPLE[person].height_m * 1.09
    # The window holds the figure with room to spare.
    assert not patch.silhouette[0].any()
    assert not patch.silhouette[:, 0].any()


@given(person=st.integers(0, 11), walked=st.floats(0, 3), effort=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_a_foot_is_always_on_the_floor(person: int, walked: float, effort: float) -> None:
    figure = _figure(person, Stance(0.0, 5.0, 0.3, walked, effort))
    lowest = min(
        min(float(end[2]) for end in (part.start, part.end)) - part.widths_m[-1]
        for part in figure.parts
    )
    assert abs(lowest) < 0.03


def test_depth_of_the_figure_is_where_it_stands() -> None:
    patch = _draw(0, Stance(0.0, 5.0, 0.0, 0.0, 0.0))
    inside = patch.depth[patch.silhouette & np.isfinite(patch.depth)]
    assert inside.min() > 4.4
    assert inside.max() < 5.5


def test_more_light_makes_brighter_figures() -> None:
    stance = Stance(0.0, 5.0, 0.0, 0.0, 0.0)
    dim = _draw(0, stance, Light(LIGHT.direction, 0.3, 0.2))
    bright = _draw(0, stance, Light(LIGHT.direction, 0.6, 0.4))
    assert bright.colours.sum() == pytest.approx(2 * dim.colours.sum(), rel=1e-3)


def test_faces_look_forward_and_hair_is_behind() -> None:
    towards = _draw(0, Stance(0.0, 5.0, -math.pi / 2, 0.0, 0.0))
    away = _draw(0, Stance(0.0, 5.0, math.pi / 2, 0.0, 0.0))
    rows = np.flatnonzero(towards.silhouette.any(axis=1))
    head = slice(rows[0] + 4, rows[0] + 22)
    assert towards.colours[head].sum() > 1.5 * away.colours[head].sum()


def test_similar_people_share_colours_but_not_the_pattern() -> None:
    first, similar = PEOPLE[0], PEOPLE[5]
    assert first.upper.base == similar.upper.base
    assert first.lower == similar.lower
    assert first.upper.pattern != similar.upper.pattern


def test_looks_beyond_the_composed_ones_follow_the_seed() -> None:
    again = looks(12, np.random.default_rng(3))
    other = looks(12, np.random.default_rng(4))
    assert again == PEOPLE
    assert other[:8] == PEOPLE[:8]
    assert other[8:] != PEOPLE[8:]
    assert looks(0, np.random.default_rng(3)) == []


def test_legs_and_arms_swing_against_each_other() -> None:
    contact = gait(0.0, 1.0, 1.0)
    assert contact.left_leg.hip > 0 > contact.right_leg.hip
    assert contact.left_arm.shoulder < 0 < contact.right_arm.shoulder


@given(stride=st.floats(0, 100), effort=st.floats(0, 1))
def test_half_a_stride_later_left_and_right_have_changed_places(
    stride: float, effort: float
) -> None:
    now, later = gait(stride, effort, 1.0), gait(stride + 0.5, effort, 1.0)
    assert now.left_leg.hip == pytest.approx(later.right_leg.hip, abs=1e-6)
    assert now.right_leg.knee == pytest.approx(later.left_leg.knee, abs=1e-6)
    assert now.left_arm.elbow == pytest.approx(later.right_arm.elbow, abs=1e-6)


def test_taller_people_take_longer_strides() -> None:
    assert stride_length_m(1.9, 1.0) > stride_length_m(1.6, 1.0) > 1.2
