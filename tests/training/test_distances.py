from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from training.distances import Metric, distance_matrix, unit_rows


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_distances_are_those_of_scipy(metric: Metric) -> None:
    rng = np.random.default_rng(0)
    query, gallery = (rng.normal(3, 1, (n, 17)).astype(np.float32) for n in (5, 8))

    found = distance_matrix(query, gallery, metric)

    assert found.dtype == np.float32
    np.testing.assert_allclose(found, cdist(query, gallery, metric), atol=2e-6)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_equal_gallery_features_are_equally_far_and_never_below_zero(metric: Metric) -> None:
    rng = np.random.default_rng(0)
    gallery = rng.normal(size=(301, 100)).astype(np.float32)

    found = distance_matrix(gallery, np.concatenate([gallery, gallery]), metric)

    assert (found[:, :301] == found[:, 301:]).all()
    assert found.min() >= 0
    assert np.diag(found).max() < 2e-3


@pytest.mark.parametrize(("num_query", "num_gallery"), [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_no_queries_or_no_gallery_is_fine(metric: Metric, num_query: int, num_gallery: int) -> None:
    found = distance_matrix(
        np.ones((num_query, 2), np.float32), np.ones((num_gallery, 2), np.float32), metric
    )

    assert found.shape == (num_query, num_gallery)


def test_unit_rows_of_large_features_do_not_overflow() -> None:
    rows = unit_rows(np.array([[3e30, 4e30]], np.float32))

    assert rows.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)]]
