"""Exports for other programs: boxes and trajectories as CSV, JSON lines or MOT text."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import IO, Literal

import numpy as np

from matcher.store import FeatureStore
from matcher.tracklet import TrackBoxes
from query.errors import QueryError
from query.trajectory import gap_before_s, trajectory

BoxFormat = Literal["csv", "jsonl", "mot"]
TrajectoryFormat = Literal["csv", "jsonl"]


@dataclass(frozen=True, slots=True)
class BoxRow:
    """One box of one frame; `x1` … `y2` in pixels, `timestamp` in Unix seconds.

    `score` is the detector's, in [0, 1]; 0 for a box that was filled in between two detections.
    """

    camera_id: str
    frame_index: int
    timestamp: float
    x1: float
    y1: float
    x2: float
    y2: float
    score: float
    tracklet_id: str
    identity_id: str


@dataclass(frozen=True, slots=True)
class SightingRow:
    """One sighting of a trajectory; times in Unix seconds, durations in seconds."""

    identity_id: str
    camera_id: str
    started_at: float
    ended_at: float
    seconds: float
    gap_s: float | None
    similarity: float | None
    probability: float
    runner_up_id: str | None
    runner_up_probability: float | None
    tracklet_id: str


def box_rows(
    store: FeatureStore,
    *,
    since: float | None = None,
    until: float | None = None,
    every_frame: bool = False,
) -> Iterator[BoxRow]:
    """All boxes of all identities, in order of camera, frame and tracklet.

    Args:
        store: The site's store.
        since: Leave out boxes before this moment, Unix seconds.
        until: Leave out boxes after it.
        every_frame: Fill the frames between two detections of a track in by straight lines.
    """
    rows = [
        row
        for identity in store.identities(since=since, until=until)
        for sighting in store.sightings(identity.identity_id, since=since, until=until)
        for row in _rows_of(store, sighting.tracklet_id, identity.identity_id, every_frame)
        if (since is None or row.timestamp >= since) and (until is None or row.timestamp <= until)
    ]
    yield from sorted(rows, key=lambda row: (row.camera_id, row.frame_index, row.tracklet_id))


def sighting_rows(
    store: FeatureStore, *, since: float | None = None, until: float | None = None
) -> Iterator[SightingRow]:
    """All sightings, identity by identity in order of first appearance, each in order of time."""
    for identity in store.identities(since=since, until=until):
        found = store.sightings(identity.identity_id, since=since, until=until)
        ordered = trajectory(identity.identity_id, found).sightings
        for position, sighting in enumerate(ordered):
            yield SightingRow(
                identity_id=identity.identity_id,
                camera_id=sighting.camera_id,
                started_at=sighting.started_at,
                ended_at=sighting.ended_at,
                seconds=sighting.ended_at - sighting.started_at,
                gap_s=gap_before_s(ordered, position),
                similarity=sighting.similarity,
                probability=sighting.probability,
                runner_up_id=sighting.runner_up_id,
                runner_up_probability=sighting.runner_up_probability,
                tracklet_id=sighting.tracklet_id,
            )


def write_boxes(rows: Iterable[BoxRow], out: IO[str], form: BoxFormat) -> int:
    """Write boxes; returns how many.

    MOT text has one camera's lines ``frame,id,x,y,w,h,score,-1,-1,-1`` with 1-based frames and the
    identity's number as id.

    Raises:
        QueryError: MOT text was asked for boxes of several cameras, which it cannot tell apart.
    """
    if form == "mot":
        return _write_mot(rows, out)
    return _write(rows, out, form, BoxRow)


def write_sightings(rows: Iterable[SightingRow], out: IO[str], form: TrajectoryFormat) -> int:
    """Write sightings; returns how many."""
    return _write(rows, out, form, SightingRow)


def _write(
    rows: Iterable[BoxRow] | Iterable[SightingRow],
    out: IO[str],
    form: Literal["csv", "jsonl"],
    kind: type[BoxRow | SightingRow],
) -> int:
    count = 0
    names = [field.name for field in fields(kind)]
    writer = csv.DictWriter(out, names, lineterminator="\n")
    if form == "csv":
        writer.writeheader()
    for row in rows:
        values = {name: _rounded(value) for name, value in asdict(row).items()}
        if form == "csv":
            writer.writerow(values)
        else:
            out.write(json.dumps(values) + "\n")
        count += 1
    return count


def _write_mot(rows: Iterable[BoxRow], out: IO[str]) -> int:
    camera_id: str | None = None
    count = 0
    for row in rows:
        if camera_id not in (None, row.camera_id):
            raise QueryError(
                "MOT text holds one camera: choose it with --camera, or write CSV or JSON lines"
            )
        camera_id = row.camera_id
        number = int("".join(c for c in row.identity_id if c.isdigit()) or 0)
        box = (row.x1, row.y1, row.x2 - row.x1, row.y2 - row.y1)
        numbers = ",".join(f"{value:.2f}" for value in box)
        out.write(f"{row.frame_index + 1},{number},{numbers},{row.score:.4f},-1,-1,-1\n")
        count += 1
    return count


def _rounded(value: object) -> object:
    """Floats as people read them: to a tenth of a millisecond, pixel or probability thousandth."""
    return round(value, 4) if isinstance(value, float) else value


def _rows_of(
    store: FeatureStore, tracklet_id: str, identity_id: str, every_frame: bool
) -> Iterator[BoxRow]:
    tracklet = store.tracklet(tracklet_id)
    if tracklet is None:  # expired since its sighting was read
        return
    boxes = filled_in(tracklet.boxes) if every_frame else tracklet.boxes
    columns = zip(
        boxes.frame_indexes.tolist(),
        boxes.timestamps.tolist(),
        boxes.xyxy.tolist(),
        boxes.scores.tolist(),
        strict=True,
    )
    for frame_index, timestamp, (x1, y1, x2, y2), score in columns:
        yield BoxRow(
            tracklet.camera_id,
            frame_index,
            timestamp,
            x1,
            y1,
            x2,
            y2,
            score,
            tracklet_id,
            identity_id,
        )


def filled_in(boxes: TrackBoxes) -> TrackBoxes:
    """The boxes of every frame from the first to the last, straight lines between detections.

    Filled-in boxes have the score 0.
    """
    known = boxes.frame_indexes
    wanted = np.arange(known[0], known[-1] + 1, dtype=np.int64)
    scores = np.zeros(len(wanted), dtype=np.float32)
    scores[known - known[0]] = boxes.scores
    xyxy = np.stack([np.interp(wanted, known, boxes.xyxy[:, i]) for i in range(4)], axis=1)
    return TrackBoxes(
        frame_indexes=wanted,
        timestamps=np.interp(wanted, known, boxes.timestamps),
        xyxy=xyxy.astype(np.float32),
        scores=scores,
    )
