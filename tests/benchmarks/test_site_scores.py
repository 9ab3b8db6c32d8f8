from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest
from trackeval.metrics import HOTA, Identity

from benchmarks.site_scores import interval, intervals, link_errors, score_site


def columns(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_a_perfect_grouping_scores_one() -> None:
    score = score_site(columns(7, 8, 7), columns(1, 0, 1), np.array([2.0, 1.0, 3.0]))

    assert (score.idf1, score.idf1_count, score.ass_a) == (1, 1, 1)
    assert (score.pair_precision, score.pair_recall) == (1, 1)
    assert (score.identities_per_person, score.switches) == (1, 0)


def test_two_people_in_one_identity() -> None:
    score = score_site(columns(1, 2, 1, 2), columns(5, 5, 5, 5), np.ones(4))

    assert score.idf1 == 0.5
    assert score.pair_precision == pytest.approx(2 / 6)
    assert score.pair_recall == 1
    assert score.ass_a == 0.5
    assert (score.identities_per_person, score.switches) == (0.5, 0)


def test_one_person_in_two_identities_by_length() -> None:
    """3 of 4 seconds are in the better identity; of the pairs (3 tracklets) one is kept."""
    score = score_site(columns(1, 1, 1), columns(0, 0, 1), np.array([1.0, 2.0, 1.0]))

    assert score.idf1 == 0.75
    assert score.idf1_count == pytest.approx(2 / 3)
    assert score.pair_precision == 1
    assert score.pair_recall == pytest.approx(1 / 3)
    assert score.ass_a == pytest.approx((3 * 0.75 + 1 * 0.25) / 4)
    assert (score.identities_per_person, score.switches) == (2, 0.5)


def test_the_figures_are_those_of_trackeval() -> None:
    """Independent derivation: every tracklet as a frame with one box that fits exactly."""
    rng = np.random.default_rng(0)
    persons, identities = rng.integers(0, 6, 60), rng.integers(0, 9, 60)
    data = {
        "num_timesteps": 60,
        "num_gt_ids": 6,
        "num_tracker_ids": 9,
        "num_gt_dets": 60,
        "num_tracker_dets": 60,
        "gt_ids": [persons[i : i + 1] for i in range(60)],
        "tracker_ids": [identities[i : i + 1] for i in range(60)],
        "similarity_scores": [np.ones((1, 1))] * 60,
    }

    score = score_site(persons, identities, np.ones(60))

    expected = Identity({"THRESHOLD": 0.5, "PRINT_CONFIG": False}).eval_sequence(data)
    assert score.idf1 == pytest.approx(expected["IDF1"])
    assert score.ass_a == pytest.approx(np.mean(HOTA().eval_sequence(data)["AssA"]))


def test_names_of_identities_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    persons, identities = rng.integers(0, 5, 40), rng.integers(0, 5, 40)

    same = score_site(persons, 17 - identities, np.ones(40))

    assert asdict(same) == pytest.approx(asdict(score_site(persons, identities, np.ones(40))))


def test_false_and_missed_links_are_counted_in_order() -> None:
    """1 founds A; 2 joins A (false, one comparison); 2 founds B (missed: A holds 2 already).

    Then 2 joins A again: wrong, as A holds as much of 1 and 1 was first, but no false match. Then 1
    joins B: false, one comparison, as A holds 1.
    """
    errors = link_errors([1, 2, 2, 2, 1], [10, 10, 11, 10, 11])

    assert errors.false_matches == pytest.approx(2 / 5)
    assert errors.per_decision == pytest.approx(3 / 5)
    assert errors.per_link == 1
    assert errors.per_comparison == 1
    assert errors.missed == pytest.approx(1 / 5)


def test_of_no_decisions_there_are_no_errors() -> None:
    errors = link_errors([], [])

    assert (errors.per_decision, errors.per_link, errors.per_comparison) == (0, 0, 0)


def test_the_interval_is_students() -> None:
    """0.4, 0.5, 0.6: deviation 0.1, 4.303 = t of two degrees of freedom."""
    found = interval([0.4, 0.5, 0.6])

    assert found.mean == pytest.approx(0.5)
    assert found.half_width == pytest.approx(4.3027 * 0.1 / math.sqrt(3), rel=1e-4)
    assert interval([0.4]).half_width is None
    assert intervals([]) == {}
