from __future__ import annotations

import cv2
import numpy as np
import pytest

from detector.boxes import iou_matrix
from detector.errors import BackendError
from detector.hog import HogDetector
from detector.selection import Selection
from streams.frame import Frame
from streams.synthetic import SyntheticSite, render_frames


@pytest.mark.slow
def test_some_people_of_the_drawn_site_are_found() -> None:
    detector = HogDetector(Selection(min_score=0.25))
    num_people = num_found = 0
    for index, (image, truth) in enumerate(render_frames(SyntheticSite(duration_s=10), 0)):
        if index < 40 or index % 10:
            continue
        (people,) = detector.detect([Frame("cam1", index, index / 10, image)])
        boxes = np.array([b.box for b in truth if b.visibility > 0.9], dtype=np.float32)
        overlaps = iou_matrix(boxes.reshape(-1, 4), people.boxes)
        num_people += len(boxes)
        num_found += int((overlaps.max(axis=1, initial=0) >= 0.5).sum())

    assert num_people >= 4
    assert num_found >= 0.5 * num_people


def test_a_frame_smaller_than_the_window_has_nobody() -> None:
    frame = Frame("cam1", 0, 0.0, np.zeros((20, 20, 3), dtype=np.uint8))

    (people,) = HogDetector(Selection()).detect([frame])

    assert len(people) == 0


def test_an_opencv_without_hog_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "HOGDescriptor")

    with pytest.raises(BackendError, match=r"needs OpenCV 4.*opencv-python<5"):
        HogDetector(Selection())
