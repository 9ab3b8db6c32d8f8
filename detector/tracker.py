"""The tracker of one camera: joins the boxes of its frames to tracks, by motion alone.

Two-stage association of the ByteTrack family (Zhang et al., ECCV 2022): detections with a high
score are given to the tracks first, those with a low score to the confirmed tracks that got none.
Where we differ: time steps come from timestamps, a doubtful detection is given to nobody (see
`association.contested`), somebody whose speed is not known yet may be found beside the predicted
box (see `association.only_in_reach`), and a track tells its first boxes when it is confirmed.
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

_CLAIM_HALVES_S = 1.0
"""A track that was not seen for so long has half the claim on a detection that a seen one has:
where it is by now is less sure, and who is seen is mostly who was seen before."""
_REACH_HEIGHTS = 0.15
_REACH_HEIGHTS_PER_S = 1.5
"""Nearly twice walking speed, of the difference between the predicted and the true centre."""
_MAX_REACH_HEIGHTS = 0.5
_SAME_SHAPE = 0.02
"""Two frame sizes whose ratios in x and y differ by less than this show the same view."""


@dataclass(frozen=True, slots=True)
class TrackerPolicy:
    """What the tracker believes, and how long.

    Attributes:
        high_score: Detections from here up take part in the first association and start tracks.
        match_iou: Least intersection over union of a predicted and a detected box.
        low_match_iou: The same for detections with a low score, which are often somebody else's
            limbs or two people in one box; `match_iou` if that is larger.
        min_hits: Detections in a row that confirm a track.
        max_lost_s: A track without a detection for longer ends.
        margin: A detection that another track could claim with a loss of overlap below this is
            given to nobody, and both coast; if the doubt lasts, both end. 0: never in doubt.
        max_alive: Most tracks at a time, tentative ones included; more detections start none.

    Raises:
        ValueError: Values are outside their ranges; the text names all of them.
    """

    high_score: float = 0.5
    match_iou: float = 0.2
    low_match_iou: float = 0.4
    min_hits: int = 2
    max_lost_s: float = 1.5
    margin: float = 0.15
    max_alive: int = 256

    def __post_init__(self) -> None:
        """Check the ranges."""
        wanted = {
            "high_score 0 to 1": 0 <= self.high_score <= 1,
            "match_iou above 0, up to 1": 0 < self.match_iou <= 1,
            "low_match_iou 0 to 1": 0 <= self.low_match_iou <= 1,
            "min_hits 1 or more": self.min_hits >= 1,
            "max_lost_s above 0": 0 < self.max_lost_s < float("inf"),
            "margin 0 to 1": 0 <= self.margin <= 1,
            "max_alive 1 or more": self.max_alive >= 1,
        }
        if not all(wanted.values()):
            missed = "; ".join(text for text, is_met in wanted.items() if not is_met)
            raise ValueError(f"tracker policy: expected {missed}; got {self}")


class Tracker:
    """Joins the boxes of one camera's frames to tracks. One thread uses an instance.

    All state belongs to the instance and is bounded: at most `TrackerPolicy.max_alive` tracks, each
    with the few detections that were not told yet; an ended track is forgotten. The same frames
    give the same tracks, whatever the order of the detections in a frame. Tracks are numbered
    1, 2, 3, … in the order in which they are confirmed.

    A frame that does not move on in time is left out (`num_stale_frames`). Where the clock jumps
    back by more than `max_lost_s`, the frame index restarts or the picture changes its shape, all
    tracks end and new ones start (`num_restarts`); a picture of another size but the same shape
    only scales the tracks.

    Args:
        camera_id: The camera whose frames it gets.
        policy: What it believes, and how long.

    Attributes:
        num_stale_frames: Frames that were left out.
        num_restarts: Times that all tracks ended because the stream jumped.
        num_withheld: Detections that nobody got because two tracks could claim them.
        num_refused: Detections that started no track because too many were alive.
    """

    def __init__(self, camera_id: str, policy: TrackerPolicy | None = None) -> None:
        self.num_stale_frames = 0
        self.num_restarts = 0
        self.num_withheld = 0
        self.num_refused = 0
        self._camera_id = camera_id
        self._policy = policy or TrackerPolicy()
        self._tracks: list[Track] = []  # the confirmed ones first, by number
        self._num_confirmed = 0
        self._last: _Look | None = None
        self._now, self._dt_s = 0.0, 0.0  # of the present look; since the one before

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
                f"the tracker of camera {self._camera_id!r} got a frame of {frame.camera_id!r}"
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
        ended = self._end(self._tracks)
        self._last = None
        return TrackerUpdate(ended=tuple(ended))

    def _is_stale(self, look: _Look) -> bool:
        if self._last is None:
            return False
        return 0 <= self._last.timestamp - look.timestamp <= self._policy.max_lost_s

    def _move_on(self, look: _Look) -> list[int]:
        """Bring all tracks to the frame's moment and size; the numbers of those that ended."""
        last, self._last = self._last, look
        self._now, self._dt_s = look.timestamp, 0.0
        if last is None:
            return []
        dt_s = look.timestamp - last.timestamp
        x, y = look.size[0] / last.size[0], look.size[1] / last.size[1]
        if dt_s < 0 or look.index <= last.index or abs(x / y - 1) > _SAME_SHAPE:
            self.num_restarts += 1
            logger.info(
                "camera %s: clock, frame index or picture shape jumped; all tracks end",
                self._camera_id,
            )
            return self._end(self._tracks)
        self._dt_s = dt_s
        ended = self._end([t for t in self._tracks if self._is_overdue(t)])
        for track in self._tracks:
            track.motion.predict(dt_s)
            if look.size != last.size:
                track.motion.scale(x, y)
        return ended

    def _is_overdue(self, track: Track) -> bool:
        return self._now - track.seen_at > self._policy.max_lost_s

    def _end(self, tracks: Iterable[Track]) -> list[int]:
        for track in tracks:
            track.state = TrackState.ENDED
        numbers = [t.number for t in self._tracks if not t.is_alive and t.number]
        self._tracks = [t for t in self._tracks if t.is_alive]
        return numbers

    def _associate(self, boxes: Boxes, is_high: npt.NDArray[np.bool_]) -> _Found:
        """Who is who: rows of `self._tracks` and of `boxes` (N, 4); `is_high` is (N,)."""
        rows = range(len(self._tracks))
        confirmed = [row for row in rows if self._tracks[row].number]
        tentative = [row for row in rows if not self._tracks[row].number]
        high, low = np.flatnonzero(is_high).tolist(), np.flatnonzero(~is_high).tolist()
        predicted = np.array([t.motion.box for t in self._tracks], dtype=np.float32).reshape(-1, 4)
        affinity = self._affinity(predicted, boxes, is_high)

        pairs = _assign_some(affinity, confirmed, high)
        pairs += _assign_some(affinity, _without(confirmed, pairs, 0), low)
        doubtful = contested(affinity[: len(confirmed)], pairs, self._policy.margin)
        sure = [pair for pair in pairs if pair not in doubtful]

        high = _without(high, pairs, 1)
        sure += _assign_some(affinity, tentative, high)
        high = _without(high, sure, 1)
        waiting = [row for row in _without(rows, sure, 0) if self._is_speed_unknown(row)]
        waiting = _without(waiting, doubtful, 0)
        reach = np.full(len(waiting), self._reach())
        late = only_in_reach(predicted[waiting], boxes[high], reach)
        sure += [(waiting[t], high[n]) for t, n in late]
        return _Found(sure, new=_without(high, sure, 1), num_withheld=len(doubtful))

    def _affinity(self, predicted: Boxes, boxes: Boxes, is_high: npt.NDArray[np.bool_]) -> Affinity:
        """Overlap, 0 where it is too small, and less the longer a track has not been seen."""
        policy, last_look = self._policy, self._now - self._dt_s
        unseen_s = np.array([max(last_look - t.seen_at, 0.0) for t in self._tracks])
        least = np.where(is_high, policy.match_iou, max(policy.match_iou, policy.low_match_iou))
        overlap = iou_matrix(predicted, boxes)
        claim = 1 / (1 + unseen_s / _CLAIM_HALVES_S)
        return (np.where(overlap >= least, overlap, 0) * claim[:, None]).astype(np.float32)

    def _is_speed_unknown(self, row: int) -> bool:
        track = self._tracks[row]
        return track.num_hits == 1 and track.state is not TrackState.LOST

    def _reach(self) -> float:
        return min(_REACH_HEIGHTS + _REACH_HEIGHTS_PER_S * self._dt_s, _MAX_REACH_HEIGHTS)

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
    """Rows of tracks and detections that belong together, and of detections that start tracks."""

    pairs: Pairs
    new: list[int]
    num_withheld: int


def _in_fixed_order(
    detections: Detections,
) -> tuple[Boxes, Scores, npt.NDArray[np.intp]]:
    """Boxes with an area, their scores and their rows, in an order of their values alone."""
    boxes, scores = detections.boxes, detections.scores
    order = np.lexsort((*boxes.T[::-1], -scores))
    order = order[(boxes[order, 2:] > boxes[order, :2]).all(axis=1)]
    boxes, scores = boxes[order], scores[order]
    boxes.setflags(write=False)
    return boxes, scores, order


def _assign_some(affinity: Affinity, tracks: Sequence[int], found: Sequence[int]) -> Pairs:
    """`assign` on some rows and columns."""
    pairs = assign(affinity[np.ix_(tracks, found)])
    return [(tracks[t], found[n]) for t, n in pairs]


def _without(rows: Sequence[int], pairs: Pairs, side: int) -> list[int]:
    """The rows that no pair has on this side (0: tracks, 1: detections)."""
    taken = {pair[side] for pair in pairs}
    return [row for row in rows if row not in taken]
