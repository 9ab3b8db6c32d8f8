"""The tracker of one camera: joins the boxes of its frames to tracks, by motion alone.

Two-stage association of the ByteTrack family (Zhang et al., ECCV 2022): detections with a high score are given to
the tracks first, those with a low score to the confirmed tracks that got none. Where we differ: time steps come from
timestamps, doubtful detections are given to nobody (see `association.contested`), a fast person
may be found beside the predicted box (see `association.only_in_reach`), and numbers are dense.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from config.schema import TrackerSettings
from detector.association import Affinity, Pairs, assign, contested, only_in_reach
from detector.boxes import iou_matrix
from detector.detections import Boxes, Detections, Scores
from detector.track import SeenBox, Track, TrackerUpdate, TrackState

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrackerPolicy:
    """What the tracker believes and how long.

    Attributes:
        high_score: Detections from here up take part in the first association and start tracks.
        match_iou: Least intersection over union of a predicted and a detected box, in (0, 1].
        min_hits: Detections in a row that confirm a track, >= 1.
        max_lost_s: A track without a detection for longer ends, > 0.
        margin: A detection that another track could claim with an overlap this little smaller is given to nobody;
            0: never.
        max_alive: Most tracks at a time, tentative ones included; further detections start none.
    """

    high_score: float = 0.5
    match_iou: float = 0.2
    min_hits: int = 2
    max_lost_s: float = 1.5
    margin: float = 0.15
    max_alive: int = 256

    def __post_init__(self) -> None:
        wrong = [
            f"{name} = {value}, expected {expected}"
            for name, value, expected, is_right in (
                ("high_score", self.high_score, "0 to 1", 0 <= self.high_score <= 1),
                ("match_iou", self.match_iou, "above 0, to 1", 0 < self.match_iou <= 1),
                ("min_hits", self.min_hits, "1 or more", self.min_hits >= 1),
                ("max_lost_s", self.max_lost_s, "above 0", self.max_lost_s > 0),
                ("margin", self.margin, "0 to 1", 0 <= self.margin <= 1),
                ("max_alive", self.max_alive, "1 or more", self.max_alive >= 1),
            )
            if not is_right
        ]
        if wrong:
            raise ValueError("tracker policy: " + "; ".join(wrong))


_REACH_HEIGHTS = 0.15
_REACH_HEIGHTS_PER_S = 1.5
"""Nearly twice walking speed, of the difference between the predicted and the true centre."""
_MAX_REACH_HEIGHTS = 0.8
_SAME_SHAPE = 0.02
"""Two frame sizes whose scales in x and y differ by less than this show the same view."""


class Tracker:
    """Joins the boxes of one camera's frames to tracks. One thread uses an instance.

    All state belongs to the instance and is bounded: at most `TrackerPolicy.max_alive` tracks, each with
    the few detections that were not reported yet; an ended track is forgotten. Given the same frames it gives the same
    tracks, whatever the order of the detections within a frame. Tracks are numbered 1, 2, 3, … in the order
    in which they are confirmed.

    Frames that do not move on in time are left out and counted in `num_stale_frames`; where the clock jumps
    back by more than `max_lost_s`, the frame index restarts or the picture changes its shape, all
    tracks end, and new ones start (`num_restarts`). A picture of another size but the same shape only scales the tracks.

    Args:
        camera_id: The camera whose frames it gets.
        policy: What it believes and how long.
    """

    def __init__(self, camera_id: str, policy: TrackerPolicy | None = None) -> None:
        self.num_stale_frames = 0
        self.num_restarts = 0
        self.num_withheld = 0
        """Detections that were given to nobody because two tracks could claim them."""
        self.num_refused = 0
        """Detections that started no track because too many were alive."""
        self._camera_id = camera_id
        self._policy = policy or TrackerPolicy()
        self._tracks: list[Track] = []  # the confirmed ones first, by number
        self._num_confirmed = 0
        self._last: _Look | None = None

    @property
    def num_alive(self) -> int:
        """Tracks that have not ended, tentative ones included."""
        return len(self._tracks)

    def update(self, detections: Detections) -> TrackerUpdate:
        """Take in the detections of the next looked-at frame; N = 0 is normal.

        Raises:
            ValueError: The frame is of another camera.
        """
        frame = detections.frame
        if frame.camera_id != self._camera_id:
            raise ValueError(
                f"the tracker of camera {self._camera_id!r} was given a frame of {frame.camera_id!r}"
            )
        look = _Look(frame.index, frame.timestamp, frame.size)
        if self._is_stale(look):
            self.num_stale_frames += 1
            return TrackerUpdate()
        ended = self._move_on(look)
        boxes, scores, rows = _in_fixed_order(detections)
        seen = [
            SeenBox(look.index, look.timestamp, box, float(score), int(row))
            for box, score, row in zip(boxes, scores, rows, strict=True)
        ]
        found = self._associate(boxes, scores >= self._policy.high_score)
        self._apply(found, seen)
        observations = [o for track in self._tracks if track.number for o in track.report()]
        return TrackerUpdate(tuple(observations), tuple(ended))

    def end(self) -> TrackerUpdate:
        """The stream ends: all tracks end. The instance may be used again; numbers go on."""
        ended = self._end_all()
        self._last = None
        return TrackerUpdate(ended=tuple(ended))

    def _is_stale(self, look: _Look) -> bool:
        return (
            self._last is not None
            and self._last.timestamp - self._policy.max_lost_s <= look.timestamp
            and look.timestamp <= self._last.timestamp
        )

    def _move_on(self, look: _Look) -> list[int]:
        """Bring all tracks to the moment and the size of the frame; the numbers of those that ended."""
        last, self._last = self._last, look
        if last is None:
            return []
        scale = look.size[0] / last.size[0], look.size[1] / last.size[1]
        dt_s = look.timestamp - last.timestamp
        if dt_s < 0 or look.index <= last.index or abs(scale[0] / scale[1] - 1) > _SAME_SHAPE:
            self.num_restarts += 1
            logger.info(
                "camera %s: the clock, the frame index or the picture's shape jumped: tracks end",
                self._camera_id,
            )
            return self._end_all()
        ended = self._end(t for t in self._tracks if self._is_overdue(t, look.timestamp))
        for track in self._tracks:
            track.motion.predict(dt_s)
            if scale != (1, 1):
                track.motion.scale(*scale)
        return ended

    def _is_overdue(self, track: Track, now: float) -> bool:
        return now - track.seen_at > self._policy.max_lost_s

    def _end_all(self) -> list[int]:
        return self._end(self._tracks)

    def _end(self, tracks: Iterable[Track]) -> list[int]:
        for track in list(tracks):
            track.state = TrackState.ENDED
        numbers = [t.number for t in self._tracks if not t.is_alive and t.number]
        self._tracks = [t for t in self._tracks if t.is_alive]
        return numbers

    def _associate(self, boxes: Boxes, is_high: npt.NDArray[np.bool_]) -> _Found:
        """Who is who: rows of `self._tracks` and of `boxes` (N, 4), of which `is_high` (N,) score high."""
        policy, num_confirmed = self._policy, sum(t.number > 0 for t in self._tracks)
        predicted = np.array([t.motion.box for t in self._tracks], dtype=np.float32).reshape(-1, 4)
        affinity = iou_matrix(predicted, boxes)
        confirmed = list(range(num_confirmed))
        tentative = list(range(num_confirmed, len(self._tracks)))
        high, low = np.flatnonzero(is_high).tolist(), np.flatnonzero(~is_high).tolist()

        pairs = _assign_some(affinity, confirmed, high, policy.match_iou)
        pairs += _assign_some(affinity, _without(confirmed, pairs, 0), low, policy.match_iou)
        doubtful = contested(affinity[:num_confirmed], pairs, policy.match_iou, policy.margin)
        withheld = {n for _, n in doubtful}
        high = [n for n in _without(high, pairs, 1) if n not in withheld]
        late = _assign_some(affinity, tentative, high, policy.match_iou)
        pairs += late
        high = _without(high, late, 1)
        waiting = _without(confirmed + tentative, pairs, 0)
        reached = only_in_reach(predicted[waiting], boxes[high], self._reach(waiting))
        late = [(waiting[t], high[n]) for t, n in reached]
        pairs = [pair for pair in pairs if pair[1] not in withheld] + late
        return _Found(pairs, new=_without(high, late, 1), num_withheld=len(withheld))

    def _reach(self, rows: Sequence[int]) -> npt.NDArray[np.float64]:
        now = self._last.timestamp if self._last else 0.0
        unseen_s = np.array([now - self._tracks[row].seen_at for row in rows])
        return np.minimum(_REACH_HEIGHTS + _REACH_HEIGHTS_PER_S * unseen_s, _MAX_REACH_HEIGHTS)

    def _apply(self, found: _Found, seen: Sequence[SeenBox]) -> None:
        detection_of = dict(found.pairs)
        for row, track in enumerate(self._tracks):
            if row in detection_of:
                track.see(seen[detection_of[row]])
            else:
                track.miss()
        self._tracks = [t for t in self._tracks if t.is_alive]
        room = self._policy.max_alive - len(self._tracks)
        self._tracks += [Track.started_by(seen[n]) for n in found.new[:room]]
        self.num_refused += len(found.new[room:])
        self.num_withheld += found.num_withheld
        for track in self._tracks:
            if not track.number and track.num_hits >= self._policy.min_hits:
                self._num_confirmed += 1
                track.confirm(self._num_confirmed)
        self._tracks.sort(key=lambda t: t.number or np.inf)


def build_tracker(settings: TrackerSettings, camera_id: str) -> Tracker:
    """The tracker of a camera as the site file wants it."""
    return Tracker(
        camera_id,
        TrackerPolicy(
            high_score=settings.high_score,
            match_iou=settings.match_iou,
            min_hits=settings.min_hits,
            max_lost_s=settings.max_lost_s,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """A frame that was looked at."""

    index: int
    timestamp: float
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Found:
    """Rows of tracks and detections that belong together, and detections that start tracks."""

    pairs: Pairs
    new: list[int]
    num_withheld: int


def _in_fixed_order(
    detections: Detections,
) -> tuple[Boxes, Scores, npt.NDArray[np.intp]]:
    """Boxes with an area, their scores and their rows in `detections`; an order of their values alone."""
    boxes, scores = detections.boxes, detections.scores
    order = np.lexsort((*boxes.T[::-1], -scores))
    order = order[(boxes[order, 2:] > boxes[order, :2]).all(axis=1)]
    boxes, scores = boxes[order], scores[order]
    boxes.setflags(write=False)
    return boxes, scores, order


def _assign_some(
    affinity: Affinity, tracks: Sequence[int], found: Sequence[int], least: float
) -> Pairs:
    """`assign` on some rows and columns."""
    pairs = assign(affinity[np.ix_(tracks, found)], least)
    return [(tracks[t], found[n]) for t, n in pairs]


def _without(rows: Sequence[int], pairs: Pairs, side: int) -> list[int]:
    """The rows that no pair has on this side (0: tracks, 1: detections)."""
    taken = {pair[side] for pair in pairs}
    return [row for row in rows if row not in taken]
