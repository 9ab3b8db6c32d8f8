from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from matcher.calibration import load_calibration
from training.calibration_fit import (
    LabelledCrops,
    PairSimilarities,
    crops_of,
    fit_calibration,
    tracklet_pairs,
    write_calibration,
)
from training.errors import DataError
from training.features import FeatureSet
from training.ranking import Labelling


def test_logistic_and_tail_are_those_that_the_similarities_were_drawn_from() -> None:
    """Normal similarities of equal deviation s, means a and b: a logistic about (a + b) / 2 of
    slope (b - a) / s^2."""
    rng = np.random.default_rng(0)
    pairs = PairSimilarities(rng.normal(0.6, 0.1, 40_000), rng.normal(0.3, 0.1, 400_000))

    found = fit_calibration(pairs)

    assert found.midpoint == pytest.approx(0.45, abs=0.005)
    assert found.slope == pytest.approx(30, rel=0.03)
    assert found.one_percent == pytest.approx(0.3 + 2.326 * 0.1, abs=0.003)
    assert found.one_percent + 2 * found.decade == pytest.approx(0.3 + 3.719 * 0.1, abs=0.02)


def test_tracklets_are_means_of_a_persons_crops_in_a_view() -> None:
    features = np.array([[1, 0], [0, 1], [0, 1], [1, 0], [3, 4]], np.float32)
    crops = LabelledCrops(
        features / np.linalg.norm(features, axis=1, keepdims=True),
        persons=np.array([1, 1, 1, 2, 2]),
        views=np.array([0, 0, 1, 0, 1]),
        sites=np.array([0, 0, 0, 0, 0]),
    )

    found = tracklet_pairs(crops)

    root = 0.5**0.5  # cosine of (1, 1) to an axis
    assert sorted(found.same) == pytest.approx([0.6, root])
    assert sorted(found.different) == pytest.approx([0, root, 0.8, 1.4 * root])


def test_people_of_two_sites_are_not_compared() -> None:
    crops = LabelledCrops(np.eye(2, dtype=np.float32), *np.array([[1, 2], [0, 0], [0, 1]]))

    found = tracklet_pairs(crops)

    assert (len(found.same), len(found.different)) == (0, 0)


def test_what_is_written_is_what_the_matcher_loads(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, 16))
    people = np.arange(40)
    features = FeatureSet(
        (centres + 0.5 * rng.normal(size=(40, 16))).astype(np.float32),
        (centres + 0.5 * rng.normal(size=(40, 16))).astype(np.float32),
        Labelling(people, people, np.zeros(40, int), np.ones(40, int)),
    )

    fitted = fit_calibration(tracklet_pairs(crops_of(features)))
    write_calibration(fitted, tmp_path / "calibration.json")

    assert load_calibration(tmp_path / "calibration.json") == fitted
    assert 0.2 < fitted.midpoint < 0.8


@pytest.mark.parametrize(
    ("same", "different", "said"),
    [
        ([], [0.1, 0.2], "0 pairs of the same person"),
        ([0.1], [], "0 of different people"),
        ([0.1, 0.2, 0.3], [0.6, 0.7, 0.8], "do not tell people apart"),
        ([0.5, 0.6], [0.4, 0.4, 0.4], "do not tell people apart"),
    ],
    ids=["no same", "no different", "the wrong way round", "no tail"],
)
def test_pairs_that_say_nothing_are_refused(
    same: list[float], different: list[float], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        fit_calibration(PairSimilarities(np.array(same), np.array(different)))


def test_no_crops_have_no_pairs() -> None:
    none = np.empty(0, np.int64)

    found = tracklet_pairs(LabelledCrops(np.empty((0, 3), np.float32), none, none, none))

    assert len(found.same) == len(found.different) == 0
