"""Exports: columns, order, filled-in frames, MOT text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import numpy as np
import pytest

from matcher.store import FeatureStore
from matcher.tracklet import TrackBoxes, Tracklet
from query.errors import QueryError
from query.exports import box_rows, filled_in, sighting_rows, write_boxes, write_sightings

Add = Callable[..., Tracklet]


def test_boxes_as_csv_have_the_promised_columns(store: FeatureStore, add_sighting: Add) -> None:
    tracklet = add_sighting("P1", "cam1", 0)
    out = io.StringIO()

    count = write_boxes(box_rows(store), out, "csv")

    lines = out.getvalue().splitlines()
    assert count == 3
    assert lines[0] == ("camera_id,frame_index,timestamp,x1,y1,x2,y2,score,tracklet_id,identity_id")
    row = next(csv.DictReader(io.StringIO(out.getvalue())))
    assert row["tracklet_id"] == tracklet.tracklet_id
    assert (row["x1"], row["y2"], row["score"]) == ("10.0", "80.0", "0.75")


def test_an_empty_store_gives_the_header_alone(store: FeatureStore) -> None:
    out = io.StringIO()

    assert write_boxes(box_rows(store), out, "csv") == 0
    assert out.getvalue().count("\n") == 1


def test_every_frame_fills_the_frames_between_detections(
    store: FeatureStore, add_sighting: Add
) -> None:
    add_sighting("P1", "cam1", 0)

    rows = list(box_rows(store, every_frame=True))

    assert [row.frame_index for row in rows] == [0, 1, 2, 3, 4]
    assert [row.x1 for row in rows] == [10, 11, 12, 14, 16]
    assert [row.score for row in rows] == pytest.approx([0.75, 0, 0.75, 0, 0.75], abs=1e-4)


def test_one_box_is_filled_in_as_itself() -> None:
    boxes = TrackBoxes(
        np.array([7]), np.array([1.0]), np.ones((1, 4), np.float32), np.ones(1, np.float32)
    )

    assert len(filled_in(boxes)) == 1


def test_mot_text_has_one_based_frames_and_widths(store: FeatureStore, add_sighting: Add) -> None:
    add_sighting("P12", "cam1", 0)
    out = io.StringIO()

    write_boxes(box_rows(store), out, "mot")

    assert out.getvalue().splitlines()[0] == "1,12,10.00,20.00,20.00,60.00,0.7500,-1,-1,-1"


def test_mot_text_of_two_cameras_is_refused(store: FeatureStore, add_sighting: Add) -> None:
    add_sighting("P1", "cam1", 0)
    add_sighting("P1", "cam2", 5)

    with pytest.raises(QueryError, match="--camera"):
        write_boxes(box_rows(store), io.StringIO(), "mot")


def test_trajectories_as_json_lines_hold_gaps_and_probabilities(
    store: FeatureStore, add_sighting: Add
) -> None:
    add_sighting("P1", "cam1", 0, 2.0)
    add_sighting("P1", "cam2", 10, 1.0, probability=0.8)
    out = io.StringIO()

    write_sightings(sighting_rows(store), out, "jsonl")

    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert (first["seconds"], first["gap_s"], first["similarity"]) == (2.0, None, None)
    assert (second["camera_id"], second["gap_s"], second["probability"]) == ("cam2", 8.0, 0.8)
