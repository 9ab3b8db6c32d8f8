from __future__ import annotations

import numpy as np
import pytest

from detector.detections import Detections
from streams.frame import Frame

FRAME = Frame("cam1", 0, 0.0, np.zeros((100, 200, 3), dtype=np.uint8))
BOX = np.array([[1, 2, 3, 4]], dtype=np.float32)
SCORE = np.array([0.5], dtype=np.float32)


def test_nobody_is_a_normal_case() -> None:
    people = Detections(FRAME, np.empty((0, 4), np.float32), np.empty(0, np.float32))

    assert len(people) == 0


def test_arrays_cannot_be_changed_afterwards() -> None:
    people = Detections(FRAME, BOX.copy(), SCORE.copy())

    with pytest.raises(ValueError, match="read-only"):
        people.boxes[0, 0] = 9
    with pytest.raises(ValueError, match="read-only"):
        people.scores[0] = 0.9


@pytest.mark.parametrize(
    ("boxes", "scores", "text"),
    [
        (BOX.astype(np.float64), SCORE, "boxes: expected"),
        (BOX[:, :3], SCORE, "boxes: expected"),
        (BOX, SCORE.astype(np.float64), "scores: expected"),
        (BOX, np.array([0.5, 0.5], dtype=np.float32), "scores: expected"),
        (BOX * np.float32("nan"), SCORE, "finite"),
        (BOX, SCORE * 3, r"\[0, 1\]"),
        (BOX, SCORE * np.float32("nan"), r"\[0, 1\]"),
    ],
    ids=["dtype", "columns", "score dtype", "lengths", "nan box", "large score", "nan score"],
)
def test_wrong_columns_are_refused(
    boxes: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    scores: np.ndarray[tuple[int], np.dtype[np.float32]],
    text: str,
) -> None:
    with pytest.raises(ValueError, match=text):
        Detections(FRAME, boxes.copy(), scores.copy())
