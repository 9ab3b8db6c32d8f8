"""The camera worker: order, batches, lost cameras, errors that are survived."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from crosscam.pipeline import CameraLane, CameraWorker, Message
from crosscam.tracklets import PublishPolicy, TrackletMaker
from detector.detections import Detections
from detector.errors import DetectorError
from detector.tracker import Tracker
from matcher.camera_progress import CameraGap, CameraProgress
from matcher.tracklet import Tracklet
from reid.batching import EmbeddingHost
from reid.histogram import HistogramEmbedder
from streams.camera_events import CameraEvent, EventKind
from streams.frame import Frame
from streams.reader import ReaderStats

Make = Callable[..., Detections]
POLICY = PublishPolicy()


class _Script:
    """A reader that plays a list of frames and events."""

    def __init__(self, items: Sequence[Frame | CameraEvent | None]) -> None:
        self._items = deque(items)
        self.is_closed = False
        self.stats = ReaderStats()

    def start(self) -> None:
        """Nothing to start."""

    def poll(self, timeout_s: float) -> Frame | CameraEvent | None:
        del timeout_s
        return self._items.popleft() if self._items else None

    def close(self) -> None:
        self.is_closed = True


class _Listed:
    """A detector that knows the answers, and fails on chosen frames."""

    name = "listed"

    def __init__(self, answers: Sequence[Detections], *, fails_on: Sequence[int] = ()) -> None:
        self._answers = {(a.frame.camera_id, a.frame.index): a for a in answers}
        self._fails_on = fails_on
        self.batches: list[list[str]] = []

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        self.batches.append([frame.camera_id for frame in frames])
        if any(frame.index in self._fails_on for frame in frames):
            raise DetectorError("listed: cannot look at this")
        return [self._answers[frame.camera_id, frame.index] for frame in frames]

    def close(self) -> None:
        """Nothing to free."""


class _Kept:
    """A publisher that keeps everything in order."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def publish(self, message: Message) -> None:
        self.messages.append(message)


def _lane(camera_id: str, items: Sequence[Frame | CameraEvent | None]) -> CameraLane:
    return CameraLane(
        camera_id=camera_id,
        source=camera_id,
        is_live=False,
        epoch=1,
        reader=_Script(items),
        tracker=Tracker(camera_id),
        maker=TrackletMaker(camera_id, 1, POLICY),
    )


def _event(
    camera_id: str, kind: EventKind, at: float = 0.0, gap: tuple[float, float] | None = None
) -> CameraEvent:
    return CameraEvent(camera_id=camera_id, kind=kind, at=at, message=kind, gap=gap)


def _walk(make: Make, camera_id: str, count: int) -> list[Detections]:
    return [make(i, (40.0 + i, 50.0, 40.0, 120.0), camera_id=camera_id) for i in range(count)]


def _run(lanes: list[CameraLane], detector: _Listed) -> tuple[CameraWorker, list[Message]]:
    host = EmbeddingHost(HistogramEmbedder(), max_batch=4, max_wait_ms=1)
    kept = _Kept()
    worker = CameraWorker(lanes, detector, host, kept, POLICY, "histogram:1")
    try:
        worker.run(threading.Event(), lambda _: None)
    finally:
        host.close()
    return worker, kept.messages


def test_watermarks_never_overtake_tracklets(make_detections: Make) -> None:
    answers = _walk(make_detections, "cam1", 30)
    lane = _lane("cam1", [*(a.frame for a in answers), _event("cam1", "ended")])

    _, messages = _run([lane], _Listed(answers))

    watermark = float("-inf")
    for message in messages:
        if isinstance(message, CameraProgress):
            assert message.watermark_at >= watermark
            watermark = message.watermark_at
        elif isinstance(message, Tracklet):
            assert message.emitted_at > watermark or message.is_final
    last = messages[-1]
    assert isinstance(last, CameraProgress)
    assert (last.state, last.next_index) == ("ended", 30)


def test_cameras_at_one_time_are_detected_in_one_batch(make_detections: Make) -> None:
    both = [_walk(make_detections, name, 5) for name in ("cam1", "cam2")]
    lanes = [
        _lane(name, [*(a.frame for a in answers), _event(name, "ended")])
        for name, answers in zip(("cam1", "cam2"), both, strict=True)
    ]
    detector = _Listed([a for answers in both for a in answers])

    _run(lanes, detector)

    assert detector.batches == [["cam1", "cam2"]] * 5


def test_a_failed_file_does_not_stop_the_others(make_detections: Make) -> None:
    answers = _walk(make_detections, "cam2", 12)
    broken = _lane("cam1", [_event("cam1", "failed")])
    fine = _lane("cam2", [*(a.frame for a in answers), _event("cam2", "ended")])

    worker, messages = _run([broken, fine], _Listed(answers))

    states = {status.camera_id: (status.state, status.is_troubled) for status in worker.status()}
    assert states == {"cam1": ("lost", True), "cam2": ("ended", False)}
    assert any(isinstance(m, Tracklet) and m.camera_id == "cam2" for m in messages)


def test_a_lost_camera_ends_its_tracks_and_its_gap_is_published(make_detections: Make) -> None:
    answers = _walk(make_detections, "cam1", 20)
    frames = [a.frame for a in answers]
    gap = (frames[9].timestamp, frames[10].timestamp)
    lost = _event("cam1", "lost", at=gap[0])
    back = _event("cam1", "recovered", at=gap[1], gap=gap)
    lane = _lane("cam1", [*frames[:10], lost, back, *frames[10:], _event("cam1", "ended")])

    _, messages = _run([lane], _Listed(answers))

    gaps = [(m.started_at, m.ended_at, m.reason) for m in messages if isinstance(m, CameraGap)]
    finals = [m for m in messages if isinstance(m, Tracklet) and m.is_final]
    assert gaps == [(gap[0], None, "lost"), (*gap, "lost")]
    assert [len(m.boxes) for m in finals] == [10, 10]


def test_a_failing_detector_is_counted_and_survived(
    make_detections: Make, caplog: pytest.LogCaptureFixture
) -> None:
    answers = _walk(make_detections, "cam1", 20)
    lane = _lane("cam1", [*(a.frame for a in answers), _event("cam1", "ended")])

    worker, messages = _run([lane], _Listed(answers, fails_on=[5]))

    assert worker.counts.num_detector_errors == 1
    assert "cannot look at this" in caplog.text
    assert any(isinstance(m, Tracklet) for m in messages)


def test_a_stop_publishes_open_tracks_as_final(make_detections: Make) -> None:
    answers = _walk(make_detections, "cam1", 12)
    lane = _lane("cam1", [a.frame for a in answers])
    host = EmbeddingHost(HistogramEmbedder(), max_batch=4, max_wait_ms=1)
    kept, stop = _Kept(), threading.Event()
    worker = CameraWorker([lane], _Listed(answers), host, kept, POLICY, "histogram:1")
    timer = threading.Timer(1.0, stop.set)
    timer.start()

    worker.run(stop, lambda _: None)

    timer.join()
    host.close()
    tracklets = [m for m in kept.messages if isinstance(m, Tracklet)]
    assert tracklets[-1].is_final
    assert np.isclose(tracklets[-1].ended_at, answers[-1].frame.timestamp)
    last = kept.messages[-1]
    assert isinstance(last, CameraProgress)
    assert (last.state, last.next_index) == ("lost", 12)
