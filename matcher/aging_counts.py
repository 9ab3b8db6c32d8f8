"""Counts that age: what was counted some days ago is forgotten, a day at a time."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]

DAY_S = 86400.0
NUM_DAYS = 6
"""Days that count: fewer than the store keeps by default, so that a restart finds all of them."""


class AgingCounts:
    """An array of counts of the last `NUM_DAYS` days of stream time; its memory is bounded.

    Whole numbers, so that the order of counting does not matter, not even in the last bit.

    Args:
        shape: Of the array.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._of_day: dict[int, Counts] = {}
        self._total: Counts = np.zeros(shape, np.int64)

    @property
    def total(self) -> Counts:
        """All that counts now; must not be written to."""
        return self._total

    def add(
        self,
        at: float,
        index: tuple[int | npt.NDArray[np.intp], ...],
        number: int | Counts = 1,
    ) -> None:
        """Counts; what is too old already does not.

        Args:
            at: Moment, stream time.
            index: One integer, or (N,) of them, for each axis; the same place may come twice.
            number: How many, >= 0, one or (N,).
        """
        day = math.floor(at / DAY_S)
        if self._of_day and day <= max(self._of_day) - NUM_DAYS:
            return
        counts = self._of_day.get(day)
        if counts is None:
            counts = self._of_day[day] = np.zeros_like(self._total)
        places = np.ravel_multi_index(np.broadcast_arrays(*index), self._total.shape)
        np.add.at(counts.reshape(-1), places, number)
        np.add.at(self._total.reshape(-1), places, number)
        self.advance(at)

    def advance(self, now: float) -> None:
        """Forgets what is too old at a moment of stream time."""
        oldest = math.floor(now / DAY_S) - NUM_DAYS
        for day in [day for day in self._of_day if day <= oldest]:
            self._total -= self._of_day.pop(day)
