from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.errors import DataError
from training.ranking import Labelling, rank_gallery, ranked_gallery, ranking_of_hits

Floats = npt.NDArray[np.float32]


def case(seed: int) -> tuple[Floats, Labelling]:
    """12 queries, 40 gallery items, 3 cameras; many distances are equal."""
    rng = np.random.default_rng(seed)
    labels = Labelling(
        rng.integers(0, 7, 12),
        rng.integers(0, 6, 40),
        rng.integers(0, 3, 12),
        rng.integers(0, 3, 40),
    )
    return rng.integers(0, 12, (12, 40)).astype(np.float32), labels


def left_for(distances: Floats, labels: Labelling, query: int) -> list[int]:
    """The gallery rows that are left for a query, nearest first, by a plain loop."""
    left = []
    for item in range(distances.shape[1]):
        is_same_person = labels.query_ids[query] == labels.gallery_ids[item]
        is_same_camera = labels.query_cameras[query] == labels.gallery_cameras[item]
        if not (is_same_person and is_same_camera):
            left.append((float(distances[query, item]), item))
    return [item for _, item in sorted(left)]


@pytest.mark.parametrize("seed", range(8))
def test_ranks_are_those_of_a_plain_loop(seed: int) -> None:
    distances, labels = case(seed)
    expected = [
        [
            rank
            for rank, item in enumerate(left_for(distances, labels, query), 1)
            if labels.gallery_ids[item] == labels.query_ids[query]
        ]
        for query in range(12)
    ]

    found = rank_gallery(distances, labels)

    plain = ranking_of_hits(expected)
    assert found.queries.tolist() == plain.queries.tolist()
    assert found.starts.tolist() == plain.starts.tolist()
    assert found.ranks.tolist() == plain.ranks.tolist()


def test_first_gallery_rows_are_those_of_a_plain_loop() -> None:
    distances, labels = case(3)

    for query in range(12):
        found = ranked_gallery(distances, labels, query, 7)
        assert found.tolist() == left_for(distances, labels, query)[:7]


def test_own_person_in_the_own_camera_has_no_rank() -> None:
    labels = Labelling(*map(np.array, ([1], [1, 2, 1], [5], [5, 5, 6])))

    found = rank_gallery(np.array([[0.0, 0.2, 0.1]]), labels)

    assert found.ranks.tolist() == [1]


def test_query_with_nothing_to_find_is_skipped() -> None:
    labels = Labelling(*map(np.array, ([1, 9, 2], [1, 2], [0, 0, 0], [0, 1])))

    found = rank_gallery(np.zeros((3, 2)), labels)

    assert found.queries.tolist() == [2]
    assert len(found) == 1


def test_equal_distances_stand_in_the_order_of_the_gallery() -> None:
    labels = Labelling(*map(np.array, ([1], [2, 1, 2, 1], [0], [1, 1, 1, 1])))

    assert rank_gallery(np.zeros((1, 4)), labels).ranks.tolist() == [2, 4]


@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_order_of_the_gallery_does_not_matter_without_equal_distances(
    seed: int, random: np.random.Generator
) -> None:
    _, labels = case(seed)
    distances = np.random.default_rng(seed).permutation(480).reshape(12, 40).astype(np.float32)
    order = list(range(40))
    random.shuffle(order)
    shuffled = Labelling(
        labels.query_ids,
        labels.gallery_ids[order],
        labels.query_cameras,
        labels.gallery_cameras[order],
    )

    found = rank_gallery(distances[:, order], shuffled)

    assert found.ranks.tolist() == rank_gallery(distances, labels).ranks.tolist()


@pytest.mark.parametrize(("num_query", "num_gallery"), [(0, 0), (0, 3), (2, 0)])
def test_no_queries_or_no_gallery_give_an_empty_ranking(num_query: int, num_gallery: int) -> None:
    zeros = np.zeros(num_query, int), np.zeros(num_gallery, int)

    found = rank_gallery(np.zeros((num_query, num_gallery)), Labelling(*zeros, *zeros))

    assert len(found) == 0
    assert found.num_hits.tolist() == found.first_ranks.tolist() == found.last_ranks.tolist() == []


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (([1], [1, 2], [0], [0]), "gallery_ids has 2 labels, but gallery_cameras 1"),
        (([[1]], [1], [0], [0]), r"query_ids: expected one label an image, \(N,\), got \(1, 1\)"),
        (([1.5], [1], [0], [0]), "query_ids: expected integer labels, got float64"),
    ],
    ids=["lengths", "shape", "type"],
)
def test_labels_that_do_not_fit_are_refused(columns: tuple[list[int], ...], said: str) -> None:
    with pytest.raises(DataError, match=said):
        Labelling(*map(np.array, columns))


def test_distances_of_another_shape_are_refused() -> None:
    labels = Labelling(*map(np.array, ([1], [1, 2], [0], [0, 1])))

    with pytest.raises(DataError, match=r"expected \(1, 2\) for these labels, got \(2, 1\)"):
        rank_gallery(np.zeros((2, 1)), labels)
