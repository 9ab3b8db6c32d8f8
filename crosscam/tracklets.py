"""From the tracker's boxes to drafts of tracklets: when a track is published, with which crops."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from detector.crops import BestCrops, Crop
from detector.detections import Detections
from detector.track import TrackerUpdate, TrackObservation
from matcher.tracklet import TrackBoxes, Tracklet
from reid.embedder import Embeddings

_THUMBNAIL_HEIGHT_PX = 192
_THUMBNAIL_QUALITY = 85


@dataclass(frozen=True, slots=True)
class PublishPolicy:
    """When an open track is published.

    Attributes:
        first_after_s: Age at which the first version is due, if `min_crops` good crops are there;
            at twice this age any crop will do.
        min_crops: Crops wanted for the first version.
        max_crops: Crops kept per track.
        update_every_s: Least time between the first two versions of an open track; doubles with
            every version.
        num_thumbnails: JPEG thumbnails per tracklet, 0 to 3.
        max_length_s: A longer track is closed and goes on as another tracklet.
    """

    first_after_s: float = 0.7
    min_crops: int = 2
    max_crops: int = 6
    update_every_s: float = 3.0
    num_thumbnails: int = 3
    max_length_s: float = 120.0


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A version of a tracklet that waits for the embeddings of its crops; `crops` is best first."""

    tracklet_id: str
    version: int
    camera_id: str
    emitted_at: float
    boxes: TrackBoxes
    crops: tuple[Crop, ...]
    is_final: bool


@dataclass(slots=True, eq=False)
class _OpenTrack:
    tracklet_id: str
    best: BestCrops
    observations: list[TrackObservation] = field(default_factory=list)
    version: int = 0
    published_at: float = float("-inf")
    published_crops: tuple[int, ...] = ()

    @property
    def started_at(self) -> float:
        return self.observations[0].timestamp

    def crop_indexes(self) -> tuple[int, ...]:
        return tuple(crop.frame_index for crop in self.best.crops())


class TrackletMaker:
    """The open tracks of one camera. Names are deterministic: camera, epoch, track number, part.

    Memory is bounded: a track keeps a few crops and at most `max_length_s` of boxes.
    """

    def __init__(self, camera_id: str, epoch: int, policy: PublishPolicy) -> None:
        self._camera_id = camera_id
        self._epoch = epoch
        self._policy = policy
        self._open: dict[int, _OpenTrack] = {}
        self._parts: dict[int, int] = {}
        self.num_without_crops = 0

    @property
    def num_open(self) -> int:
        """Tracks that are alive."""
        return len(self._open)

    def update(self, detections: Detections, update: TrackerUpdate) -> list[Draft]:
        """Take one frame's boxes in; the versions that are due now, in order of track number."""
        now = detections.frame.timestamp
        for observation in update.observations:
            self._observe(observation, detections)
        drafts = self._ended(update.ended, now)
        for number in sorted(self._open):
            track = self._open[number]
            if now - track.started_at >= self._policy.max_length_s:
                drafts += self._ended((number,), now, goes_on=True)
            elif self._is_due(track, now):
                drafts.append(self._draft(track, now, is_final=False))
        return drafts

    def end(self, update: TrackerUpdate, at: float) -> list[Draft]:
        """The camera stops: the final version of every open track, in order of track number."""
        return self._ended(update.ended, at) + self._ended(tuple(sorted(self._open)), at)

    def _observe(self, observation: TrackObservation, detections: Detections) -> None:
        number = observation.track_number
        if number not in self._open:
            part = self._parts.get(number, 1)
            suffix = "" if part == 1 else f".{part}"
            name = f"{self._camera_id}-{self._epoch}-{number}{suffix}"
            self._open[number] = _OpenTrack(name, BestCrops(self._policy.max_crops))
        track = self._open[number]
        if track.observations and observation.frame_index <= track.observations[-1].frame_index:
            return
        track.observations.append(observation)
        if observation.frame_index == detections.frame.index:
            others = np.delete(detections.boxes, observation.detection_index, axis=0)
            track.best.offer(detections.frame, observation.box, observation.score, others)

    def _is_due(self, track: _OpenTrack, now: float) -> bool:
        policy = self._policy
        crops = track.crop_indexes()
        if not crops:
            return False
        if track.version == 0:
            age_s = now - track.started_at
            return age_s >= policy.first_after_s and (
                len(crops) >= policy.min_crops or age_s >= 2 * policy.first_after_s
            )
        # Embedding is the dear part, and a long track says less that is new: the pause doubles.
        pause_s = policy.update_every_s * 2 ** min(track.version - 1, 10)
        return now - track.published_at >= pause_s and crops != track.published_crops

    def _ended(self, numbers: tuple[int, ...], at: float, *, goes_on: bool = False) -> list[Draft]:
        drafts = []
        for number in numbers:
            track = self._open.pop(number, None)
            if goes_on:
                self._parts[number] = self._parts.get(number, 1) + 1
            else:
                self._parts.pop(number, None)
            if track is None:
                continue
            if track.best.crops():
                drafts.append(self._draft(track, at, is_final=True))
            else:
                self.num_without_crops += 1
        return drafts

    def _draft(self, track: _OpenTrack, now: float, *, is_final: bool) -> Draft:
        track.version += 1
        track.published_at = now
        track.published_crops = track.crop_indexes()
        return Draft(
            tracklet_id=track.tracklet_id,
            version=track.version,
            camera_id=self._camera_id,
            emitted_at=now,
            boxes=_columns(track.observations),
            crops=track.best.crops(),
            is_final=is_final,
        )


def finished(draft: Draft, features: Embeddings, space: str, num_thumbnails: int) -> Tracklet:
    """The tracklet of a draft whose crops are embedded.

    Args:
        draft: N >= 1 crops.
        features: (N, D) float32 unit rows, in the order of the crops.
        space: The embedder's space.
        num_thumbnails: How many crops are kept as JPEG, 0 to 3.
    """
    weights = np.array([max(crop.quality, 1e-3) for crop in draft.crops], dtype=np.float32)
    mean = weights @ features
    norm = float(np.linalg.norm(mean))
    feature = mean / norm if norm > 1e-6 else features[0]
    return Tracklet(
        tracklet_id=draft.tracklet_id,
        version=draft.version,
        camera_id=draft.camera_id,
        started_at=float(draft.boxes.timestamps[0]),
        ended_at=float(draft.boxes.timestamps[-1]),
        emitted_at=draft.emitted_at,
        boxes=draft.boxes,
        feature=np.ascontiguousarray(feature, dtype=np.float32),
        quality=float(np.clip(np.mean([crop.quality for crop in draft.crops]), 0, 1)),
        space=space,
        is_final=draft.is_final,
        thumbnails=tuple(_thumbnail(crop) for crop in draft.crops[:num_thumbnails]),
    )


def _columns(observations: list[TrackObservation]) -> TrackBoxes:
    return TrackBoxes(
        frame_indexes=np.array([o.frame_index for o in observations], dtype=np.int64),
        timestamps=np.array([o.timestamp for o in observations], dtype=np.float64),
        xyxy=np.array([o.box for o in observations], dtype=np.float32).reshape(-1, 4),
        scores=np.array([o.score for o in observations], dtype=np.float32),
    )


def _thumbnail(crop: Crop) -> bytes:
    image = crop.image
    height, width = image.shape[:2]
    if height > _THUMBNAIL_HEIGHT_PX:
        size = (max(1, round(width * _THUMBNAIL_HEIGHT_PX / height)), _THUMBNAIL_HEIGHT_PX)
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _THUMBNAIL_QUALITY])
    return data.tobytes()
