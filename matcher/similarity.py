"""The similarity of features, computed so that the same two always give the same number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

HalfFeature = npt.NDArray[np.float16]
"""(D,) float16, unit length: as the store keeps features, so that a restart changes nothing."""

_DECIMALS = 6


def similarities(
    stored: Sequence[HalfFeature], features: Sequence[npt.NDArray[np.floating]]
) -> npt.NDArray[np.float64]:
    """(M, N) cosines of M features to N stored ones, in [-1, 1].

    Summed in double precision and rounded, as the last bits of a matrix product depend on how many
    rows are multiplied together; decisions must not.

    Args:
        stored: N >= 0 features.
        features: M >= 0 of (D,), unit length.
    """
    if not len(stored) or not len(features):
        return np.zeros((len(features), len(stored)))
    products = np.array(features, dtype=np.float64) @ np.array(stored, dtype=np.float64).T
    return np.asarray(products.round(_DECIMALS).clip(-1, 1))
