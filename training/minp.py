"""Inverse negative penalty: how far down the hardest hit stands."""

from __future__ import annotations

import numpy as np

from training.average_precision import PerQuery
from training.ranking import Ranking


def inverse_negative_penalty(ranking: Ranking) -> PerQuery:
    """(V,) number of hits / rank of the last one; its mean is mINP.

    Ye, Shen, Lin, Xiang, Shao, Hoi, "Deep Learning for Person Re-identification: A Survey and
    Outlook", TPAMI 2021, equation 14.

    >>> from training.ranking import ranking_of_hits
    >>> inverse_negative_penalty(ranking_of_hits([[1, 2], [1, 4]])).tolist()
    [1.0, 0.5]
    """
    return np.asarray(ranking.num_hits / ranking.last_ranks)
