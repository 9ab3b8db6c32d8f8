from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.average_precision import average_precision_step, average_precision_trapezoid
from training.ranking import ranking_of_hits

HITS = st.sets(st.integers(1, 60), min_size=1, max_size=20).map(sorted)


def plain(hits: list[int]) -> tuple[float, float]:
    """Step and trapezoid from their definitions, rank by rank."""
    step = trapezoid = recall_before = 0.0
    precision_before, num_found = 1.0, 0
    for rank in range(1, 70):
        num_found += rank in hits
        precision, recall = num_found / rank, num_found / len(hits)
        step += precision * (rank in hits) / len(hits)
        trapezoid += (recall - recall_before) * (precision_before + precision) / 2
        precision_before, recall_before = precision, recall
    return step, trapezoid


def test_textbook_cases() -> None:
    """Manning, Raghavan, Schütze and many slides: hits at 1, 3, 6, 9, 10 and at 2, 5, 7."""
    found = average_precision_step(ranking_of_hits([[1, 3, 6, 9, 10], [2, 5, 7]]))

    assert found.round(2).tolist() == [0.62, 0.44]
    assert round(float(found.mean()), 2) == 0.53


@given(st.lists(HITS, min_size=1, max_size=5))
def test_both_are_those_of_a_plain_loop(hits: list[list[int]]) -> None:
    ranking = ranking_of_hits(hits)

    step, trapezoid = average_precision_step(ranking), average_precision_trapezoid(ranking)

    expected = np.array([plain(each) for each in hits])
    np.testing.assert_allclose(np.stack([step, trapezoid], axis=1), expected, atol=1e-12)


@given(st.integers(1, 30))
def test_a_perfect_ranking_scores_one(num_hits: int) -> None:
    ranking = ranking_of_hits([list(range(1, num_hits + 1))])

    assert average_precision_step(ranking).tolist() == [1.0]
    assert average_precision_trapezoid(ranking).tolist() == [pytest.approx(1.0)]


@given(HITS, st.data())
def test_a_hit_that_moves_down_lowers_both(hits: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(hits) - 1))
    later = sorted({*hits[:place], *hits[place + 1 :], hits[-1] + 1})

    before, after = ranking_of_hits([hits]), ranking_of_hits([later])

    assert average_precision_step(after)[0] < average_precision_step(before)[0]
    assert average_precision_trapezoid(after)[0] < average_precision_trapezoid(before)[0]


def test_no_queries_have_no_values() -> None:
    ranking = ranking_of_hits([])

    assert average_precision_step(ranking).shape == average_precision_trapezoid(ranking).shape
    assert len(average_precision_step(ranking)) == 0
