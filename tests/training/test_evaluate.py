from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from training.errors import DataError
from training.evaluate import EvaluationOptions, evaluate_features, score
from training.features import FeatureSet, load_features
from training.ranking import Labelling
from training.rerank import RerankOptions

GOLDEN = Path(__file__).parents[1] / "golden" / "ranking"


def people(num: int, spread: float, seed: int = 0) -> FeatureSet:
    """One query and three gallery images of each of `num` people, of two cameras."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(num, 32))
    query_ids, gallery_ids = np.arange(num), np.arange(3 * num) % num
    return FeatureSet(
        (centres + spread * rng.normal(size=centres.shape)).astype(np.float32),
        (centres[gallery_ids] + spread * rng.normal(size=(3 * num, 32))).astype(np.float32),
        Labelling(query_ids, gallery_ids, np.zeros(num, int), np.ones(3 * num, int)),
    )


def test_golden_figures() -> None:
    expected = json.loads((GOLDEN / "ranking.json").read_text())
    options = EvaluationOptions(rerank=RerankOptions(), single_shot_repeats=200)

    found = evaluate_features(load_features(GOLDEN / "ranking.npz"), options).to_json()

    assert found["num_valid_queries"] == expected["num_valid_queries"]
    assert found["distance"] == expected["distance"]
    for name in ("map_step", "map_trapezoid", "minp", "cmc"):
        assert found[name] == pytest.approx(expected[name], abs=1e-6)
    shots = "single_gallery_shot_cmc_mean_of_200"
    for rank, share in expected[shots].items():
        assert found[shots][rank] == pytest.approx(share, abs=0.006)
    assert expected["reranked"].keys() <= found["reranked"].keys()


def test_perfect_features_score_one_everywhere() -> None:
    found = evaluate_features(people(20, 0), EvaluationOptions(rerank=RerankOptions()))

    figures = found.figures
    assert figures.map_step == figures.map_trapezoid == figures.minp == figures.rank1 == 1
    assert found.intervals.map_step == (1, 1)
    assert found.reranked is not None
    assert found.reranked.figures.map_step == 1
    assert {point.true_rate for point in found.open_set.verification} == {1}


def test_random_features_find_by_chance() -> None:
    features = people(200, 1e3)

    found = evaluate_features(features).figures

    assert found.rank1 < 0.05
    assert found.map_step < 0.06


def test_intervals_hold_their_figures() -> None:
    found = evaluate_features(people(60, 2.0)).to_json()

    for name in ("map_step", "map_trapezoid", "minp"):
        low, high = found["intervals"][name]
        assert 0 <= low < found[name] < high <= 1
    for rank, (low, high) in found["intervals"]["cmc"].items():
        assert low <= found["cmc"][rank] <= high


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_length_of_features_does_not_matter_to_the_cosine(factor: float) -> None:
    features = people(30, 1.0)
    scaled = FeatureSet(
        features.query * np.float32(factor), features.gallery, labels=features.labels
    )

    assert evaluate_features(scaled).figures == evaluate_features(features).figures


def test_euclidean_distance_is_that_of_the_features_as_they_are() -> None:
    labels = Labelling(*map(np.array, ([1], [1, 2], [0], [1, 1])))
    features = FeatureSet(
        np.array([[1.0, 0.0]], np.float32), np.array([[9.0, 0.1], [1.0, 0.2]], np.float32), labels
    )

    cosine = evaluate_features(features).figures
    euclidean = evaluate_features(features, EvaluationOptions(distance="euclidean")).figures

    assert (cosine.map_step, euclidean.map_step) == (1, 0.5)


def test_the_same_seed_gives_the_same_figures() -> None:
    features = people(30, 1.5)
    options = EvaluationOptions(single_shot_repeats=5, seed=3)

    assert evaluate_features(features, options) == evaluate_features(features, options)


def test_json_is_strict_even_where_nothing_can_be_said() -> None:
    labels = Labelling(*map(np.array, ([1], [1], [0], [1])))
    ones = np.ones((1, 2), np.float32)

    found = evaluate_features(FeatureSet(ones, ones, labels)).to_json()

    text = json.dumps(found, allow_nan=False)
    assert json.loads(text)["open_set"]["verification"][0]["below_distance"] is None
    assert found["reranked"] is None


def test_score_keeps_what_it_was_made_of() -> None:
    found = score(people(10, 1.0), EvaluationOptions(rerank=RerankOptions()))

    assert found.distances.shape == (10, 30)
    assert len(found.ranking) == 10
    assert found.reranked is not None
    assert (len(found.pairs.same), len(found.pairs.different)) == (30, 270)


@pytest.mark.parametrize(
    ("num_query", "num_gallery", "said"),
    [(0, 3, "the query is empty"), (2, 0, "the gallery is empty"), (2, 3, "none of the 2 queries")],
)
def test_nothing_to_find_is_an_error(num_query: int, num_gallery: int, said: str) -> None:
    labels = Labelling(
        np.full(num_query, 7),
        np.arange(num_gallery),
        np.zeros(num_query, int),
        np.ones(num_gallery, int),
    )
    features = FeatureSet(
        np.ones((num_query, 2), np.float32), np.ones((num_gallery, 2), np.float32), labels
    )

    with pytest.raises(DataError, match=said):
        evaluate_features(features)
