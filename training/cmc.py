"""Cumulative matching characteristic: how many queries have a hit among their first k."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.ranking import Labelling, Ranking, check_shape

RANKS = (1, 5, 10, 20)
"""The k that are usually told."""


def cmc(ranking: Ranking, ranks: Sequence[int] = RANKS) -> dict[int, float]:
    """The share of queries whose first hit stands at rank k or before, multi-shot; NaN for V = 0.

    >>> from training.ranking import ranking_of_hits
    >>> cmc(ranking_of_hits([[1, 3], [2]]), [1, 2])
    {1: 0.5, 2: 1.0}
    """
    return shares_up_to(ranking.first_ranks, ranks)


def single_gallery_shot_cmc(
    distances: npt.NDArray[np.floating],
    labels: Labelling,
    rng: np.random.Generator,
    *,
    num_repeats: int = 200,
    ranks: Sequence[int] = RANKS,
) -> dict[int, float]:
    """The classic CMC of CUHK03: the gallery has one random image a person; mean of repeats.

    Li, Zhao, Xiao, Wang, "DeepReID", CVPR 2014. What a query drops is not drawn for it. In each
    repeat all queries see the same image of a stranger, which leaves the mean as it is.

    Args:
        distances: (Q, G), without NaN.
        labels: Of the queries and the gallery.
        rng: Draws the images.
        num_repeats: How often, 1 or more.
        ranks: The k.

    Raises:
        DataError: The distances are not (Q, G).
    """
    check_shape(distances, labels)
    rows = np.arange(len(labels.query_ids))
    query, item = np.nonzero(labels.is_same_person(rows) & ~labels.is_same_camera(rows))
    valid, starts, counts = np.unique(query, return_index=True, return_counts=True)
    places = [np.empty(0, np.int64)]
    for _ in range(num_repeats):
        own = item[starts + rng.integers(counts)]
        places.append(_places(distances, labels, valid, own, rng))
    return shares_up_to(np.concatenate(places), ranks)


def shares_up_to(places: npt.NDArray[np.int64], ranks: Sequence[int]) -> dict[int, float]:
    """The share of places at k or before, for each k; NaN where there is none."""
    if not len(places):
        return dict.fromkeys(ranks, float("nan"))
    return {rank: float(np.mean(places <= rank)) for rank in ranks}


def _places(
    distances: npt.NDArray[np.floating],
    labels: Labelling,
    queries: npt.NDArray[np.int64],
    own: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """(V,) place of each query's own drawn gallery item among one drawn of every other person."""
    drawn = _one_of_each_person(labels.gallery_ids, rng)
    own_distances = distances[queries, own][:, None]
    others = distances[np.ix_(queries, drawn)]  # (V, persons)
    is_before = (others < own_distances) | ((others == own_distances) & (drawn < own[:, None]))
    is_before &= labels.query_ids[queries, None] != labels.gallery_ids[drawn]
    return np.asarray(1 + is_before.sum(axis=1))


def _one_of_each_person(
    persons: npt.NDArray[np.int64], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """A random row of each person, ascending by person."""
    shuffled = rng.permutation(len(persons))
    _, first = np.unique(persons[shuffled], return_index=True)
    return np.asarray(shuffled[first])
