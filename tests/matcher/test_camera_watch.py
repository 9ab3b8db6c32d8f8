from __future__ import annotations

from collections.abc import Callable

import pytest

from matcher.camera_progress import CameraProgress
from matcher.camera_watch import FIRST_WORD_S, CameraWatch

MakeProgress = Callable[..., CameraProgress]


@pytest.fixture
def watch() -> CameraWatch:
    return CameraWatch(["cam1", "cam2"], max_delay_s=3.0, started_at=100.0)


def test_live_camera_is_stalled_after_its_delay_and_back_at_its_next_word(
    watch: CameraWatch, make_progress: MakeProgress
) -> None:
    watch.hear(make_progress(1.0, is_live=True), 101.0)
    assert watch.stalled(103.9) == set()
    assert watch.stalled(104.1) == {"cam1"}
    watch.hear(make_progress(2.0, is_live=True), 105.0)
    assert watch.stalled(105.0) == set()


def test_recorded_camera_is_waited_for_as_long_as_it_takes(
    watch: CameraWatch, make_progress: MakeProgress
) -> None:
    watch.hear(make_progress(1.0, camera_id="cam1"), 101.0)
    watch.hear(make_progress(1.0, camera_id="cam2"), 101.0)
    assert watch.stalled(100_000.0) == set()


def test_camera_that_never_spoke_is_waited_for_a_while(watch: CameraWatch) -> None:
    assert watch.stalled(100.0 + FIRST_WORD_S - 1) == set()
    assert watch.stalled(100.0 + FIRST_WORD_S + 1) == {"cam1", "cam2"}


def test_live_camera_of_before_the_start_gets_its_delay_from_the_start(
    watch: CameraWatch, make_progress: MakeProgress
) -> None:
    watch.recall(make_progress(1.0, is_live=True))
    assert watch.stalled(102.0) == set()
    assert watch.stalled(104.0) == {"cam1"}


def test_what_is_delivered_again_says_nothing(
    watch: CameraWatch, make_progress: MakeProgress
) -> None:
    assert watch.hear(make_progress(1.0), 101.0)
    assert watch.hear(make_progress(2.0), 102.0)
    assert not watch.hear(make_progress(1.0), 103.0)
    assert watch.hear(make_progress(2.0, state="ended"), 104.0)


def test_slowest_running_camera_sets_the_stream_time(
    watch: CameraWatch, make_progress: MakeProgress
) -> None:
    assert watch.slowest_watermark() is None
    watch.hear(make_progress(5.0, camera_id="cam1"), 101.0)
    watch.hear(make_progress(3.0, camera_id="cam2"), 101.0)
    assert watch.slowest_watermark() == make_progress(3.0).watermark_at
    watch.hear(make_progress(4.0, camera_id="cam2", state="ended"), 101.0)
    assert watch.slowest_watermark() == make_progress(5.0).watermark_at


def test_all_have_ended_when_each_has_said_so(
    watch: CameraWatch, make_progress: MakeProgress
) -> None:
    assert not watch.have_all_ended(101.0)
    watch.hear(make_progress(1.0, camera_id="cam1", state="ended"), 101.0)
    assert not watch.have_all_ended(101.0)
    watch.hear(make_progress(1.0, camera_id="cam2", state="running"), 101.0)
    assert not watch.have_all_ended(101.0)
    watch.hear(make_progress(1.5, camera_id="cam2", state="ended"), 101.0)
    assert watch.have_all_ended(101.0)


def test_camera_that_ended_in_an_earlier_run_is_believed_after_a_while(
    watch: CameraWatch, make_progress: MakeProgress
) -> None:
    watch.recall(make_progress(1.0, camera_id="cam1", state="ended"))
    watch.recall(make_progress(1.0, camera_id="cam2", state="ended"))
    assert not watch.have_all_ended(101.0)
    assert watch.have_all_ended(100.0 + FIRST_WORD_S + 1)


def test_camera_that_is_not_of_the_site_is_ignored(
    watch: CameraWatch, make_progress: MakeProgress
) -> None:
    assert not watch.recall(make_progress(1.0, camera_id="old"))
    assert not watch.hear(make_progress(1.0, camera_id="old", is_live=True), 101.0)
    assert watch.stalled(110.0) == set()


def test_site_without_cameras_never_ends() -> None:
    assert not CameraWatch([], max_delay_s=3.0, started_at=0.0).have_all_ended(1e9)
