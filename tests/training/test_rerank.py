from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from training.average_precision import average_precision_step
from training.cmc import cmc
from training.distances import Metric, distance_matrix
from training.features import load_features
from training.ranking import rank_gallery
from training.rerank import RerankOptions, rerank

GOLDEN = Path(__file__).parents[1] / "golden" / "ranking"
Floats = npt.NDArray[np.float64]


def plain(query: Floats, gallery: Floats, metric: Metric, options: RerankOptions) -> Floats:
    """The paper's steps with sets and loops, image by image."""
    every = np.concatenate([query, gallery]).astype(np.float32)
    squares = distance_matrix(every, every, metric).astype(np.float64) ** 2
    np.fill_diagonal(squares, 0)
    distances = squares / squares.max(axis=1, keepdims=True)
    order = np.argsort(distances, axis=1, kind="stable")
    num, k1 = len(every), options.k1

    def mutual(image: int, k: int) -> set[int]:
        return {int(j) for j in order[image, : k + 1] if image in order[j, : k + 1]}

    encoding = np.zeros((num, num))
    for image in range(num):
        core = mutual(image, k1)
        members = set(core)
        for other in core:
            close = mutual(other, round(k1 / 2))
            if len(close & core) > 2 / 3 * len(close):
                members |= close
        for member in members:
            encoding[image, member] = np.exp(-distances[image, member])
        encoding[image] /= encoding[image].sum()
    expanded = np.array([encoding[order[i, : options.k2]].mean(axis=0) for i in range(num)])
    result = np.empty((len(query), len(gallery)))
    for row in range(len(query)):
        for column in range(len(gallery)):
            one, other = expanded[row], expanded[len(query) + column]
            jaccard = 1 - np.minimum(one, other).sum() / np.maximum(one, other).sum()
            original = distances[row, len(query) + column]
            result[row, column] = (1 - options.lambda_value) * jaccard
            result[row, column] += options.lambda_value * original
    return result


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize(
    "options",
    [RerankOptions(), RerankOptions(7, 3, 0.5), RerankOptions(5, 1, 0), RerankOptions(200, 80)],
    ids=["paper", "small", "no expansion", "more than there are"],
)
def test_distances_are_those_of_plain_loops(metric: Metric, options: RerankOptions) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(8, 12))
    query = centres[np.arange(16) % 8] + 0.4 * rng.normal(size=(16, 12))
    gallery = centres[np.arange(48) % 8] + 0.4 * rng.normal(size=(48, 12))

    found = rerank(query.astype(np.float32), gallery.astype(np.float32), metric, options)

    np.testing.assert_allclose(found, plain(query, gallery, metric, options), atol=2e-5)


def test_golden_figures() -> None:
    """The golden gallery holds every query again, so that neighbours are equally near.

    Which of them comes first is up to numpy's unstable argsort, that differs between processors:
    the golden file was made with AVX-512, which gives the very same figures.
    """
    expected = json.loads((GOLDEN / "ranking.json").read_text())["reranked"]
    features = load_features(GOLDEN / "ranking.npz")
    tolerance = 1e-6 if _has_avx512() else 2e-3

    ranking = rank_gallery(rerank(features.query, features.gallery), features.labels)

    assert average_precision_step(ranking).mean() == pytest.approx(
        expected["map_step"], abs=tolerance
    )
    for rank, share in cmc(ranking, (1, 5, 10)).items():
        assert share == pytest.approx(expected["cmc"][str(rank)], abs=10 * tolerance)


def test_many_images_are_computed_in_blocks_all_the_same() -> None:
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(60, 16))
    query, gallery = (centres[np.arange(n) % 60] + rng.normal(size=(n, 16)) for n in (20, 300))

    found = rerank(query.astype(np.float32), gallery.astype(np.float32))

    expected = plain(query, gallery, "cosine", RerankOptions())
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_images_that_are_all_the_same_are_fine() -> None:
    ones = np.ones((5, 3), np.float32)

    found = rerank(ones[:2], ones)

    assert np.isfinite(found).all()
    assert found.shape == (2, 5)


@pytest.mark.parametrize(("num_query", "num_gallery"), [(0, 3), (3, 0), (0, 0), (1, 1)])
def test_few_images_are_fine(num_query: int, num_gallery: int) -> None:
    rng = np.random.default_rng(0)
    query, gallery = (rng.normal(size=(n, 4)).astype(np.float32) for n in (num_query, num_gallery))

    assert rerank(query, gallery).shape == (num_query, num_gallery)


@pytest.mark.parametrize("values", [(0, 6, 0.3), (20, 0, 0.3), (20, 6, 1.1)])
def test_parameters_out_of_range_are_refused(values: tuple[int, int, float]) -> None:
    with pytest.raises(ValueError, match="k1 and k2 are 1 or more"):
        RerankOptions(*values)


def _has_avx512() -> bool:
    cpu = Path("/proc/cpuinfo")
    return cpu.exists() and "avx512dq" in cpu.read_text()
