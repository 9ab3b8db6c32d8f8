"""Rows of features: to unit length, and how well two sets of them agree."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from reid.embedder import Embeddings
from reid.errors import ReidError


def unit_rows(features: npt.NDArray[np.float32], model: str) -> Embeddings:
    """Each row over its Euclidean length, float32; (0, D) stays (0, D).

    Args:
        features: (N, D).
        model: Named in the error.

    Raises:
        ReidError: A value is not finite, or a row is all zeros and so has no direction: the model
            is broken, or overflows in this precision.

    >>> unit_rows(np.array([[3, 4], [0, -2]], np.float32), "demo").round(2).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, -1.0]]
    """
    if not np.isfinite(features).all():
        raise ReidError(
            f"{model} gave features that are not finite; "
            "take embedder.precision: fp32, or other weights"
        )
    lengths = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    if not lengths.all():
        raise ReidError(
            f"{model}: crop {int(lengths.argmin())} of {len(features)} has a feature of zeros; "
            "take weights that were trained to their end"
        )
    return np.asarray(features / lengths, np.float32)


def least_cosine(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """The least cosine similarity of corresponding rows, in [-1, 1]; 1 for N = 0.

    A row with a value that is not finite, or of zeros, agrees with nothing and counts as -1.

    >>> least_cosine(np.eye(2, dtype=np.float32), np.array([[2, 0], [np.nan, 1]], np.float32))
    -1.0
    """
    products = np.einsum("nd,nd->n", first, second, dtype=np.float64)
    lengths = np.linalg.norm(first.astype(np.float64), axis=1)
    lengths *= np.linalg.norm(second.astype(np.float64), axis=1)
    cosines = np.divide(products, lengths, out=np.full(len(lengths), -1.0), where=lengths > 0)
    return float(np.where(np.isfinite(cosines), cosines, -1.0).min(initial=1.0))
