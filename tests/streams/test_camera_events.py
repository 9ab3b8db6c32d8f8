from __future__ import annotations

from streams.camera_events import CameraEvent, CameraStory
from streams.source import SourceInfo

INFO = SourceInfo("h264", 640, 360, 25.0, "arrival", is_live=True)


def story() -> CameraStory:
    told = CameraStory("cam")
    told.info = INFO
    return told


def test_the_first_frame_opens_the_camera() -> None:
    told = story()
    text = "h264, 640 x 360, 25 frames/s, clock: arrival"
    assert told.frame(5.0) == [CameraEvent("cam", "opened", 5.0, text, INFO)]
    assert told.frame(6.0) == []
    assert told.last_at == 6.0


def test_a_loss_is_told_once_and_its_end_names_the_gap() -> None:
    told = story()
    told.frame(5.0)
    assert told.lost("gone", now=100.0) == [CameraEvent("cam", "lost", 5.0, "gone", INFO)]
    assert told.lost("still gone", now=101.0) == []
    assert told.is_lost
    (back,) = told.frame(8.5)
    assert (back.kind, back.at, back.gap) == ("recovered", 8.5, (5.0, 8.5))
    assert back.message == "frames again after 3.5 s"
    assert not told.is_lost
    assert [event.kind for event in told.lost("again", now=110.0)] == ["lost"]


def test_a_camera_that_was_never_there_is_lost_first_and_opens_later() -> None:
    told = CameraStory("cam")
    (lost,) = told.lost("connection refused", now=100.0)
    assert (lost.at, lost.info, lost.gap) == (100.0, None, None)
    told.info = INFO
    opened, back = told.frame(107.0)
    assert (opened.kind, back.kind, back.gap) == ("opened", "recovered", (100.0, 107.0))


def test_a_gap_never_ends_before_it_begins() -> None:
    told = CameraStory("cam")
    told.lost("refused", now=100.0)
    assert told.frame(99.0)[-1].gap == (100.0, 100.0)


def test_the_end_is_dated_by_the_last_frame_or_by_now() -> None:
    assert CameraStory("cam").over("failed", "no file", now=50.0)[0].at == 50.0
    told = story()
    told.frame(5.0)
    assert told.over("ended", "end", now=50.0)[0].at == 5.0
