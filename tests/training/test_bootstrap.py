from __future__ import annotations

import math

import numpy as np
import pytest

from training.bootstrap import bootstrap_intervals


def test_interval_of_single_queries_is_that_of_the_normal_theory() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((400, 1))
    half = 1.96 * float(values.std()) / math.sqrt(400)

    (found,) = bootstrap_intervals(values, np.arange(400), rng, num_resamples=4000)

    assert found.low == pytest.approx(values.mean() - half, abs=0.003)
    assert found.high == pytest.approx(values.mean() + half, abs=0.003)


def test_queries_of_one_person_are_drawn_together() -> None:
    """Four equal queries a person tell no more than one: the interval is as wide."""
    values = np.random.default_rng(0).random((100, 1))
    persons = np.arange(100)

    (single,) = bootstrap_intervals(values, persons, np.random.default_rng(1))
    (repeated,) = bootstrap_intervals(
        np.repeat(values, 4, axis=0), np.repeat(persons, 4), np.random.default_rng(1)
    )

    assert repeated == pytest.approx(single)


def test_people_count_by_their_queries() -> None:
    """By a plain loop: 3 queries of one person, 1 of another."""
    values, persons = np.array([[0.0], [0.0], [0.0], [1.0]]), np.array([7, 7, 7, 2])
    rng = np.random.default_rng(0)
    means = []
    for _ in range(3000):
        drawn = rng.choice([7, 2], 2)
        means.append(np.concatenate([values[persons == person] for person in drawn]).mean())

    (found,) = bootstrap_intervals(values, persons, rng, num_resamples=3000, level=0.4)

    assert found == tuple(np.quantile(means, [0.3, 0.7]))


def test_the_same_seed_gives_the_same_and_values_that_agree_give_a_point() -> None:
    values = np.column_stack([np.linspace(0, 1, 30), np.full(30, 0.5)])

    first, second = (
        bootstrap_intervals(values, np.arange(30) // 2, np.random.default_rng(5)) for _ in range(2)
    )

    assert first == second
    assert first[1] == pytest.approx((0.5, 0.5))
    assert 0 <= first[0].low < 0.5 < first[0].high <= 1


def test_no_queries_have_no_interval() -> None:
    found = bootstrap_intervals(np.empty((0, 2)), np.empty(0, np.int64), np.random.default_rng(0))

    assert len(found) == 2
    assert all(math.isnan(value) for interval in found for value in interval)
