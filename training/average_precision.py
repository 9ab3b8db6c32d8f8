"""Average precision, in the two definitions that are in use: they differ by up to 3 points."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.ranking import Ranking

PerQuery = npt.NDArray[np.float64]
"""(V,) in [0, 1], a value of each query that has something to find."""


def average_precision_step(ranking: Ranking) -> PerQuery:
    """The mean over the hits of hits so far / rank: recall moves in steps.

    >>> from training.ranking import ranking_of_hits
    >>> average_precision_step(ranking_of_hits([[1, 3, 6, 9, 10], [2, 5, 7]])).round(2).tolist()
    [0.62, 0.44]
    """
    return ranking.mean_of_hits(ranking.hit_numbers / ranking.ranks)


def average_precision_trapezoid(ranking: Ranking) -> PerQuery:
    """The area under straight lines between the points of recall and precision.

    The sum over ranks of (recall - recall before) * (precision before + precision) / 2, with a
    precision of 1 before the first rank. Market-1501's MATLAB code, scikit-learn up to 0.18 and the
    RGA paper count so. Recall moves at hits only, so only hits are summed.

    >>> from training.ranking import ranking_of_hits
    >>> average_precision_trapezoid(ranking_of_hits([[1, 3], [2]])).round(4).tolist()
    [0.7917, 0.25]
    """
    hits, ranks = ranking.hit_numbers, ranking.ranks
    before = np.where(ranks == 1, 1.0, (hits - 1) / np.maximum(ranks - 1, 1))
    return ranking.mean_of_hits((before + hits / ranks) / 2)
