from __future__ import annotations

from training.minp import inverse_negative_penalty
from training.ranking import ranking_of_hits


def test_it_is_the_number_of_hits_over_the_rank_of_the_last() -> None:
    ranking = ranking_of_hits([[1], [2, 8], [1, 2, 3], []])

    assert inverse_negative_penalty(ranking).tolist() == [1.0, 0.25, 1.0]


def test_no_queries_have_no_values() -> None:
    assert inverse_negative_penalty(ranking_of_hits([])).tolist() == []
