from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.presentation import in_presentation_order


def times(pts: list[float | None], depth: int = 4) -> list[float | None]:
    timed = in_presentation_order(enumerate_times(pts), depth=depth, reach_s=4.0)
    result = list(timed)
    assert [item for item, _ in result] == list(range(len(pts)))
    return [time for _, time in result]


def enumerate_times(pts: list[float | None]) -> list[tuple[int, float | None]]:
    return list(enumerate(pts))


def test_nothing_in_nothing_out() -> None:
    assert times([]) == []


def test_times_of_an_avi_with_b_frames_are_put_right() -> None:
    shuffled: list[float | None] = [1.0, 4.0, 3.0, 5.0, 2.0, 8.0, 7.0, 9.0, 6.0]
    assert times(shuffled) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]


def test_a_clock_that_starts_again_is_left_to_the_timeline() -> None:
    assert times([100.0, 101.0, 0.0, 1.0]) == [100.0, 101.0, 0.0, 1.0]


def test_missing_times_stay_missing() -> None:
    assert times([0.0, None, 2.0]) == [0.0, None, 2.0]


def test_without_depth_nothing_changes() -> None:
    assert times([1.0, 3.0, 2.0], depth=0) == [1.0, 3.0, 2.0]


@given(st.lists(st.floats(0, 1000)), st.integers(0, 9))
def test_times_in_order_stay_as_they_are(pts: list[float], depth: int) -> None:
    ordered: list[float | None] = [*sorted(pts)]
    assert times(ordered, depth) == ordered


@given(st.lists(st.none() | st.floats(-1e4, 1e4)), st.integers(0, 9))
def test_no_time_is_made_up_or_lost(pts: list[float | None], depth: int) -> None:
    given_times = [time for time in pts if time is not None]
    result = [time for time in times(pts, depth) if time is not None]
    assert sorted(result) == sorted(given_times)
