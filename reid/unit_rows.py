"""Rows of features: to unit length, and how well two sets of them agree."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from reid.embedder import Embeddings
from reid.errors import ReidError


def unit_rows(features: npt.NDArray[np.float32], model: str) -> Embeddings:
    """Each row over its Euclidean length, float32; (0, D) stays (0, D).

    A row of zeros has no direction; it becomes the constant row, so that the result always has unit
    rows.

    Args:
        features: (N, D).
        model: Named in the error.

    Raises:
        ReidError: A value is not finite: the model is broken, or overflows in this precision.

    >>> unit_rows(np.array([[3, 4], [0, 0]], np.float32), "demo").round(3).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.7070000171661377, 0.7070000171661377]]
    """
    if not np.isfinite(features).all():
        raise ReidError(
            f"{model} gave features that are not finite; "
            "take embedder.precision: fp32, or other weights"
        )
    rows = np.where(features.any(axis=1, keepdims=True), features, np.float32(1))
    rows = rows.astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


def least_cosine(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """The least cosine similarity of corresponding rows, in [-1, 1]; 1 for N = 0."""
    products = np.einsum("nd,nd->n", first, second, dtype=np.float64)
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return float((products / np.maximum(lengths, 1e-30)).min(initial=1.0))
