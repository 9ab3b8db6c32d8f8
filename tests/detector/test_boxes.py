from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from detector.boxes import MAX_CANDIDATES, clip, iou_matrix, nms

FloatArray = npt.NDArray[np.float32]


def boxes_of(*rows: tuple[float, float, float, float]) -> FloatArray:
    return np.array(rows, dtype=np.float32).reshape(-1, 4)


@st.composite
def many_boxes(draw: st.DrawFn) -> FloatArray:
    num = draw(st.integers(0, 12))
    corners = draw(hnp.arrays(np.int64, (num, 2), elements=st.integers(-50, 50)))
    sizes = draw(hnp.arrays(np.int64, (num, 2), elements=st.integers(0, 40)))
    return np.concatenate([corners, corners + sizes], axis=1).astype(np.float32)


def slow_iou(a: FloatArray, b: FloatArray) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(float(width), 0) * max(float(height), 0)
    both = sum(float((box[2] - box[0]) * (box[3] - box[1])) for box in (a, b))
    return shared / (both - shared) if both > shared else 0.0


@given(many_boxes(), many_boxes())
def test_iou_agrees_with_a_plain_loop(a: FloatArray, b: FloatArray) -> None:
    matrix = iou_matrix(a, b)

    assert matrix.shape == (len(a), len(b))
    assert matrix.dtype == np.float32
    for i in range(len(a)):
        for j in range(len(b)):
            assert matrix[i, j] == pytest.approx(slow_iou(a[i], b[j]), abs=1e-6)


@given(many_boxes())
def test_iou_of_boxes_with_themselves_is_symmetric_with_ones_where_there_is_area(
    boxes: FloatArray,
) -> None:
    matrix = iou_matrix(boxes, boxes)

    np.testing.assert_array_equal(matrix, matrix.T)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    np.testing.assert_allclose(np.diag(matrix), (areas > 0).astype(np.float32))


def slow_nms(boxes: FloatArray, scores: FloatArray, max_iou: float) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if all(iou_matrix(boxes[i : i + 1], boxes[j : j + 1])[0, 0] <= max_iou for j in kept):
            kept.append(i)
    return kept


@given(many_boxes(), st.floats(0, 1), st.randoms(use_true_random=False))
def test_nms_agrees_with_a_plain_loop(boxes: FloatArray, max_iou: float, random: object) -> None:
    scores = np.linspace(1, 0, len(boxes), dtype=np.float32)
    random.shuffle(scores)  # type: ignore[attr-defined]

    assert nms(boxes, scores, max_iou).tolist() == slow_nms(boxes, scores, max_iou)


@given(many_boxes())
def test_nms_of_what_nms_kept_keeps_everything(boxes: FloatArray) -> None:
    scores = np.linspace(0, 1, len(boxes), dtype=np.float32)
    kept = nms(boxes, scores, 0.5)

    assert nms(boxes[kept], scores[kept], 0.5).tolist() == list(range(len(kept)))


def test_nms_looks_only_at_the_best_candidates() -> None:
    num = MAX_CANDIDATES + 5
    left = np.arange(num, dtype=np.float32) * 10
    boxes = np.stack([left, left * 0, left + 5, left * 0 + 5], axis=1)

    kept = nms(boxes, np.linspace(0, 1, num, dtype=np.float32), 0.5)

    assert kept.tolist() == list(range(num - 1, 4, -1))


def test_a_box_outside_of_the_image_is_clipped_to_no_area() -> None:
    clipped = clip(boxes_of((-9, -9, -1, -1), (-5, 2, 5, 99)), (10, 20))

    assert clipped.tolist() == [[0, 0, 0, 0], [0, 2, 5, 20]]
