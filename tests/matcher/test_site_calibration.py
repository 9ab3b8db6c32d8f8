"""Tests of reading a site's similarities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.calibration import Calibration, PairTail
from matcher.different_people import LOWEST, NUM_STEPS, STEP, DifferentPeople
from matcher.site_calibration import ENOUGH_PAIRS, SiteCalibration, measured
from matcher.topology import Topology

CAMERAS = ["door", "hall", "yard"]
BASE = Calibration(0.4, 30.0, 0.433, 0.1, typical=0.2, ten_percent=0.328)
"""Different people: normal, mean 0.2, deviation 0.1."""


def drawn(mean: float, deviation: float, num: int) -> npt.NDArray[np.int64]:
    """Counts of similarities of that distribution, by step."""
    alike = np.random.default_rng(num).normal(mean, deviation, num)
    steps = np.clip(np.floor((alike - LOWEST) / STEP), 0, NUM_STEPS - 1).astype(int)
    return np.bincount(steps, minlength=NUM_STEPS)


def site(
    pairs: dict[tuple[str, str], npt.NDArray[np.int64]], base: Calibration = BASE
) -> SiteCalibration:
    """A calibration of a site where these similarities of different people were met."""
    people = DifferentPeople(CAMERAS, Topology(CAMERAS))
    for pair, counts in pairs.items():
        row = people.pairs.index(pair)
        people._counts.add(0.0, (np.full(NUM_STEPS, row), np.arange(NUM_STEPS)), counts)
    return SiteCalibration(base, people)


def test_without_data_similarities_are_read_as_they_are() -> None:
    for calibration in (SiteCalibration(BASE), site({})):
        levels = calibration.levels(np.array([0.1, 0.9]), ["door", "hall"], "hall")

        assert levels == pytest.approx([0.1, 0.9])
        assert calibration.least_similarity(0.5) == pytest.approx(0.5)
        assert not calibration.reading("door", "hall").has_enough
        assert calibration.levels(np.array([]), [], "hall").shape == (0,)


def test_where_all_are_more_alike_a_similarity_is_worth_less() -> None:
    calibration = site({("door", "hall"): drawn(0.3, 0.1, 100_000)})

    reading = calibration.reading("hall", "door")
    assert reading.shift == pytest.approx(0.1, abs=0.005)
    assert reading.stretch == pytest.approx(1.0, abs=0.02)
    assert reading.has_enough
    assert calibration.levels(np.array([0.6]), ["door"], "hall") == pytest.approx([0.5], abs=0.01)


def test_the_wanted_rate_of_false_matches_holds_where_similarities_are_other() -> None:
    """Independent derivation: how many of freshly drawn different people reach the threshold."""
    calibration = site({("door", "hall"): drawn(0.28, 0.11, 200_000)})
    alike = np.random.default_rng(7).normal(0.28, 0.11, 200_000)

    levels = calibration.levels(alike, ["door"] * len(alike), "hall")

    least = BASE.threshold(0.01)
    assert np.mean(BASE.probability(alike) >= least) > 0.05
    assert np.mean(BASE.probability(levels) >= least) == pytest.approx(0.01, rel=0.3)


def test_a_pair_with_few_data_leans_on_the_site_and_the_site_on_the_calibration() -> None:
    """A pair of its own kind, a pair that is too small, and a site of as many as are enough."""
    half = site({("door", "hall"): drawn(0.3, 0.1, ENOUGH_PAIRS)})
    mixed = site({("door", "hall"): drawn(0.3, 0.1, 50_000), ("door", "yard"): drawn(0.2, 0.1, 40)})

    assert half.group(is_one_camera=False).shift == pytest.approx(0.05, abs=0.015)
    assert half.group(is_one_camera=True).shift == 0
    assert mixed.reading("door", "yard").shift == pytest.approx(0.1, abs=0.01)
    assert mixed.reading("hall", "yard").shift == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(("mean", "shift"), [(0.7, 0.128), (-0.1, -0.064)])
def test_it_stays_within_bounds(mean: float, shift: float) -> None:
    assert measured(BASE, drawn(mean, 0.1, 1000)).shift == pytest.approx(shift, abs=0.001)


def test_companions_do_not_set_the_threshold() -> None:
    """One in twenty of those who are seen together came together, and looks like it."""
    strangers, companions = drawn(0.2, 0.1, 19_000), drawn(0.6, 0.1, 1000)

    reading = site({("hall", "hall"): strangers + companions}).reading("hall", "hall")

    assert 0 < reading.shift < 0.06  # what one in a hundred reaches moved by 0.25


def test_two_views_that_overlap_unsaid_are_found_and_teach_nothing() -> None:
    calibration = site(
        {
            ("door", "hall"): drawn(0.2, 0.1, 900) + drawn(0.8, 0.05, 300),
            ("door", "yard"): drawn(0.2, 0.1, 10_000),
        }
    )

    assert calibration.reading("door", "hall").is_one_person
    assert not calibration.reading("door", "yard").is_one_person
    assert calibration.reading("door", "hall").shift == pytest.approx(0.0, abs=0.01)


def test_learning_begins_at_what_the_file_says_of_a_pair() -> None:
    told = Calibration(0.4, 30.0, 0.433, 0.1, pairs=(PairTail(("door", "hall"), 0.533, 0.1),))

    assert SiteCalibration(told).reading("hall", "door").shift == pytest.approx(0.1)
    assert SiteCalibration(told).reading("hall", "yard").shift == 0


def test_what_was_learned_can_be_kept_in_a_file_and_means_the_same() -> None:
    calibration = site(
        {
            ("door", "hall"): drawn(0.25, 0.11, 50_000),
            ("door", "yard"): drawn(0.3, 0.12, 50_000),
        }
    )
    kept = SiteCalibration(calibration.of_all())
    alike = np.array([0.2, 0.45, 0.7])

    for camera in ("hall", "yard"):
        before = BASE.probability(calibration.levels(alike, ["door"] * 3, camera))
        after = kept.base.probability(kept.levels(alike, ["door"] * 3, camera))
        assert after == pytest.approx(before, rel=1e-6)


def test_a_calibration_that_knows_no_body_stays_as_it_is() -> None:
    plain = Calibration(0.4, 30.0, 0.433, 0.1)

    reading = measured(plain, drawn(0.3, 0.2, 1000))

    assert (reading.num_pairs, reading.shift, reading.stretch) == (1000, 0.0, 1.0)


@settings(deadline=None)
@given(st.floats(0.0, 0.5), st.floats(0.05, 0.2), st.integers(0, 3000))
def test_more_alike_stays_more_likely_and_the_least_similarity_is_the_least(
    mean: float, deviation: float, num: int
) -> None:
    calibration = site({("door", "hall"): drawn(mean, deviation, num)})
    alike = np.linspace(-1, 1, 21)

    for camera in CAMERAS:
        levels = calibration.levels(alike, ["door"] * 21, camera)
        assert (np.diff(levels) > 0).all()
        is_enough = levels >= 0.5
        assert (alike[is_enough] >= calibration.least_similarity(0.5) - 1e-9).all()
