"""When tracks are published, under which names, with which boxes and features."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from crosscam.tracklets import Draft, PublishPolicy, TrackletMaker, finished
from detector.detections import Detections
from detector.tracker import Tracker

Make = Callable[..., Detections]
POLICY = PublishPolicy(first_after_s=0.7, min_crops=2, update_every_s=3.0, max_length_s=10.0)


def _drafts(make: Make, frames: range, *, is_there: Callable[[int], bool]) -> list[Draft]:
    tracker, maker = Tracker("cam1"), TrackletMaker("cam1", 3, POLICY)
    drafts = []
    for index in frames:
        boxes = [(40.0 + index / 2, 50.0, 40.0, 120.0)] if is_there(index) else []
        detections = make(index, *boxes)
        drafts += maker.update(detections, tracker.update(detections))
    return drafts + maker.end(tracker.end(), detections.frame.timestamp)


def test_first_version_comes_early_and_the_final_one_at_the_end(make_detections: Make) -> None:
    drafts = _drafts(make_detections, range(25), is_there=lambda i: i < 20)

    first, final = drafts[0], drafts[-1]
    assert first.tracklet_id == final.tracklet_id == "cam1-3-1"
    assert (first.version, first.is_final) == (1, False)
    assert 0.7 <= first.emitted_at - first.boxes.timestamps[0] <= 0.9
    assert final.is_final
    assert final.version == len(drafts)
    assert final.boxes.frame_indexes.tolist() == list(range(20))


def test_a_track_that_is_cut_short_is_published_once_with_what_it_has(
    make_detections: Make,
) -> None:
    drafts = _drafts(make_detections, range(4), is_there=lambda _: True)

    assert [(draft.version, draft.is_final) for draft in drafts] == [(1, True)]
    assert len(drafts[0].boxes) == 4


def test_nobody_for_minutes_publishes_nothing(make_detections: Make) -> None:
    assert _drafts(make_detections, range(300), is_there=lambda _: False) == []


def test_a_long_track_goes_on_as_the_next_part(make_detections: Make) -> None:
    drafts = _drafts(make_detections, range(250), is_there=lambda _: True)

    finals = [draft for draft in drafts if draft.is_final]
    assert [draft.tracklet_id for draft in finals] == ["cam1-3-1", "cam1-3-1.2", "cam1-3-1.3"]
    indexes = np.concatenate([draft.boxes.frame_indexes for draft in finals])
    assert indexes.tolist() == list(range(250))


def test_crops_are_bounded_and_versions_count_up(make_detections: Make) -> None:
    drafts = _drafts(make_detections, range(90), is_there=lambda _: True)

    assert all(1 <= len(draft.crops) <= POLICY.max_crops for draft in drafts)
    assert [draft.version for draft in drafts] == list(range(1, len(drafts) + 1))


def test_a_finished_tracklet_has_a_unit_feature_and_jpeg_thumbnails(make_detections: Make) -> None:
    draft = _drafts(make_detections, range(20), is_there=lambda _: True)[-1]
    features = np.eye(len(draft.crops), 8, dtype=np.float32)

    tracklet = finished(draft, features, "space:1", num_thumbnails=2)

    assert abs(np.linalg.norm(tracklet.feature) - 1) < 1e-6
    assert len(tracklet.thumbnails) == min(2, len(draft.crops))
    decoded = cv2.imdecode(np.frombuffer(tracklet.thumbnails[0], np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape[2] == 3


def test_features_that_cancel_out_leave_the_best_crop_s(make_detections: Make) -> None:
    draft = _drafts(make_detections, range(20), is_there=lambda _: True)[-1]
    one = np.zeros(4, np.float32)
    one[0] = 1
    same = Draft(
        draft.tracklet_id,
        1,
        "cam1",
        draft.emitted_at,
        draft.boxes,
        (draft.crops[0], draft.crops[0]),
        True,
    )

    tracklet = finished(same, np.stack([one, -one]), "space:1", num_thumbnails=0)

    assert tracklet.feature.tolist() == one.tolist()
