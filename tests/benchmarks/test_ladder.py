"""The ladder on a small drawn site: what is true costs nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.bench_ladder import climb, markdown, perfect
from benchmarks.ladder_tracks import TrueTracker, write_true_mot
from config.load import load_site
from config.schema import DetectorSettings
from detector.detections import Detections
from reid.histogram import open_histogram_embedder
from streams.frame import Frame
from streams.synthetic import SyntheticSite, read_truth, write_site
from streams.synthetic_truth import TruthBox

LEFT, RIGHT = (0.0, 0.0, 10.0, 20.0), (50.0, 0.0, 60.0, 20.0)


def true(frame: int, person: int, box: tuple[float, float, float, float]) -> TruthBox:
    return TruthBox("cam1", frame, float(frame), person, box, 1.0)


def seen(frame: int, *boxes: tuple[float, float, float, float]) -> Detections:
    image = np.zeros((40, 80, 3), np.uint8)
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(
        Frame("cam1", frame, float(frame), image), xyxy, np.ones(len(xyxy), np.float32)
    )


def test_true_tracks_follow_people_whatever_the_order_of_boxes() -> None:
    tracker = TrueTracker([true(0, 7, LEFT), true(1, 7, RIGHT), true(1, 8, LEFT)], max_lost_s=1.5)

    first = tracker.update(seen(0, LEFT))
    second = tracker.update(seen(1, LEFT, RIGHT))

    assert [(o.track_number, o.detection_index) for o in first.observations] == [(1, 0)]
    assert [(o.track_number, o.detection_index) for o in second.observations] == [(1, 1), (2, 0)]
    assert tracker.end().ended == (1, 2)


def test_a_true_track_ends_when_its_person_was_away_and_comes_back_as_another() -> None:
    tracker = TrueTracker([true(0, 7, LEFT), true(4, 7, LEFT)], max_lost_s=1.5)

    tracker.update(seen(0, LEFT))
    assert tracker.update(seen(1)).ended == ()
    assert tracker.update(seen(2)).ended == (1,)
    assert tracker.update(seen(4, LEFT)).observations[0].track_number == 2


def test_true_boxes_are_written_as_mot_text_for_every_camera(tmp_path: Path) -> None:
    write_true_mot([true(0, 7, RIGHT)], ["cam1", "cam2"], tmp_path)

    assert (tmp_path / "cam1.txt").read_text() == "1,7,50,0,10,20,1\n"
    assert (tmp_path / "cam2.txt").read_text() == "\n"


@pytest.mark.slow
def test_perfect_linking_of_true_tracks_loses_nothing(tmp_path: Path) -> None:
    drawn = SyntheticSite(
        num_cameras=2, num_people=2, duration_s=8.0, fps=5.0, size_px=(320, 180), seed=3
    )
    written = write_site(drawn, tmp_path)
    site = load_site(written.site_file)
    site = site.model_copy(update={"detector": DetectorSettings(kind="motion")})
    truth = read_truth(written.truth_file)

    own, boxes, tracks = climb(site, truth, open_histogram_embedder(), tmp_path / "truth")

    assert tracks.perfect.idf1 > 0.97
    assert tracks.perfect.idf1 >= boxes.perfect.idf1 - 0.01
    assert boxes.perfect.idf1 >= own.perfect.idf1
    assert all(rung.perfect.idf1 >= rung.linked.idf1 - 1e-9 for rung in (own, boxes, tracks))
    assert "Points of IDF1 lost: detector" in markdown([own, boxes, tracks])


def test_a_tracklet_that_shows_nobody_stays_alone() -> None:
    assert perfect([], []) == {}
