"""Which box shows which true person in every frame, and how long somebody stays in a camera."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import linear_sum_assignment

from detector.boxes import iou_matrix
from query.exports import BoxRow
from streams.synthetic_truth import TruthBox

_MATCH_IOU = 0.5
_HIDDEN = 0.3
"""People of whom less is visible are not asked for; as in `crosscam.scoring`."""

STAY_GAP_S = 2.0
"""Somebody who is not in view for longer comes anew."""


@dataclass(frozen=True, slots=True)
class Match:
    """A true person in a frame, and the box on them."""

    camera_id: str
    timestamp: float
    person_id: int
    identity_id: str
    tracklet_id: str


@dataclass(frozen=True, slots=True)
class Stay:
    """A true person in a camera from when to when, and the boxes on them in order of time."""

    person_id: int
    camera_id: str
    started_at: float
    ended_at: float
    matches: tuple[Match, ...]


def match_boxes(truth: Iterable[TruthBox], rows: Iterable[BoxRow]) -> list[Match]:
    """The boxes on true people (IoU from 0.5), one-to-one in every frame, by camera and frame.

    Somebody who had a box of an identity in the frame before keeps it if it still fits, as in the
    CLEAR MOT metrics (Bernardin and Stiefelhagen 2008); else the overlaps decide.
    """
    true_by_frame: dict[tuple[str, int], list[TruthBox]] = defaultdict(list)
    found_by_frame: dict[tuple[str, int], list[BoxRow]] = defaultdict(list)
    for box in truth:
        if box.visibility >= _HIDDEN:
            true_by_frame[box.camera_id, box.frame_index].append(box)
    for row in rows:
        found_by_frame[row.camera_id, row.frame_index].append(row)
    matches: list[Match] = []
    last: dict[int, str] = {}
    last_camera = ""
    for key in sorted(true_by_frame):
        found = found_by_frame.get(key, [])
        if key[0] != last_camera:
            last, last_camera = {}, key[0]
        if found:  # as TrackEval does, a frame without any box is no interruption
            matched = _matched(true_by_frame[key], found, last)
            last = {match.person_id: match.identity_id for match in matched}
            matches += matched
    return matches


def find_stays(truth: Iterable[TruthBox], matches: Iterable[Match]) -> list[Stay]:
    """The stays of all people, in order of their beginning."""
    moments: dict[tuple[int, str], list[float]] = defaultdict(list)
    for box in truth:
        if box.visibility >= _HIDDEN:
            moments[box.person_id, box.camera_id].append(box.timestamp)
    on: dict[tuple[int, str], list[Match]] = defaultdict(list)
    for match in matches:
        on[match.person_id, match.camera_id].append(match)
    stays: list[Stay] = []
    for (person_id, camera_id), times in moments.items():
        held = sorted(on[person_id, camera_id], key=lambda match: match.timestamp)
        for started_at, ended_at in _spans(sorted(times)):
            mine = tuple(m for m in held if started_at <= m.timestamp <= ended_at)
            stays.append(Stay(person_id, camera_id, started_at, ended_at, mine))
    return sorted(stays, key=lambda s: (s.started_at, s.camera_id, s.person_id))


def _matched(
    true: Sequence[TruthBox], found: Sequence[BoxRow], last: dict[int, str]
) -> list[Match]:
    overlaps = iou_matrix(
        np.array([box.box for box in true], dtype=np.float32).reshape(-1, 4),
        np.array([(r.x1, r.y1, r.x2, r.y2) for r in found], dtype=np.float32).reshape(-1, 4),
    ).astype(float)
    keeps = [[last.get(box.person_id) == row.identity_id for row in found] for box in true]
    worth = np.where(overlaps >= _MATCH_IOU, overlaps + 1000 * np.array(keeps), 0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return [
        Match(
            true[row].camera_id,
            true[row].timestamp,
            true[row].person_id,
            found[column].identity_id,
            found[column].tracklet_id,
        )
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if worth[row, column] > 0
    ]


def _spans(times: Sequence[float]) -> list[tuple[float, float]]:
    """First and last moment of each run without a gap."""
    breaks = [i for i in range(1, len(times)) if times[i] - times[i - 1] > STAY_GAP_S]
    edges = [0, *breaks, len(times)]
    return [(times[a], times[b - 1]) for a, b in pairwise(edges)]
