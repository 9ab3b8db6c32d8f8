from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from detector.association import assign, contested, only_in_reach

Array = npt.NDArray[np.float32]

affinities = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
    elements=st.floats(0, 1, width=32),
)


def table(*rows: list[float]) -> Array:
    """An affinity, a row for each track."""
    return np.array(rows, dtype=np.float32)


def persons(*corners: tuple[float, float], height: float = 40.0) -> Array:
    """Boxes of a fixed size with these upper left corners."""
    return np.array([[x, y, x + 16, y + height] for x, y in corners], np.float32).reshape(-1, 4)


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nobody_or_nothing_gives_no_pairs(shape: tuple[int, int]) -> None:
    affinity = np.zeros(shape, np.float32)
    assert assign(affinity) == []
    assert contested(affinity, [], 0.15) == []


def test_the_best_sum_wins_over_the_best_single_pair() -> None:
    assert assign(table([0.9, 0.8], [0.8, 0.1])) == [(0, 1), (1, 0)]


def test_impossible_pairs_are_not_made() -> None:
    assert assign(table([0.5, 0.45], [0.0, 0.0])) == [(0, 0)]


@given(affinity=affinities)
def test_an_assignment_is_one_to_one_and_has_the_best_sum_of_all(affinity: Array) -> None:
    pairs = assign(affinity)
    assert len({t for t, _ in pairs}) == len({n for _, n in pairs}) == len(pairs)
    assert all(affinity[pair] > 0 for pair in pairs)
    worth = affinity.astype(np.float64)
    wide = worth if worth.shape[0] <= worth.shape[1] else worth.T
    best = max(
        sum(wide[row, column] for row, column in enumerate(columns))
        for columns in itertools.permutations(range(wide.shape[1]), wide.shape[0])
    )
    assert sum(worth[pair] for pair in pairs) == pytest.approx(best, abs=1e-5)


def test_a_detection_between_two_tracks_is_contested() -> None:
    assert contested(table([0.6], [0.5]), [(0, 0)], 0.15) == [(0, 0)]


def test_a_detection_that_clearly_fits_one_track_is_not() -> None:
    assert contested(table([0.8], [0.5]), [(0, 0)], 0.15) == []


def test_two_detections_that_could_be_exchanged_are_both_contested() -> None:
    affinity = table([0.6, 0.55], [0.5, 0.55])
    assert contested(affinity, [(0, 0), (1, 1)], 0.15) == [(0, 0), (1, 1)]


def test_two_people_side_by_side_are_not_in_doubt() -> None:
    affinity = table([0.9, 0.5], [0.5, 0.9])
    assert contested(affinity, [(0, 0), (1, 1)], 0.15) == []


def test_a_track_that_has_its_own_detection_out_of_the_others_reach_contests_nothing() -> None:
    affinity = table([0.6, 0.0], [0.55, 0.5])
    assert contested(affinity, [(0, 0), (1, 1)], 0.15) == []


@given(affinity=affinities)
def test_without_a_margin_the_best_assignment_is_never_in_doubt(affinity: Array) -> None:
    assert contested(affinity, assign(affinity), 0) == []


def test_somebody_who_outran_the_box_is_found_beside_it() -> None:
    assert only_in_reach(persons((0, 0)), persons((18, 0)), np.array([0.5])) == [(0, 0)]


def test_reach_ends_at_its_distance() -> None:
    assert only_in_reach(persons((0, 0)), persons((22, 0)), np.array([0.5])) == []


@pytest.mark.parametrize(
    ("tracks", "found"),
    [
        ([(0, 0), (36, 0)], [(18, 0)]),
        ([(18, 0)], [(0, 0), (36, 0)]),
    ],
    ids=["two tracks", "two detections"],
)
def test_nobody_is_reached_where_two_come_into_question(
    tracks: list[tuple[float, float]], found: list[tuple[float, float]]
) -> None:
    reach = np.full(len(tracks), 0.5)
    assert only_in_reach(persons(*tracks), persons(*found), reach) == []


def test_a_box_of_another_height_is_not_reached() -> None:
    assert only_in_reach(persons((0, 0)), persons((10, 0), height=70), np.array([2.0])) == []


@pytest.mark.parametrize(("num_tracks", "num_found"), [(0, 0), (0, 2), (2, 0)])
def test_reach_takes_empty_sides(num_tracks: int, num_found: int) -> None:
    tracks, found = persons(*[(0, 0)] * num_tracks), persons(*[(0, 0)] * num_found)
    assert only_in_reach(tracks, found, np.zeros(num_tracks)) == []
