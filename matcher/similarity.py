"""The similarity of features, computed so that the same two always give the same number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

HalfFeature = npt.NDArray[np.float16]
"""(D,) float16, unit length: as the store keeps features, so that a restart changes nothing."""

_DECIMALS = 6


def similarities(
    stored: Sequence[HalfFeature], feature: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    """(N,) cosines of a feature to N stored ones, in [-1, 1].

    Summed in double precision and rounded, as the last bits of a matrix product depend on how many
    rows are multiplied together; decisions must not.

    Args:
        stored: N >= 0 features.
        feature: (D,), unit length.
    """
    if not len(stored):
        return np.zeros(0)
    products = np.stack(stored).astype(np.float64) @ feature.astype(np.float64)
    return np.asarray(np.clip(products.round(_DECIMALS), -1, 1))
