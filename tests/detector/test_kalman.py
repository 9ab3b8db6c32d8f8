from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.kalman import BoxFilter

Array = npt.NDArray[np.float32]


def box_at(x: float, y: float = 100.0, height: float = 100.0) -> Array:
    """A box of a person whose centre is at (x, y)."""
    width = 0.4 * height
    return np.array(
        [x - width / 2, y - height / 2, x + width / 2, y + height / 2], dtype=np.float32
    )


def followed(speed: float, dt_s: float, seconds: float = 2.0) -> BoxFilter:
    """The filter after having seen somebody walk to the right."""
    motion = BoxFilter(box_at(0))
    for step in range(1, round(seconds / dt_s) + 1):
        motion.predict(dt_s)
        motion.update(box_at(speed * step * dt_s))
    return motion


def test_a_new_filter_gives_the_box_back() -> None:
    assert BoxFilter(box_at(50)).box == pytest.approx(box_at(50))


def test_somebody_who_stands_still_has_no_velocity() -> None:
    assert followed(speed=0, dt_s=0.1).velocity == pytest.approx(np.zeros(4), abs=1e-3)


@pytest.mark.parametrize("dt_s", [0.04, 0.1, 0.25], ids=["25 fps", "10 fps", "4 fps"])
def test_the_velocity_of_a_walk_is_found_whatever_the_frame_rate(dt_s: float) -> None:
    assert followed(speed=80, dt_s=dt_s).velocity[0] == pytest.approx(80, rel=0.15)


def test_uneven_steps_are_followed_as_well_as_even_ones() -> None:
    motion, now = BoxFilter(box_at(0)), 0.0
    for dt_s in [0.05, 0.3, 0.05, 0.1, 0.4, 0.05, 0.2] * 3:
        now += dt_s
        motion.predict(dt_s)
        motion.update(box_at(80 * now))
    motion.predict(0.2)
    assert motion.box == pytest.approx(box_at(80 * (now + 0.2)), abs=5)


def test_two_small_steps_foresee_the_same_place_as_one_large_step() -> None:
    once, twice = followed(80, 0.1), followed(80, 0.1)
    once.predict(0.4)
    twice.predict(0.1)
    twice.predict(0.3)
    assert twice.box == pytest.approx(once.box, abs=1e-3)


def test_an_unconfirmed_velocity_fades_so_that_a_lost_box_stops() -> None:
    motion = followed(speed=80, dt_s=0.1)
    start = motion.box[0]
    motion.predict(1000)
    assert motion.velocity == pytest.approx(np.zeros(4), abs=1e-6)
    assert motion.box[0] - start == pytest.approx(80 * 2.0, rel=0.15)  # speed times fading time


def test_a_step_of_no_time_changes_nothing() -> None:
    motion = followed(speed=80, dt_s=0.1)
    before = motion.box
    motion.predict(0)
    assert motion.box == pytest.approx(before)


def test_the_estimate_agrees_with_a_kalman_filter_written_with_matrices() -> None:
    """An independent derivation for the centre's x: full 2 x 2 matrices, textbook form."""
    fade_s, acceleration, height, dt_s = 2.0, 0.8, 100.0, 0.2
    state, measured_variance = np.zeros(2), (0.04 * height) ** 2
    covariance = np.diag([measured_variance, (0.8 * height) ** 2])
    fade = np.exp(-dt_s / fade_s)
    step = np.array([[1, fade_s * (1 - fade)], [0, fade]])
    noise = np.array([[dt_s**3 / 3, dt_s**2 / 2], [dt_s**2 / 2, dt_s]])
    motion = BoxFilter(box_at(0))
    for x in [10.0, 22.0, 29.0, 45.0]:
        state = step @ state
        covariance = step @ covariance @ step.T + noise * (acceleration * height) ** 2
        gain = covariance[:, 0] / (covariance[0, 0] + measured_variance)
        state = state + gain * (x - state[0])
        covariance = covariance - np.outer(gain, covariance[0])
        motion.predict(dt_s)
        motion.update(box_at(x))
    assert (motion.box[0] + motion.box[2]) / 2 == pytest.approx(state[0], abs=1e-3)
    assert motion.velocity[0] == pytest.approx(state[1], rel=1e-6)


def test_a_scaled_filter_goes_on_as_if_the_image_had_always_been_larger() -> None:
    small, large = followed(80, 0.1), BoxFilter(box_at(0) * 2)
    for step in range(1, 21):
        large.predict(0.1)
        large.update(box_at(8.0 * step) * 2)
    small.scale(2, 2)
    for motion in (small, large):
        motion.predict(0.3)
    assert small.box == pytest.approx(large.box, rel=1e-4)


@given(
    corners=st.tuples(*[st.floats(-1e4, 1e4, width=32)] * 2),
    sides=st.tuples(*[st.floats(0.125, 1e4, width=32)] * 2),
    steps=st.lists(st.floats(0, 1e5), max_size=8),
)
def test_the_box_stays_finite_and_has_an_area(
    corners: tuple[float, float], sides: tuple[float, float], steps: list[float]
) -> None:
    x, y = corners
    box = np.array([x, y, x + sides[0], y + sides[1]], dtype=np.float32)
    motion = BoxFilter(box)
    for number, dt_s in enumerate(steps):
        motion.predict(dt_s)
        found = motion.box
        assert np.isfinite(found).all()
        assert (found[2:] > found[:2]).all()
        if number % 2:
            motion.update(box)
