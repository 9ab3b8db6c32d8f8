"""Bootstrap intervals: how far a figure would move with other people in the test set."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Interval(NamedTuple):
    """A figure lies between these in 95 of 100 test sets of as many people."""

    low: float
    high: float


def bootstrap_intervals(
    values: Floats,
    persons: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    num_resamples: int = 1000,
    level: float = 0.95,
) -> list[Interval]:
    """Percentile intervals of the means of M figures over V queries.

    People are drawn with replacement, each with all of their queries: those of one person are easy
    or hard together, and drawing single queries would give intervals that are too narrow (Davison,
    Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8). The gallery stays as it
    is.

    Args:
        values: (V, M).
        persons: (V,) who each query shows.
        rng: Draws the people.
        num_resamples: How often, 1 or more.
        level: Share of the means that the interval holds, in (0, 1).

    Returns:
        M intervals; of NaN for V = 0.
    """
    if not len(values):
        return [Interval(np.nan, np.nan)] * values.shape[1]
    means = _resampled_means(*_sums_of_persons(values, persons), rng, num_resamples)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return [Interval(float(a), float(b)) for a, b in zip(low, high, strict=True)]


def _sums_of_persons(values: Floats, persons: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """(P, M) sums of each person's values, and (P,) how many there are."""
    _, number = np.unique(persons, return_inverse=True)
    counts = np.bincount(number).astype(np.float64)
    sums = np.stack([np.bincount(number, column) for column in values.T], axis=1)
    return np.asarray(sums, np.float64), counts


def _resampled_means(
    sums: Floats, counts: Floats, rng: np.random.Generator, num_resamples: int
) -> Floats:
    """(B, M)."""
    num = len(counts)
    times = rng.multinomial(num, np.full(num, 1 / num), num_resamples).astype(np.float64)  # (B, P)
    return np.asarray((times @ sums) / (times @ counts)[:, None])
