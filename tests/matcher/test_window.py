"""Tests of putting tracklets into windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.camera_progress import CameraProgress, CameraState
from matcher.tracklet import TrackBoxes, Tracklet
from matcher.window import Window, Windows

CAMERAS = ["a", "b"]


def tracklet(name: str, emitted_at: float, version: int = 1) -> Tracklet:
    boxes = TrackBoxes(
        np.array([0]),
        np.array([emitted_at]),
        np.array([[0, 0, 10, 20]], np.float32),
        np.array([1], np.float32),
    )
    return Tracklet(
        tracklet_id=name,
        version=version,
        camera_id=name[0],
        started_at=emitted_at,
        ended_at=emitted_at,
        emitted_at=emitted_at,
        boxes=boxes,
        feature=np.array([1, 0], np.float32),
        quality=1.0,
        space="test",
        is_final=True,
    )


def progress(
    camera_id: str, watermark_at: float, state: CameraState = "running", epoch: int = 1
) -> CameraProgress:
    return CameraProgress(camera_id, watermark_at, 0, epoch, state, is_live=True, source="")


def names(windows: list[Window]) -> list[list[str]]:
    return [[t.tracklet_id for t in window.tracklets] for window in windows]


def test_a_window_is_due_when_all_cameras_have_passed_it() -> None:
    windows = Windows(0.5, CAMERAS)
    windows.add(tracklet("a1", 10.1))
    windows.advance(progress("a", 20.0))
    assert windows.take_due() == []

    windows.advance(progress("b", 10.4))
    assert windows.take_due() == []

    windows.advance(progress("b", 10.5))
    (window,) = windows.take_due()
    assert names([window]) == [["a1"]]
    assert window.ended_at == 10.5
    assert windows.take_due() == []


def test_the_end_of_a_window_belongs_to_the_next() -> None:
    windows = Windows(0.5, [])
    windows.add(tracklet("a1", 10.49))
    windows.add(tracklet("a2", 10.5))

    assert [window.ended_at for window in windows.take_all()] == [10.5, 11.0]


def test_windows_come_oldest_first_whatever_came_first() -> None:
    windows = Windows(1.0, CAMERAS)
    for name, at in [("b2", 7.5), ("a1", 5.5), ("a3", 7.4), ("b1", 5.1)]:
        windows.add(tracklet(name, at))

    assert names(windows.take_all()) == [["a1", "b1"], ["a3", "b2"]]


@pytest.mark.parametrize("state", ["lost", "ended"])
def test_a_camera_that_says_nothing_more_is_not_waited_for(state: CameraState) -> None:
    windows = Windows(0.5, CAMERAS)
    windows.add(tracklet("a1", 10.1))
    windows.advance(progress("a", 11.0))
    windows.advance(progress("b", 3.0, state))

    assert names(windows.take_due()) == [["a1"]]


def test_a_camera_that_is_back_is_waited_for_again() -> None:
    windows = Windows(0.5, CAMERAS)
    windows.add(tracklet("a1", 10.1))
    windows.advance(progress("a", 11.0))
    windows.advance(progress("b", 3.0, "lost"))
    windows.advance(progress("b", 9.0))

    assert windows.take_due() == []


def test_a_stalled_camera_is_not_waited_for() -> None:
    windows = Windows(0.5, CAMERAS)
    windows.add(tracklet("a1", 10.1))
    windows.advance(progress("a", 11.0))

    assert names(windows.take_due(stalled=["b", "unheard of"])) == [["a1"]]


def test_when_no_camera_is_left_everything_is_due() -> None:
    windows = Windows(0.5, CAMERAS)
    windows.add(tracklet("a1", 10.1))
    windows.advance(progress("a", 1.0, "ended"))
    windows.advance(progress("b", 1.0, "ended"))

    assert names(windows.take_due()) == [["a1"]]


def test_old_progress_is_ignored_and_a_new_life_may_begin_earlier() -> None:
    windows = Windows(0.5, ["a"])
    windows.add(tracklet("a1", 10.1))
    windows.advance(progress("a", 5.0))
    windows.advance(progress("a", 4.0, "ended"))
    assert windows.take_due() == []

    windows.advance(progress("a", 2.0, epoch=2))
    windows.advance(progress("a", 99.0, epoch=1))
    assert windows.take_due() == []


def test_a_late_tracklet_joins_the_window_that_is_open() -> None:
    windows = Windows(1.0, ["a"])
    windows.add(tracklet("a1", 5.5))
    windows.advance(progress("a", 8.2))
    windows.take_due()

    windows.add(tracklet("a2", 5.6))

    assert windows.num_late == 1
    assert windows.take_due() == []
    windows.advance(progress("a", 9.0))
    (window,) = windows.take_due()
    assert window.ended_at == 9.0


def test_after_a_restart_it_is_known_what_is_late() -> None:
    windows = Windows(1.0, ["a"])
    windows.resume(6.0)
    windows.resume(4.0)

    windows.add(tracklet("a1", 5.5))
    windows.add(tracklet("a2", 6.0))

    assert windows.num_late == 1


def test_what_waits_is_pending_once() -> None:
    windows = Windows(1.0, ["a"])
    windows.add(tracklet("a1", 5.5))
    windows.add(tracklet("a1", 5.5))
    windows.add(tracklet("a1", 5.6, version=2))

    assert windows.pending == {("a1", 1), ("a1", 2)}
    assert ("a1", 2) in windows
    (window,) = windows.take_all()
    assert [t.version for t in window.tracklets] == [1, 2]
    assert windows.pending == frozenset()


def test_nothing_gives_no_window() -> None:
    windows = Windows(1.0, [])

    assert windows.take_due() == []
    assert windows.take_all() == []


@pytest.mark.parametrize("window_s", [0.0, -1.0, float("nan")])
def test_a_window_has_a_length(window_s: float) -> None:
    with pytest.raises(ValueError, match="window_s"):
        Windows(window_s, [])


@settings(deadline=None)
@given(st.floats(1e9, 2e9), st.sampled_from([0.1, 0.3, 0.5, 1 / 3]))
def test_every_moment_is_in_one_window_and_due_when_that_is_passed(
    moment: float, window_s: float
) -> None:
    windows = Windows(window_s, ["a"])
    windows.add(tracklet("a1", moment))

    windows.advance(progress("a", moment))
    assert windows.take_due() == []
    windows.advance(progress("a", moment + 1.01 * window_s))
    (window,) = windows.take_due()
    assert window.ended_at - 1.01 * window_s <= moment <= window.ended_at
