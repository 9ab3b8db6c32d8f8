from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.timeline import FileTimeline, LiveTimeline

FINITE = st.floats(-1e6, 1e6)


def file_times(pts: list[float | None], period_s: float = 1.0) -> tuple[list[float], int]:
    timeline = FileTimeline(1000.0, period_s)
    return [timeline.timestamp(time) for time in pts], timeline.num_jumps


@pytest.mark.parametrize(
    ("pts", "times", "num_jumps"),
    [
        ([5.0, 6.0, 7.5], [1000, 1001, 1002.5], 0),
        ([None, None, None], [1000, 1001, 1002], 0),
        ([0.0, None, 2.0], [1000, 1001, 1002], 0),
        ([None, 7.0, 8.0], [1000, 1001, 1002], 0),
        ([0.0, 0.0, 1.0], [1000, 1001, 1002], 1),
        ([8.0, 9.0, 0.0, 1.0, 2.0], [1000, 1001, 1002, 1003, 1004], 1),
        ([8.0, 9.0, 0.0, 11.0, 12.0], [1000, 1001, 1002, 1003, 1004], 1),
        ([0.0, 1.0, 0.0, 1.0, 0.0, 1.0], [1000, 1001, 1002, 1003, 1004, 1005], 2),
    ],
    ids=["as given", "none", "one missing", "late start", "twice", "restart", "glitch", "loop"],
)
def test_file_times(pts: list[float | None], times: list[float], num_jumps: int) -> None:
    assert file_times(pts) == (times, num_jumps)


@given(st.lists(st.none() | FINITE, max_size=60), st.floats(0.001, 10))
def test_file_times_always_go_forward(pts: list[float | None], period_s: float) -> None:
    times, _ = file_times(pts, period_s)
    assert all(earlier < later for earlier, later in pairwise(times))


def test_before_the_camera_reports_its_clock_times_follow_the_least_delayed_frame() -> None:
    timeline = LiveTimeline()
    # A burst of old frames at first: the last of them is the least delayed.
    at = [timeline.timestamp(pts, arrived_at=100 + pts / 100) for pts in (0.0, 0.5, 1.0)]
    assert at[-1] == pytest.approx(100.01, abs=0.02)
    at.append(timeline.timestamp(1.04, arrived_at=100.3))  # 0.25 s late
    assert at[-1] == pytest.approx(100.05, abs=0.02)
    assert timeline.clock == "arrival"
    assert at == sorted(at)


def test_a_frame_without_presentation_time_is_dated_by_its_arrival() -> None:
    timeline = LiveTimeline()
    assert timeline.timestamp(None, arrived_at=100.0) == 100.0
    assert timeline.timestamp(0.04, arrived_at=100.04) == pytest.approx(100.04)


def test_after_a_long_delay_the_arrival_counts_again() -> None:
    timeline = LiveTimeline()
    timeline.timestamp(0.0, arrived_at=100.0)
    assert timeline.timestamp(1.0, arrived_at=105.0) == 105.0


def test_the_switch_to_the_camera_clock_slows_time_and_never_turns_it_back() -> None:
    timeline = LiveTimeline()
    at = [timeline.timestamp(k / 25, arrived_at=100 + k / 25) for k in range(25)]
    # The camera says that all this was captured half a second before it arrived.
    at += [
        timeline.timestamp(k / 25, arrived_at=100 + k / 25, start_realtime=99.5)
        for k in range(25, 75)
    ]
    assert timeline.clock == "rtcp"
    assert all(0.01 < later - earlier < 0.05 for earlier, later in pairwise(at) if later != at[25])
    assert at[25] > at[24]
    assert at[-1] == pytest.approx(99.5 + 74 / 25)
    assert timeline.num_jumps == 0


def test_a_camera_clock_that_is_ahead_is_followed_at_once() -> None:
    timeline = LiveTimeline()
    timeline.timestamp(0.0, arrived_at=100.0)
    assert timeline.timestamp(0.04, arrived_at=100.04, start_realtime=103.0) == 103.04


def test_a_clock_that_is_minutes_off_is_not_believed_and_told_once() -> None:
    told: list[float] = []
    timeline = LiveTimeline(on_distrust=told.append)
    for k in range(3):
        at = timeline.timestamp(k / 25, arrived_at=1e9 + k / 25, start_realtime=0.0)
        assert at == pytest.approx(1e9 + k / 25)
    assert told == [pytest.approx(-1e9)]
    assert timeline.clock == "arrival"


def test_presentation_times_that_jump_back_are_counted() -> None:
    timeline = LiveTimeline()
    timeline.timestamp(1000.0, arrived_at=100.0)
    assert timeline.timestamp(0.0, arrived_at=100.04) == pytest.approx(100.04)
    assert timeline.num_jumps == 1


@given(st.lists(st.tuples(st.none() | FINITE, st.floats(0, 1e6), st.none() | FINITE), max_size=60))
def test_live_times_always_go_forward(
    frames: list[tuple[float | None, float, float | None]],
) -> None:
    timeline = LiveTimeline()
    times = [
        timeline.timestamp(pts, arrived_at=arrived_at, start_realtime=start)
        for pts, arrived_at, start in frames
    ]
    assert all(earlier < later for earlier, later in pairwise(times))
