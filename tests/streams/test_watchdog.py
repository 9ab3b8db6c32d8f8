from __future__ import annotations

from streams.frame_slots import SlotImage
from streams.reader_messages import Alive, FrameReady, Opened, Opening, Paused
from streams.source import SourceInfo
from streams.watchdog import Watchdog

INFO = SourceInfo("h264", 4, 2, 25.0, "arrival", is_live=True)


def frame(timestamp: float) -> FrameReady:
    return FrameReady(0, timestamp, SlotImage(0, 0, 2, 4), 0, 0, 0)


def streaming(timeout_s: float = 2.0) -> Watchdog:
    """A stream whose last frame came at 100."""
    watchdog = Watchdog(timeout_s)
    watchdog.begin(98.0)
    watchdog.hear(Opening(), 98.5)
    watchdog.hear(Opened(INFO, is_new=True), 99.0)
    watchdog.hear(frame(5000.0), 100.0)
    return watchdog


def test_a_stream_is_quiet_after_one_timeout_and_overdue_after_two() -> None:
    watchdog = streaming()
    assert not watchdog.is_quiet(101.9)
    assert watchdog.is_quiet(102.1)
    assert not watchdog.is_overdue(103.9)
    assert watchdog.is_overdue(104.1)
    assert watchdog.silence_s(104.1) == 4.1 or abs(watchdog.silence_s(104.1) - 4.1) < 1e-9


def test_signs_of_life_count_like_frames() -> None:
    watchdog = streaming()
    watchdog.hear(Alive(), 103.0)
    assert not watchdog.is_quiet(104.9)
    assert not watchdog.is_overdue(106.9)


def test_a_child_has_half_a_minute_to_start() -> None:
    watchdog = Watchdog(2.0)
    watchdog.begin(100.0)
    assert not watchdog.is_overdue(129.0)
    assert watchdog.is_overdue(131.0)
    assert not watchdog.is_quiet(131.0)


def test_a_pause_is_no_silence() -> None:
    watchdog = streaming()
    watchdog.hear(Paused("lost", pause_s=30.0), 104.0)
    assert not watchdog.is_quiet(120.0)
    assert not watchdog.is_overdue(134.0)
    assert watchdog.is_overdue(139.1)


def test_the_frame_that_ffmpeg_kept_back_ends_no_silence() -> None:
    watchdog = streaming()
    late = frame(5000.04)
    assert watchdog.is_leftover(late, 101.9)
    watchdog.hear(late, 101.9)
    assert watchdog.is_quiet(102.1)
    assert watchdog.is_overdue(104.1)


def test_a_frame_captured_after_the_silence_ends_it() -> None:
    watchdog = streaming()
    back = frame(5002.5)
    assert not watchdog.is_leftover(back, 102.5)
    watchdog.hear(back, 102.5)
    assert not watchdog.is_quiet(104.4)


def test_frames_that_were_only_held_up_end_the_silence_after_a_moment() -> None:
    watchdog = streaming()
    for k in range(1, 26):
        watchdog.hear(frame(5000.0 + k / 25), 101.5 + k / 1000)
    assert not watchdog.is_quiet(103.4)


def test_the_first_frame_of_a_new_session_is_no_leftover_whatever_its_clock_says() -> None:
    watchdog = streaming()
    watchdog.hear(Opened(INFO, is_new=True), 110.0)
    assert not watchdog.is_leftover(frame(4000.0), 111.9)
