"""Arithmetic on boxes: overlap, suppression, clipping. Pure functions on (N, 4) xyxy arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detector.detections import Boxes, Scores

MAX_CANDIDATES = 1000
"""Only this many of the best candidates enter `nms`, which costs N^2."""


def iou_matrix(a: Boxes, b: Boxes) -> npt.NDArray[np.float32]:
    """Intersection over union of every box of `a` with every box of `b`.

    Args:
        a: (N, 4) xyxy.
        b: (M, 4) xyxy.

    Returns:
        (N, M) float32 in [0, 1]; boxes without an area overlap with nothing.

    >>> iou_matrix(np.float32([[0, 0, 2, 2]]), np.float32([[0, 0, 2, 1], [5, 5, 6, 6]])).tolist()
    [[0.5, 0.0]]
    """
    a64, b64 = a.astype(np.float64).reshape(-1, 4), b.astype(np.float64).reshape(-1, 4)
    top_left = np.maximum(a64[:, None, :2], b64[None, :, :2])  # (N, M, 2)
    bottom_right = np.minimum(a64[:, None, 2:], b64[None, :, 2:])
    shared = (bottom_right - top_left).clip(min=0).prod(axis=2)
    union = _areas(a64)[:, None] + _areas(b64)[None, :] - shared
    ratio = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return np.asarray(ratio, dtype=np.float32)


def _areas(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    areas: npt.NDArray[np.float64] = (boxes[:, 2:] - boxes[:, :2]).clip(min=0).prod(axis=1)
    return areas


def nms(boxes: Boxes, scores: Scores, max_iou: float) -> npt.NDArray[np.intp]:
    """Greedy non-maximum suppression: which boxes stay, best score first.

    A box goes if it overlaps a better one that stays by more than `max_iou`. Equal scores keep
    their order. Of more than `MAX_CANDIDATES` boxes only the best enter.

    Args:
        boxes: (N, 4) xyxy.
        scores: (N,).
        max_iou: In [0, 1]; 1 keeps everything.

    Returns:
        (K,) indices into `boxes`.

    >>> boxes = np.float32([[0, 0, 9, 9], [0, 0, 10, 10], [20, 0, 30, 10]])
    >>> nms(boxes, np.float32([0.5, 0.9, 0.7]), 0.6).tolist()
    [1, 2]
    """
    order = np.argsort(-scores, kind="stable")[:MAX_CANDIDATES]
    overlaps = iou_matrix(boxes[order], boxes[order]) > max_iou
    is_kept = np.ones(len(order), dtype=bool)
    for i in range(len(order)):
        if is_kept[i]:
            is_kept[i + 1 :] &= ~overlaps[i, i + 1 :]
    kept: npt.NDArray[np.intp] = order[is_kept]
    return kept


def clip(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Boxes cut to an image of `size` (width, height); one outside of it ends up without an area.

    >>> clip(np.float32([[-3, 2, 5, 99]]), (10, 20)).tolist()
    [[0.0, 2.0, 5.0, 20.0]]
    """
    width, height = size
    return boxes.clip(0, np.array([width, height, width, height], dtype=np.float32))
