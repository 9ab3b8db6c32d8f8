from __future__ import annotations

import math

import numpy as np
import pytest

from training.cmc import cmc, single_gallery_shot_cmc
from training.ranking import Labelling, ranking_of_hits


def test_cmc_is_the_share_of_queries_with_a_hit_up_to_k() -> None:
    ranking = ranking_of_hits([[1, 9], [4], [20], [21]])

    assert cmc(ranking) == {1: 0.25, 5: 0.5, 10: 0.5, 20: 0.75}


def test_no_queries_have_no_share() -> None:
    assert math.isnan(cmc(ranking_of_hits([]))[1])


def test_single_shots_are_those_of_a_plain_loop_in_the_mean() -> None:
    """Drawn anew for each query, person by person, as the protocol is written."""
    rng = np.random.default_rng(1)
    labels = Labelling(
        rng.integers(0, 8, 20),
        rng.integers(0, 8, 60),
        rng.integers(0, 2, 20),
        rng.integers(0, 2, 60),
    )
    distances = rng.random((20, 60))
    places = []
    for query in range(20):
        is_same = labels.gallery_ids == labels.query_ids[query]
        is_dropped = is_same & (labels.gallery_cameras == labels.query_cameras[query])
        if not (is_same & ~is_dropped).any():
            continue
        for _ in range(400):
            shots = {
                int(person): rng.choice(
                    np.flatnonzero((labels.gallery_ids == person) & ~is_dropped)
                )
                for person in np.unique(labels.gallery_ids[~is_dropped])
            }
            own = distances[query, shots[int(labels.query_ids[query])]]
            places.append(sum(distances[query, item] <= own for item in shots.values()))

    found = single_gallery_shot_cmc(
        distances, labels, np.random.default_rng(0), num_repeats=2000, ranks=(1, 2, 5)
    )

    for rank, share in found.items():
        assert share == pytest.approx(np.mean(np.array(places) <= rank), abs=0.02)


def test_single_shots_of_one_image_a_person_are_the_plain_cmc() -> None:
    labels = Labelling(*map(np.array, ([1, 2], [1, 2, 3], [0, 0], [1, 1, 1])))
    distances = np.array([[0.2, 0.1, 0.3], [0.3, 0.1, 0.2]])

    found = single_gallery_shot_cmc(
        distances, labels, np.random.default_rng(0), num_repeats=3, ranks=(1, 2)
    )

    assert found == {1: 0.5, 2: 1.0}


def test_the_same_seed_draws_the_same() -> None:
    rng = np.random.default_rng(2)
    labels = Labelling(np.arange(5), np.arange(20) % 5, np.zeros(5, int), np.ones(20, int))
    distances = rng.random((5, 20))

    first, second = (
        single_gallery_shot_cmc(distances, labels, np.random.default_rng(4), num_repeats=7)
        for _ in range(2)
    )

    assert first == second


def test_single_shots_without_queries_have_no_share() -> None:
    labels = Labelling(*(np.zeros(n, int) for n in (0, 3, 0, 3)))

    found = single_gallery_shot_cmc(np.zeros((0, 3)), labels, np.random.default_rng(0))

    assert math.isnan(found[1])
