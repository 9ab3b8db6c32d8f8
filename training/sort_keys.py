"""Keys that sort distances nearest first, equal ones by their column: a stable order, quickly.

A stable argsort of floats is slow; one sort of 64-bit integers is not. The upper half of a key is
the distance, with its bits turned so that integers order as floats do; the lower half the column.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
_SIGN = np.uint32(0x8000_0000)
_COLUMN_BITS = np.uint64(32)
_COLUMN_MASK = np.uint64(0xFFFF_FFFF)


def sort_keys(distances: npt.NDArray[np.float32]) -> Keys:
    """(Q, G) keys above 2**32 of (Q, G) float32 distances without NaN; infinity is allowed.

    >>> columns_of(np.sort(sort_keys(np.array([[0.5, -1.0, 0.5, 0.0]], np.float32)))).tolist()
    [[1, 3, 0, 2]]
    """
    bits = (distances + np.float32(0)).view(np.uint32)  # the sum makes -0 and 0 the same
    is_negative = (bits.view(np.int32) >> 31).view(np.uint32)  # all ones, or all zeros
    ordered = bits ^ (is_negative | _SIGN)
    columns = np.arange(distances.shape[1], dtype=np.uint64)
    return (ordered.astype(np.uint64) << _COLUMN_BITS) | columns


def columns_of(keys: Keys) -> npt.NDArray[np.int64]:
    """The column of each key."""
    return (keys & _COLUMN_MASK).astype(np.int64)
