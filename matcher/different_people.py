"""How similar different people of a site are, from tracklets that cannot be one person.

Two tracklets in one camera at one time, or in two cameras where nobody gets so fast, are different
people: nobody has to say so. Their similarities are counted by pair of cameras.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matcher.aging_counts import AgingCounts, Counts
from matcher.presence import away_s
from matcher.similarity import similarities
from matcher.topology import Topology
from matcher.tracklet import Tracklet

STEP = 0.01
LOWEST = -0.25
NUM_STEPS = 125
"""Similarities are counted in steps from the lowest to 1; what is less counts as the lowest."""

_NUM_RECENT = 64
"""Tracklets that a new one is compared with: who was there at the same time came shortly before."""

_MOST_PAIRS = 8
"""Pairs that one tracklet adds, so that a crowd does not speak for the whole day."""

_APART_S = 1.0
"""Clocks of cameras and ends of tracks are not exact: two must clash by so much to be believed."""

_ONE_BODY = 0.4
"""Two boxes that share so much of their union, all the time, are two tracks on one person."""

_NUM_BOXES = 16

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Witness:
    """A tracklet, as far as it says who is different; a presence.

    Attributes:
        tracklet_id: Which track.
        camera_id: Where.
        started_at: From when, Unix seconds.
        ended_at: Until when.
        is_final: The track has ended.
        space: Of the feature.
        feature: (D,) float16.
        times: (B,) moments of some of its boxes.
        xyxy: (B, 4) those boxes, pixels.
    """

    tracklet_id: str
    camera_id: str
    started_at: float
    ended_at: float
    is_final: bool
    space: str
    feature: npt.NDArray[np.float16]
    times: Floats
    xyxy: Floats

    @classmethod
    def of(cls, tracklet: Tracklet) -> Witness:
        """What is kept of a tracklet."""
        boxes = tracklet.boxes
        rows = np.linspace(0, len(boxes) - 1, min(_NUM_BOXES, len(boxes))).astype(np.intp)
        return cls(
            tracklet.tracklet_id,
            tracklet.camera_id,
            tracklet.started_at,
            tracklet.ended_at,
            tracklet.is_final,
            tracklet.space,
            tracklet.feature.astype(np.float16),
            boxes.timestamps[rows],
            boxes.xyxy[rows].astype(np.float64),
        )


class DifferentPeople:
    """Similarities of different people in one space, by pair of cameras; memory is bounded.

    Args:
        camera_ids: All cameras of the site; others are ignored.
        topology: Says who cannot be one person.
    """

    def __init__(self, camera_ids: Collection[str], topology: Topology) -> None:
        self._number = {camera_id: number for number, camera_id in enumerate(sorted(camera_ids))}
        self._topology = topology
        num = len(self._number)
        self._counts = AgingCounts((num * (num + 1) // 2, NUM_STEPS))
        self._recent: deque[Witness] = deque(maxlen=_NUM_RECENT)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """P pairs of cameras, each in order of name, and each camera with itself."""
        cameras = list(self._number)
        return [(low, high) for number, high in enumerate(cameras) for low in cameras[: number + 1]]

    @property
    def counts(self) -> Counts:
        """(P, `NUM_STEPS`) similarities by pair, as in `pairs`, and step; not to be written to."""
        return self._counts.total

    def learn(self, newcomer: Witness, decided_at: float) -> None:
        """Takes a final tracklet, in order of decision."""
        camera = self._number.get(newcomer.camera_id)
        if camera is None:
            return
        others = [other for other in reversed(self._recent) if self._differs(other, newcomer)]
        others = others[:_MOST_PAIRS]
        if others:
            alike = similarities([other.feature for other in others], [newcomer.feature])[0]
            pairs = [_pair(self._number[other.camera_id], camera) for other in others]
            steps = np.array([step_of(float(similarity)) for similarity in alike])
            self._counts.add(decided_at, (np.array(pairs), steps))
        self._recent.append(newcomer)

    def refresh(self, now: float) -> None:
        """Forgets what is too old, by stream time."""
        self._counts.advance(now)

    def forget(self, names: Collection[str]) -> None:
        """Forgets the features of some tracklets; counts hold nothing of anybody."""
        kept = [witness for witness in self._recent if witness.tracklet_id not in names]
        self._recent = deque(kept, maxlen=_NUM_RECENT)

    def _differs(self, one: Witness, other: Witness) -> bool:
        if one.camera_id == other.camera_id:
            return away_s(one, other) <= -_APART_S and not _is_one_body(one, other)
        pair = self._topology.pair(one.camera_id, other.camera_id)
        return not pair.overlap and away_s(one, other) <= pair.min_s - _APART_S


def _pair(one: int, other: int) -> int:
    """Place of two cameras, by number and in either order, in `pairs`."""
    low, high = sorted((one, other))
    return high * (high + 1) // 2 + low


def _is_one_body(one: Witness, other: Witness) -> bool:
    """The boxes lie on each other at the beginning, middle and end of the time they share."""
    begin = max(one.started_at, other.started_at)
    end = min(one.ended_at, other.ended_at)
    moments = np.linspace(begin, end, 3)
    first, second = (
        np.stack([np.interp(moments, w.times, column) for column in w.xyxy.T], axis=1)
        for w in (one, other)
    )  # (3, 4)
    low = np.maximum(first[:, :2], second[:, :2])
    high = np.minimum(first[:, 2:], second[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    return bool((shared >= _ONE_BODY * (areas[0] + areas[1] - shared)).all())


def step_of(similarity: float) -> int:
    """Number of the step that a similarity lies in.

    >>> step_of(-0.5), step_of(0.255), step_of(1.0)
    (0, 50, 124)
    """
    return min(max(math.floor((similarity - LOWEST) / STEP), 0), NUM_STEPS - 1)


def quantile(counts: Counts, share: float) -> float:
    """Similarity that a share of the counted ones stays under; evenly spread within a step.

    Args:
        counts: (`NUM_STEPS`,), not all 0.
        share: In (0, 1).

    Example:
        >>> counts = np.zeros(NUM_STEPS, np.int64)
        >>> counts[50] = 4
        >>> round(quantile(counts, 0.5), 3)
        0.255
    """
    until = np.cumsum(counts)
    wanted = share * until[-1]
    step = int(np.searchsorted(until, wanted, side="left"))
    inside = (wanted - (until[step] - counts[step])) / counts[step]
    return float(LOWEST + STEP * (step + inside))
