"""The camera worker, to be read in one sitting: frames in, published tracklets out.

One thread detects and tracks; the embedding host has a thread of its own. Whatever is published
goes through one queue in stream order, so that a camera's watermark never overtakes its tracklets.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from crosscam.tracklets import Draft, PublishPolicy, TrackletMaker, finished
from detector.detections import Detections
from detector.detector import Detector
from detector.errors import DetectorError
from detector.tracker import Tracker
from matcher.camera_progress import CameraGap, CameraProgress, CameraState
from matcher.tracklet import Tracklet
from reid.batching import EmbeddingHost
from reid.embedder import Embeddings
from reid.errors import ReidError
from streams.camera_events import CameraEvent
from streams.frame import Frame
from streams.reader import ReaderStats

logger = logging.getLogger(__name__)

_PROGRESS_EVERY_S = 0.2
_BATCH_SPAN_S = 0.05
_MAX_UNPUBLISHED = 256
_IDLE_S = 0.01

Message = Tracklet | CameraProgress | CameraGap


class Reader(Protocol):
    """What the worker needs of `streams.reader.CameraReader`."""

    def start(self) -> None:
        """Begin to read."""
        ...

    def poll(self, timeout_s: float) -> Frame | CameraEvent | None:
        """The next frame or event; None: nothing came within `timeout_s`."""
        ...

    @property
    def stats(self) -> ReaderStats:
        """Counts of the reader."""
        ...

    def close(self) -> None:
        """End the reader."""
        ...


class Publishes(Protocol):
    """What the worker needs of `matcher.publisher.Publisher`."""

    def publish(self, message: Message) -> None:
        """Accept a message; it is never lost, and order is kept."""
        ...


@dataclass(slots=True, eq=False)
class CameraLane:
    """The state of one camera in a worker."""

    camera_id: str
    source: str
    is_live: bool
    epoch: int
    reader: Reader
    tracker: Tracker
    maker: TrackletMaker
    head: Frame | None = None
    is_open: bool = True
    state: CameraState = "running"
    last_index: int = -1
    last_at: float | None = None
    announced_at: float = float("-inf")
    num_frames: int = 0
    num_tracklets: int = 0
    message: str = ""
    is_troubled: bool = False
    lost_at: float = 0.0
    gap_reason: str = ""


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """How a camera is doing, for progress displays.

    Attributes:
        camera_id: The camera.
        is_live: A stream or webcam, not a file.
        state: ``running``, ``lost`` or ``ended``.
        num_frames: Frames worked on.
        num_dropped: Frames dropped because newer ones were there (live).
        num_tracks: Tracks that are alive.
        num_tracklets: Tracklets begun so far.
        stream_at: Timestamp of the last frame; None before the first.
        message: The last event, for people.
        is_troubled: The camera was lost, or its file failed or is damaged, at some time.
    """

    camera_id: str
    is_live: bool
    state: str
    num_frames: int
    num_dropped: int
    num_tracks: int
    num_tracklets: int
    stream_at: float | None
    message: str
    is_troubled: bool


@dataclass(slots=True)
class WorkerCounts:
    """What went wrong and was survived."""

    num_detector_errors: int = 0
    num_embedder_errors: int = 0


@dataclass(slots=True, eq=False)
class _Unpublished:
    """A message in the queue: ready, or a draft that waits for embeddings of its new crops."""

    message: CameraProgress | CameraGap | None = None
    draft: Draft | None = None
    new_crops: tuple[int, ...] = ()
    future: Future[Embeddings] | None = None

    @property
    def is_ready(self) -> bool:
        return self.future is None or self.future.done()


@dataclass(slots=True, eq=False)
class CameraWorker:
    """Some cameras: read, detect (one batch over the cameras), track, choose crops, embed, publish.

    Recorded cameras are merged by capture time, every sampled frame in order, so that a run is
    repeatable; live cameras give their newest frame. A lost camera never holds another one up.
    """

    lanes: Sequence[CameraLane]
    detector: Detector
    host: EmbeddingHost
    publisher: Publishes
    policy: PublishPolicy
    space: str
    counts: WorkerCounts = field(default_factory=WorkerCounts)
    _queue: deque[_Unpublished] = field(default_factory=deque)
    _features: dict[str, dict[int, np.ndarray]] = field(default_factory=dict)
    _submitted: dict[str, set[int]] = field(default_factory=dict)

    def run(self, stop: threading.Event, on_status: Callable[[list[LaneStatus]], None]) -> None:
        """Work until every camera has ended, or `stop` is set; then publish what is open.

        Args:
            stop: Set from outside to end cleanly: open tracks are published as final versions.
            on_status: Called about once a second with the state of every camera.
        """
        reported_at = time.monotonic()
        while not stop.is_set() and any(lane.is_open for lane in self.lanes):
            frames = self._next_frames()
            if frames:
                self._work(frames)
            self._publish_ready()
            if time.monotonic() - reported_at >= 1.0:
                reported_at = time.monotonic()
                on_status(self.status())
        for lane in self.lanes:
            if lane.is_open:
                self._close(lane, "lost")
        self._publish_all()
        on_status(self.status())

    def status(self) -> list[LaneStatus]:
        """How every camera is doing."""
        return [
            LaneStatus(
                camera_id=lane.camera_id,
                is_live=lane.is_live,
                state=lane.state,
                num_frames=lane.num_frames,
                num_dropped=lane.reader.stats.num_dropped,
                num_tracks=lane.maker.num_open,
                num_tracklets=lane.num_tracklets,
                stream_at=lane.last_at,
                message=lane.message,
                is_troubled=lane.is_troubled,
            )
            for lane in self.lanes
        ]

    # -- frames ----------------------------------------------------------------------------------

    def _next_frames(self) -> list[Frame]:
        """The frames of the next batch; empty if none came in time."""
        for lane in self.lanes:
            if lane.is_open and lane.head is None:
                self._fill(lane)
        waiting = [lane for lane in self.lanes if lane.head is not None]
        if not waiting:
            time.sleep(_IDLE_S)
            return []
        if any(
            not lane.is_live and lane.is_open and lane.head is None and lane.state == "running"
            for lane in self.lanes
        ):
            waiting = [lane for lane in waiting if lane.is_live]
        recorded = [lane.head.timestamp for lane in waiting if lane.head and not lane.is_live]
        until = min(recorded, default=0.0) + _BATCH_SPAN_S
        frames = []
        for lane in waiting:
            if lane.head is not None and (lane.is_live or lane.head.timestamp <= until):
                frames.append(lane.head)
                lane.head = None
        return frames

    def _fill(self, lane: CameraLane) -> None:
        """Take the next frame of a camera, working off the events before it."""
        while lane.is_open:
            item = lane.reader.poll(0.0 if lane.is_live else 0.02)
            if item is None:
                return
            if isinstance(item, Frame):
                if lane.last_at is not None and item.timestamp <= lane.last_at:
                    continue  # the tracker needs time to move; the source counts clock jumps
                if lane.last_at is None:
                    self._announce(lane, item.timestamp - 1e-6)
                lane.head = item
                return
            self._on_event(lane, item)

    def _on_event(self, lane: CameraLane, event: CameraEvent) -> None:
        lane.message = event.message
        lane.is_troubled |= event.kind in ("lost", "failed", "corrupt")
        logger.log(
            logging.INFO if event.kind in ("opened", "recovered", "ended") else logging.WARNING,
            "camera %s %s: %s",
            lane.camera_id,
            event.kind,
            event.message,
        )
        if event.kind in ("lost", "recovered"):
            lane.state = "lost" if event.kind == "lost" else "running"
            self._note_gap(lane, event)
            if event.kind == "lost" and lane.last_at is not None:
                self._submit(lane, lane.maker.end(lane.tracker.end(), lane.last_at))
                self._announce(lane, lane.last_at)
        elif event.kind in ("ended", "failed"):
            self._close(lane, "ended" if event.kind == "ended" else "lost")

    def _note_gap(self, lane: CameraLane, event: CameraEvent) -> None:
        """A gap is published when it begins, and again, whole, when it is over."""
        if event.kind == "lost":
            lane.lost_at = event.at
        ended_at = event.at if event.kind == "recovered" else None
        gap = CameraGap(lane.camera_id, lane.lost_at, ended_at, lane.gap_reason or event.message)
        lane.gap_reason = event.message if event.kind == "lost" else ""
        self._queue.append(_Unpublished(message=gap))

    # -- work ------------------------------------------------------------------------------------

    def _work(self, frames: list[Frame]) -> None:
        try:
            found = self.detector.detect(frames)
        except DetectorError:
            self.counts.num_detector_errors += len(frames)
            logger.exception("detection failed on %d frames; they count as empty", len(frames))
            found = [_nobody(frame) for frame in frames]
        by_camera = {lane.camera_id: lane for lane in self.lanes}
        for detections in found:
            self._track(by_camera[detections.frame.camera_id], detections)

    def _track(self, lane: CameraLane, detections: Detections) -> None:
        frame = detections.frame
        drafts = lane.maker.update(detections, lane.tracker.update(detections))
        lane.last_index, lane.last_at = frame.index, frame.timestamp
        lane.num_frames += 1
        self._submit(lane, drafts)
        if drafts or frame.timestamp - lane.announced_at >= _PROGRESS_EVERY_S:
            self._announce(lane, frame.timestamp)

    def _submit(self, lane: CameraLane, drafts: list[Draft]) -> None:
        for draft in drafts:
            lane.num_tracklets += draft.version == 1
            done = self._submitted.setdefault(draft.tracklet_id, set())
            new = [crop for crop in draft.crops if crop.frame_index not in done]
            done.update(crop.frame_index for crop in new)
            future = self.host.submit([crop.image for crop in new]) if new else None
            indexes = tuple(crop.frame_index for crop in new)
            self._queue.append(_Unpublished(draft=draft, new_crops=indexes, future=future))
            if draft.is_final:
                self._submitted.pop(draft.tracklet_id, None)

    def _announce(self, lane: CameraLane, watermark_at: float) -> None:
        lane.announced_at = watermark_at
        progress = CameraProgress(
            camera_id=lane.camera_id,
            watermark_at=watermark_at,
            next_index=lane.last_index + 1,
            epoch=lane.epoch,
            state=lane.state,
            is_live=lane.is_live,
            source=lane.source,
        )
        self._queue.append(_Unpublished(message=progress))

    def _close(self, lane: CameraLane, state: CameraState) -> None:
        lane.is_open = False
        lane.head = None
        at = lane.last_at if lane.last_at is not None else 0.0
        self._submit(lane, lane.maker.end(lane.tracker.end(), at))
        lane.state = state
        self._announce(lane, at)
        lane.reader.close()

    # -- publishing ------------------------------------------------------------------------------

    def _publish_ready(self) -> None:
        while self._queue and (self._queue[0].is_ready or len(self._queue) > _MAX_UNPUBLISHED):
            self._publish(self._queue.popleft())

    def _publish_all(self) -> None:
        while self._queue:
            self._publish(self._queue.popleft())

    def _publish(self, item: _Unpublished) -> None:
        if item.message is not None:
            self.publisher.publish(item.message)
        if item.draft is None:
            return
        known = self._features.setdefault(item.draft.tracklet_id, {})
        try:
            if item.future is not None:
                known.update(zip(item.new_crops, item.future.result(), strict=True))
        except ReidError:
            self.counts.num_embedder_errors += 1
            logger.exception("embedding of tracklet %s failed", item.draft.tracklet_id)
        tracklet = _with_features(item.draft, known, self.space, self.policy.num_thumbnails)
        if item.draft.is_final:
            self._features.pop(item.draft.tracklet_id, None)
        if tracklet is not None:
            self.publisher.publish(tracklet)


def _with_features(
    draft: Draft, known: Mapping[int, np.ndarray], space: str, num_thumbnails: int
) -> Tracklet | None:
    crops = tuple(crop for crop in draft.crops if crop.frame_index in known)
    if not crops:
        return None
    features = np.stack([known[crop.frame_index] for crop in crops]).astype(np.float32, copy=False)
    kept = Draft(
        draft.tracklet_id,
        draft.version,
        draft.camera_id,
        draft.emitted_at,
        draft.boxes,
        crops,
        draft.is_final,
    )
    return finished(kept, features, space, num_thumbnails)


def _nobody(frame: Frame) -> Detections:
    return Detections(frame, np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
