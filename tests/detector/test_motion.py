from __future__ import annotations

import numpy as np
import pytest

from detector.boxes import iou_matrix
from detector.motion import MAX_CAMERAS, MotionDetector
from detector.selection import Selection
from streams.frame import Frame
from streams.synthetic import SyntheticSite, render_frames

SELECTION = Selection(min_score=0.25, min_height_px=20)


def room_frame(camera_id: str, index: int, people: list[tuple[int, int]]) -> Frame:
    """A 320 x 240 room at 10 frames/s with a 24 x 70 person at each (left, top)."""
    rng = np.random.default_rng(7)
    image = rng.integers(100, 160, (240, 320, 3))
    for left, top in people:
        image[top + 14 : top + 70, left : left + 24] = (30, 40, 200)
        image[top : top + 14, left + 7 : left + 17] = (120, 150, 230)
    noise = np.random.default_rng(index).integers(-3, 4, image.shape)
    return Frame(camera_id, index, 100 + index / 10, (image + noise).clip(0, 255).astype(np.uint8))


def test_somebody_who_walks_through_is_found_where_they_are() -> None:
    detector = MotionDetector(SELECTION)
    for index in range(10):
        detector.detect([room_frame("cam1", index, [])])

    for step in range(10):
        (people,) = detector.detect([room_frame("cam1", 10 + step, [(40 + 12 * step, 100)])])
        left = 40 + 12 * step
        truth = np.array([[left, 100, left + 24, 170]], dtype=np.float32)
        assert len(people) == 1
        assert iou_matrix(truth, people.boxes)[0, 0] > 0.85
        assert people.scores[0] > 0.5


def test_an_empty_room_stays_empty() -> None:
    detector = MotionDetector(SELECTION)

    found = detector.detect([room_frame("cam1", index, []) for index in range(100)])

    assert sum(len(people) for people in found) == 0


def test_people_of_the_first_frame_are_found_soon_after_they_move() -> None:
    detector = MotionDetector(SELECTION)
    for index in range(25):
        (people,) = detector.detect([room_frame("cam1", index, [(20 + 8 * index, 100)])])

    truth = np.array([[212, 100, 236, 170]], dtype=np.float32)
    assert len(people) == 1
    assert iou_matrix(truth, people.boxes)[0, 0] > 0.85


def test_each_camera_has_its_own_background() -> None:
    detector = MotionDetector(SELECTION)
    for index in range(10):
        detector.detect([room_frame("a", index, []), room_frame("b", index, [(200, 50)])])

    a, b = detector.detect([room_frame("a", 10, [(40, 100)]), room_frame("b", 10, [(200, 50)])])

    assert len(a) == 1
    assert len(b) == 0


def test_a_new_frame_size_starts_over() -> None:
    detector = MotionDetector(SELECTION)
    detector.detect([room_frame("cam1", 0, [])])
    small = Frame("cam1", 1, 100.1, np.zeros((120, 160, 3), dtype=np.uint8))

    (people,) = detector.detect([small])

    assert len(people) == 0
    assert people.frame is small


def test_only_so_many_cameras_are_remembered() -> None:
    detector = MotionDetector(SELECTION)
    image = np.zeros((8, 8, 3), dtype=np.uint8)

    detector.detect([Frame(f"cam{i}", 0, 0.0, image) for i in range(MAX_CAMERAS + 9)])

    assert len(detector._scenes) == MAX_CAMERAS
    assert "cam0" not in detector._scenes


@pytest.mark.slow
def test_most_people_of_the_drawn_site_are_found() -> None:
    """At least 85 % of the mostly visible people are found, and 90 % of the boxes are people."""
    detector = MotionDetector(SELECTION)
    num_people = num_found = num_boxes = num_right = 0
    for index, (image, truth) in enumerate(render_frames(SyntheticSite(duration_s=12), 0)):
        (people,) = detector.detect([Frame("cam1", index, index / 10, image)])
        boxes = np.array([box.box for box in truth], dtype=np.float32).reshape(-1, 4)
        visible = np.array([box.visibility >= 0.6 for box in truth], dtype=bool)
        overlaps = iou_matrix(boxes, people.boxes)
        num_people += int(visible.sum())
        num_found += int((overlaps.max(axis=1, initial=0)[visible] >= 0.5).sum())
        num_boxes += len(people)
        num_right += int((overlaps.max(axis=0, initial=0) >= 0.5).sum())

    assert num_people > 50
    assert num_found >= 0.85 * num_people
    assert num_right >= 0.9 * num_boxes
