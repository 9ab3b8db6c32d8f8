"""Tests of comparing the clocks of cameras."""

from __future__ import annotations

import pytest

from matcher.camera_progress import CameraProgress, CameraState
from matcher.clock_watch import ClockWatch

HOUR_S = 3600.0
NOW = 1e9


def progress(
    camera_id: str, at: float, *, state: CameraState = "running", is_live: bool = True
) -> CameraProgress:
    return CameraProgress(camera_id, at, 0, 1, state, is_live=is_live, source="")


def heard(**hours: float) -> ClockWatch:
    """Live cameras that went on for a second, so many hours from now."""
    clocks = ClockWatch()
    for camera_id, offset in hours.items():
        for second in (0, 1):
            clocks.hear(progress(camera_id, NOW + HOUR_S * offset + second))
    return clocks


def test_clocks_that_agree_are_fine() -> None:
    clocks = heard(a=0, b=0.1, c=-0.1)

    assert clocks.lagging() == set()
    assert clocks.ahead_s("b", NOW + 0.2 * HOUR_S) is None


def test_a_clock_that_is_behind_is_not_waited_for() -> None:
    assert heard(a=0, b=0, c=-3).lagging() == {"c"}
    assert heard(a=0, b=-3).lagging() == {"b"}


def test_a_clock_that_is_ahead_does_not_make_the_others_late() -> None:
    clocks = heard(a=0, b=0, c=3)

    assert clocks.lagging() == set()
    assert clocks.ahead_s("c", NOW + 3 * HOUR_S) == pytest.approx(3 * HOUR_S, abs=2)


def test_of_two_clocks_nobody_can_tell_which_is_wrong() -> None:
    assert heard(a=0, b=3).ahead_s("b", NOW + 3 * HOUR_S) is None


def test_cameras_that_are_silent_lost_or_of_before_a_restart_do_not_tell_the_time() -> None:
    clocks = heard(a=0, b=0)
    clocks.hear(progress("c", NOW + 3 * HOUR_S))
    moment = NOW + 3 * HOUR_S
    assert clocks.ahead_s("c", moment, silent=["a"]) is None

    clocks.hear(progress("a", NOW, state="lost"))
    assert clocks.ahead_s("c", moment) is None

    restarted = ClockWatch()
    for camera_id in "abc":
        restarted.hear(progress(camera_id, NOW - 2 * HOUR_S))  # recalled
    restarted.hear(progress("c", NOW))
    assert restarted.ahead_s("c", NOW) is None
    assert restarted.lagging() == set()


def test_recorded_cameras_may_be_of_any_day() -> None:
    clocks = ClockWatch()
    for camera_id, at in (("a", 0.0), ("b", 9e5), ("c", 1e5)):
        clocks.hear(progress(camera_id, at, is_live=False))
        clocks.hear(progress(camera_id, at + 1, is_live=False))

    assert clocks.lagging() == set()
    assert clocks.ahead_s("b", 9e5) is None


def test_a_camera_that_never_spoke_is_not_judged() -> None:
    assert heard(a=0, b=0).ahead_s("c", NOW + 3 * HOUR_S) is None
