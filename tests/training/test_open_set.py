from __future__ import annotations

import math

import numpy as np
import pytest

from training.open_set import (
    PairDistances,
    identification_rates,
    nearest_distances,
    open_set,
    pair_distances,
    verification_rates,
)
from training.ranking import Labelling, rank_gallery


def test_rates_of_a_case_by_hand() -> None:
    """Queries a, b, c of people 1, 2, 3; without their person the nearest is at .5, .4, .1."""
    labels = Labelling(*map(np.array, ([1, 2, 3], [1, 2, 3, 4], [0] * 3, [1] * 4)))
    distances = np.array([[0.2, 0.6, 0.5, 0.7], [0.4, 0.3, 0.9, 0.9], [0.1, 0.8, 0.9, 0.3]])
    ranking = rank_gallery(distances, labels)

    found = identification_rates(distances, labels, ranking, [0.0, 0.34, 0.67, 1.0])

    assert [point.true_rate for point in found] == pytest.approx([0, 2 / 3, 2 / 3, 2 / 3])
    assert [point.below_distance for point in found] == pytest.approx([0.1, 0.4, 0.5, math.inf])


def test_thresholds_keep_their_false_rate_even_among_equal_distances() -> None:
    rng = np.random.default_rng(0)
    pairs = PairDistances(
        rng.integers(0, 9, 300).astype(np.float32), rng.integers(0, 9, 5000).astype(np.float32)
    )

    for point in verification_rates(pairs, [1e-4, 1e-3, 0.01, 0.1, 0.5]):
        assert (pairs.different < point.below_distance).mean() <= point.false_rate
        assert point.true_rate == (pairs.same < point.below_distance).mean()


def test_true_rate_grows_with_the_false_rate() -> None:
    rng = np.random.default_rng(0)
    pairs = PairDistances(
        rng.random(100).astype(np.float32), rng.random(1000).astype(np.float32) + 0.2
    )

    rates = [point.true_rate for point in verification_rates(pairs, [0.01, 0.1, 0.5, 1])]

    assert rates == sorted(rates)
    assert rates[-1] == 1


def test_nearest_and_pairs_are_those_of_a_plain_loop() -> None:
    rng = np.random.default_rng(4)
    columns = (rng.integers(0, high, num) for high, num in ((5, 90), (5, 30), (3, 90), (3, 30)))
    labels = Labelling(*columns)
    distances = rng.random((90, 30)).astype(np.float32)
    mated, non_mated = np.full((2, 90), np.inf)
    same: list[float] = []
    different: list[float] = []
    for query in range(90):
        for item in range(30):
            distance = float(distances[query, item])
            is_same = labels.query_ids[query] == labels.gallery_ids[item]
            is_other_camera = labels.query_cameras[query] != labels.gallery_cameras[item]
            if is_other_camera:
                (same if is_same else different).append(distance)
            if is_same and is_other_camera:
                mated[query] = min(mated[query], distance)
            if not is_same:
                non_mated[query] = min(non_mated[query], distance)

    found, pairs = nearest_distances(distances, labels), pair_distances(distances, labels)

    assert (found[0] == mated).all()
    assert (found[1] == non_mated).all()
    assert pairs.same.tolist() == same
    assert pairs.different.tolist() == different


def test_gallery_of_one_person_has_no_false_alarms() -> None:
    labels = Labelling(*map(np.array, ([1], [1], [0], [1])))
    distances = np.array([[0.3]])

    found = open_set(
        distances, labels, rank_gallery(distances, labels), pair_distances(distances, labels)
    )

    assert [point.true_rate for point in found.identification] == [1, 1]
    assert (found.num_same, found.num_different) == (1, 0)


def test_no_queries_have_no_rates() -> None:
    labels = Labelling(*(np.zeros(n, int) for n in (0, 2, 0, 2)))
    distances = np.zeros((0, 2))

    found = open_set(
        distances, labels, rank_gallery(distances, labels), pair_distances(distances, labels)
    )

    assert all(math.isnan(point.true_rate) for point in found.verification)
