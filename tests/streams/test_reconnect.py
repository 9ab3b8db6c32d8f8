from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from streams.errors import SourceLostError, SourceOpenError
from streams.frame import Frame
from streams.reader_messages import Opened, Opening, Paused
from streams.reconnect import Backoff, reopened
from streams.source import FrameSource, SourceInfo


def test_pauses_double_up_to_the_limit_and_jitter_by_a_fifth() -> None:
    backoff = Backoff(30.0, random.Random(1))
    pauses = [backoff.next_s() for _ in range(8)]
    for pause, base in zip(pauses, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert 0.8 * base <= pause <= min(1.2 * base, 30)
    assert len(set(pauses)) > 5


def test_reset_makes_the_next_pause_short() -> None:
    backoff = Backoff(30.0, random.Random(1))
    for _ in range(5):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 1.2


def test_two_cameras_do_not_come_back_at_one_moment() -> None:
    first, second = Backoff(30.0, random.Random(1)), Backoff(30.0, random.Random(2))
    assert first.next_s() != second.next_s()


@dataclass
class Clock:
    """A clock that moves when somebody waits or a frame passes."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)
    max_pauses: int = 3

    def wait(self, pause_s: float) -> bool:
        self.pauses.append(pause_s)
        self.now += pause_s
        return len(self.pauses) >= self.max_pauses


@dataclass
class Camera:
    """Gives some frames, a second apart, and is lost."""

    clock: Clock
    num_frames: int
    is_closed: bool = False
    camera_id: str = "cam"
    num_clock_jumps: int = 0
    num_decode_errors: int = 0
    num_read: int = 0
    info: SourceInfo = field(default=SourceInfo("h264", 4, 2, None, "arrival", is_live=True))

    def frames(self, start_index: int = 0) -> Iterator[Frame]:
        for index in range(start_index, self.num_frames):
            self.clock.now += 1.0
            yield Frame("cam", index, self.clock.now, np.zeros((2, 4, 3), np.uint8))
        raise SourceLostError("camera cam: closed the stream")

    def close(self) -> None:
        self.is_closed = True


def kinds(clock: Clock, cameras: list[Camera | SourceOpenError]) -> list[str]:
    attempts = iter(cameras)

    def open_source() -> FrameSource:
        attempt = next(attempts)
        if isinstance(attempt, SourceOpenError):
            raise attempt
        return attempt

    backoff = Backoff(30.0, random.Random(1))
    names = []
    for item in reopened(open_source, backoff, clock.wait, lambda: clock.now):
        match item:
            case Opening():
                names.append("opening")
            case Opened():
                names.append("opened")
            case Paused():
                names.append("paused")
            case _:
                names.append("frame")
    return names


def test_a_lost_camera_is_closed_and_opened_again() -> None:
    clock = Clock(max_pauses=2)
    cameras = [Camera(clock, 2), Camera(clock, 1)]
    session = ["opening", "opened", "frame"]
    assert kinds(clock, [*cameras]) == [*session, "frame", "paused", *session, "paused"]
    assert all(camera.is_closed for camera in cameras)


def test_a_camera_that_cannot_be_opened_is_tried_with_growing_pauses() -> None:
    clock = Clock(max_pauses=4)
    refusals: list[Camera | SourceOpenError] = [SourceOpenError("refused") for _ in range(4)]
    assert kinds(clock, refusals) == ["opening", "paused"] * 4
    assert clock.pauses == sorted(clock.pauses)
    assert clock.pauses[-1] > 6


def test_a_session_longer_than_the_pause_before_makes_pauses_short_again() -> None:
    clock = Clock(max_pauses=5)
    refused = SourceOpenError("refused")
    kinds(clock, [refused, refused, refused, Camera(clock, 100), refused])
    assert clock.pauses[2] > 3
    assert clock.pauses[3] < 1.3


def test_a_camera_that_dies_at_once_every_time_keeps_growing_pauses() -> None:
    clock = Clock(max_pauses=5)
    kinds(clock, [Camera(clock, 0) for _ in range(5)])
    assert clock.pauses[-1] > 6


def test_what_no_retry_can_help_is_raised() -> None:
    with pytest.raises(SourceOpenError, match="not allowed"):
        kinds(Clock(), [SourceOpenError("not allowed", is_permanent=True)])
