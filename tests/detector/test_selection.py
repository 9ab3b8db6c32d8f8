from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from detector.selection import Selection
from streams.frame import Frame

FRAME = Frame("cam1", 0, 0.0, np.zeros((100, 200, 3), dtype=np.uint8))


def test_candidates_are_clipped_thinned_out_and_sorted() -> None:
    boxes = [
        [10, 10, 30, 60],  # good
        [11, 10, 31, 60],  # nearly the same, weaker
        [100, 50, 120, 500],  # sticks out below
        [150, 10, 160, 30],  # too small
        [60, 10, 80, 60],  # too weak
        [-50, 0, -10, 90],  # outside
        [np.nan, 0, 10, 90],
    ]
    scores = [0.5, 0.4, 0.9, 0.9, 0.1, 0.9, 0.9]

    people = Selection(min_score=0.25, max_iou=0.6, min_height_px=32).people(
        FRAME, np.array(boxes, dtype=np.float32), np.array(scores, dtype=np.float32)
    )

    assert people.boxes.tolist() == [[100, 50, 120, 100], [10, 10, 30, 60]]
    assert people.scores.tolist() == pytest.approx([0.9, 0.5])


def test_no_candidates_are_no_people() -> None:
    people = Selection().people(FRAME, np.empty((0, 4), np.float32), np.empty(0, np.float32))

    assert len(people) == 0
    assert people.boxes.shape == (0, 4)


@given(
    hnp.arrays(np.float32, (8, 4), elements=st.floats(width=32)),
    hnp.arrays(np.float32, (8,), elements=st.floats(width=32)),
)
def test_whatever_a_backend_gives_the_contract_holds(
    boxes: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    scores: np.ndarray[tuple[int], np.dtype[np.float32]],
) -> None:
    people = Selection(min_score=0.0, min_height_px=1).people(FRAME, boxes, scores)

    assert (np.diff(people.scores) <= 0).all()
    assert (people.boxes >= 0).all()
    assert (people.boxes <= [200, 100, 200, 100]).all()
    assert (people.boxes[:, 2:] > people.boxes[:, :2]).all()
