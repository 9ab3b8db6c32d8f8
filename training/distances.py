"""Distances of query features to gallery features."""

from __future__ import annotations

from typing import Literal, TypeVar, assert_never

import numpy as np
import numpy.typing as npt

Metric = Literal["cosine", "euclidean"]
Features = npt.NDArray[np.float32]
"""(N, D) float32, finite, no row of zeros."""
Distances = npt.NDArray[np.float32]
"""(Q, G) float32, 0 or above."""

Float = TypeVar("Float", np.float32, np.float64)

_ROWS = 512


def distance_matrix(query: Features, gallery: Features, metric: Metric = "cosine") -> Distances:
    """All distances: cosines are computed in float32, Euclidean ones in float64 (more cancels).

    Args:
        query: (Q, D).
        gallery: (G, D).
        metric: "cosine": 1 - cosine, in [0, 2]; "euclidean": length of the difference.

    >>> distance_matrix(np.eye(2, dtype=np.float32), np.array([[3, 0]], np.float32)).tolist()
    [[0.0], [1.0]]
    """
    match metric:
        case "cosine":
            distances = unit_rows(query) @ unit_rows(gallery).T
            np.subtract(1, distances, out=distances)
            return np.asarray(np.maximum(distances, 0, out=distances))
        case "euclidean":
            return _euclidean(query, gallery)
        case _:
            assert_never(metric)


def unit_rows(features: Features) -> Features:
    """Each row over its Euclidean length; rows of zeros are not allowed."""
    lengths = np.sqrt(squared_lengths(features))[:, None]
    return np.asarray(features / lengths, np.float32)


def squared_lengths(features: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """(N,) squared Euclidean lengths in float64; a copy of some rows at a time is made."""
    lengths = np.empty(len(features))
    for start in range(0, len(features), _ROWS):
        rows = features[start : start + _ROWS].astype(np.float64)
        lengths[start : start + _ROWS] = np.einsum("nd,nd->n", rows, rows)
    return lengths


def squared_distances(
    some: npt.NDArray[Float],
    others: npt.NDArray[Float],
    some_lengths: npt.NDArray[np.float64],
    others_lengths: npt.NDArray[np.float64],
) -> npt.NDArray[Float]:
    """(Q, G) squared Euclidean distances of (Q, D) and (G, D), from their squared lengths."""
    squares = some @ others.T
    squares *= -2
    squares += some_lengths[:, None].astype(squares.dtype)
    squares += others_lengths.astype(squares.dtype)
    return np.asarray(np.maximum(squares, 0, out=squares))


def _euclidean(query: Features, gallery: Features) -> Distances:
    """In float64, as |a|^2 + |b|^2 - 2 a b cancels."""
    some, others = query.astype(np.float64), gallery.astype(np.float64)
    squares = squared_distances(some, others, squared_lengths(some), squared_lengths(others))
    return np.sqrt(squares, dtype=np.float32, casting="same_kind")
