"""Tracklets of recorded cameras, in this process, with a detector and a tracker of one's choice.

The steps are those of the camera worker, without readers, publishing and store, so that true boxes
and true tracks can be put in their place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Protocol

import numpy as np

from config.schema import CameraSettings, SiteSettings
from crosscam.site_parts import publish_policy
from crosscam.tracklets import Draft, TrackletMaker, finished
from detector.boxes import iou_matrix
from detector.detections import Detections
from detector.detector import Detector
from detector.track import TrackerUpdate, TrackObservation
from matcher.tracklet import Feature, Tracklet
from query.exports import BoxRow, filled_in
from reid.embedder import Embedder
from streams.source import open_source
from streams.synthetic_truth import TruthBox

VISIBLE = 0.3
"""Of whom less is visible is not asked for, so no perfect detector has to find them."""

_EPOCH = 1
_SAME_BOX_IOU = 0.9


class Tracks(Protocol):
    """What is needed of a tracker of one camera."""

    def update(self, detections: Detections) -> TrackerUpdate:
        """Take in the next frame's boxes."""
        ...

    def end(self) -> TrackerUpdate:
        """The stream ends."""
        ...


class TrueTracker:
    """Tracks straight from the truth: one for each time that a person is in view.

    Takes true boxes as detections, in any order. As a real tracker, it ends a track when its person
    was not seen for some time.

    Args:
        truth: True boxes of the camera.
        max_lost_s: Of the site's tracker.
    """

    def __init__(self, truth: Iterable[TruthBox], max_lost_s: float) -> None:
        self._truth = visible_by_frame(truth)
        self._max_lost_s = max_lost_s
        self._open: dict[int, tuple[int, float]] = {}
        self._next_number = 1

    def update(self, detections: Detections) -> TrackerUpdate:
        """The true tracks of the people in the frame."""
        frame = detections.frame
        overdue = [
            person_id
            for person_id, (_, seen_at) in self._open.items()
            if frame.timestamp - seen_at > self._max_lost_s
        ]
        ended = sorted(self._open.pop(person_id)[0] for person_id in overdue)
        seen = []
        for person_id, row in self._rows(detections).items():
            if person_id not in self._open:
                self._open[person_id] = (self._next_number, frame.timestamp)
                self._next_number += 1
            number = self._open[person_id][0]
            self._open[person_id] = (number, frame.timestamp)
            box, score = detections.boxes[row], float(detections.scores[row])
            seen.append(TrackObservation(number, frame.index, frame.timestamp, box, score, row))
        seen.sort(key=lambda observation: observation.track_number)
        return TrackerUpdate(tuple(seen), tuple(ended))

    def end(self) -> TrackerUpdate:
        """All tracks end."""
        ended = sorted(number for number, _ in self._open.values())
        self._open.clear()
        return TrackerUpdate(ended=tuple(ended))

    def _rows(self, detections: Detections) -> dict[int, int]:
        """Row of each true person's box among the detections."""
        people = self._truth.get(detections.frame.index, [])
        if not people or not len(detections):
            return {}
        boxes = np.array([person.box for person in people], dtype=np.float32)
        overlaps = iou_matrix(boxes, detections.boxes)
        return {
            person.person_id: int(overlap.argmax())
            for person, overlap in zip(people, overlaps, strict=True)
            if overlap.max() >= _SAME_BOX_IOU
        }


def visible_by_frame(truth: Iterable[TruthBox]) -> dict[int, list[TruthBox]]:
    """The visible people of a camera, by frame."""
    by_frame: dict[int, list[TruthBox]] = defaultdict(list)
    for box in truth:
        if box.visibility >= VISIBLE:
            by_frame[box.frame_index].append(box)
    return by_frame


def write_true_mot(truth: Iterable[TruthBox], camera_ids: Iterable[str], folder: Path) -> None:
    """Visible people as MOT text, a ``CAMERA.txt`` for each camera, as `replay` takes it."""
    lines: dict[str, list[str]] = {camera_id: [] for camera_id in camera_ids}
    for box in truth:
        if box.visibility >= VISIBLE:
            x1, y1, x2, y2 = box.box
            lines[box.camera_id].append(
                f"{box.frame_index + 1},{box.person_id},{x1:g},{y1:g},{x2 - x1:g},{y2 - y1:g},1"
            )
    folder.mkdir(parents=True, exist_ok=True)
    for camera_id, some in lines.items():
        (folder / f"{camera_id}.txt").write_text("\n".join(some) + "\n", encoding="utf-8")


def camera_tracklets(
    site: SiteSettings, detector: Detector, tracker_of: Callable[[str], Tracks], embedder: Embedder
) -> list[Tracklet]:
    """All versions of all tracklets of a site's recorded cameras, in order of emission."""
    tracklets = [
        tracklet
        for camera in site.cameras
        for tracklet in _of_camera(site, camera, detector, tracker_of(camera.id), embedder)
    ]
    return sorted(tracklets, key=lambda t: (t.emitted_at, t.tracklet_id, t.version))


def box_rows_of(tracklets: Iterable[Tracklet], identities: Mapping[str, str]) -> list[BoxRow]:
    """The boxes of every frame of the final tracklets, with their identities."""
    rows = []
    for tracklet in tracklets:
        if not tracklet.is_final:
            continue
        boxes = filled_in(tracklet.boxes)
        columns = zip(
            boxes.frame_indexes.tolist(), boxes.timestamps.tolist(), boxes.xyxy.tolist(),
            boxes.scores.tolist(), strict=True,
        )  # fmt: skip
        rows += [
            BoxRow(
                tracklet.camera_id, frame_index, timestamp, x1, y1, x2, y2, score,
                tracklet.tracklet_id, identities[tracklet.tracklet_id],
            )
            for frame_index, timestamp, (x1, y1, x2, y2), score in columns
        ]  # fmt: skip
    return rows


def _of_camera(
    site: SiteSettings,
    camera: CameraSettings,
    detector: Detector,
    tracker: Tracks,
    embedder: Embedder,
) -> list[Tracklet]:
    maker = TrackletMaker(camera.id, _EPOCH, publish_policy(site))
    known: dict[str, dict[int, Feature]] = defaultdict(dict)
    tracklets: list[Tracklet] = []
    at = 0.0
    with closing(open_source(camera, site.detector.stride)) as source:
        for frame in source.frames():
            at = frame.timestamp
            (detections,) = detector.detect([frame])
            drafts = maker.update(detections, tracker.update(detections))
            tracklets += [_embedded(draft, known[draft.tracklet_id], embedder) for draft in drafts]
    drafts = maker.end(tracker.end(), at)
    return tracklets + [_embedded(draft, known[draft.tracklet_id], embedder) for draft in drafts]


def _embedded(draft: Draft, known: dict[int, Feature], embedder: Embedder) -> Tracklet:
    """The tracklet of a draft; crops that were embedded for an earlier version are in `known`."""
    new = [crop for crop in draft.crops if crop.frame_index not in known]
    rows = embedder.embed([crop.image for crop in new])
    known.update(zip((crop.frame_index for crop in new), rows, strict=True))
    features = np.stack([known[crop.frame_index] for crop in draft.crops])
    return finished(draft, features, embedder.space, num_thumbnails=0)
