"""Tests of deciding several links together."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from matcher.assignment import assign, cohorts, gains
from matcher.topology import CameraPair, Topology


@dataclass(frozen=True)
class Seen:
    """A presence without a tracklet."""

    tracklet_id: str
    camera_id: str
    started_at: float
    ended_at: float
    is_final: bool = True


def test_a_link_below_the_least_probability_is_worth_nothing() -> None:
    worth = gains(np.array([0.5, 0.9, 0.99, 0.0]), 0.9)

    assert worth[0] == 0
    assert worth[1] == pytest.approx(0, abs=1e-6)
    assert worth[1] > 0  # at the threshold it counts
    assert worth[2] == pytest.approx(math.log(99) - math.log(9), abs=1e-6)
    assert worth[3] == 0


@pytest.mark.parametrize("least", [0.0, 0.5, 1.0])
def test_worth_is_finite_at_the_ends(least: float) -> None:
    worth = gains(np.array([0.0, 1.0]), least)

    assert np.isfinite(worth).all()
    assert worth[0] == 0
    assert worth[1] > 0


def test_together_is_better_than_one_after_the_other() -> None:
    """The first row's best column is the second row's only one."""
    assert assign(gains(np.array([[0.95, 0.94], [0.94, 0.0]]), 0.9)) == [(0, 1), (1, 0)]


def test_a_sure_link_is_not_given_up_for_two_doubtful_ones() -> None:
    assert assign(gains(np.array([[0.99999, 0.91], [0.91, 0.0]]), 0.9)) == [(0, 0)]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nothing_gives_no_link(shape: tuple[int, int]) -> None:
    assert assign(np.zeros(shape)) == []


@settings(deadline=None)
@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 4), st.integers(1, 4)),
        elements=st.integers(0, 20).map(float),
    )
)
def test_links_are_one_to_one_and_as_good_as_any(worth: npt.NDArray[np.float64]) -> None:
    """Against trying everything."""
    links = assign(worth)

    rows, columns = worth.shape
    wide = np.hstack([worth, np.zeros((rows, rows))])
    best = max(
        sum(wide[row, column] for row, column in enumerate(chosen))
        for chosen in itertools.permutations(range(columns + rows), rows)
    )
    assert sum(worth[row, column] for row, column in links) == pytest.approx(best)
    assert len({row for row, _ in links}) == len({column for _, column in links}) == len(links)
    assert all(worth[row, column] > 0 for row, column in links)


PEOPLE = [
    Seen("a-1-1", "a", 0.0, 5.0),
    Seen("a-1-2", "a", 1.0, 6.0),
    Seen("b-1-1", "b", 0.0, 5.0),
    Seen("b-1-2", "b", 1.0, 6.0),
]


def test_where_views_overlap_each_camera_is_a_cohort() -> None:
    groups = cohorts(PEOPLE, Topology(["a", "b"], default=CameraPair(overlap=True)))

    assert [[p.tracklet_id for p in group] for group in groups] == [
        ["a-1-1", "a-1-2"],
        ["b-1-1", "b-1-2"],
    ]


def test_where_no_views_overlap_all_at_one_time_are_a_cohort() -> None:
    assert cohorts(PEOPLE, Topology(["a", "b"])) == [PEOPLE]


def test_a_broken_track_is_not_in_the_cohort_of_its_other_part() -> None:
    parts = [Seen("a-1-1", "a", 0.0, 5.0), Seen("a-1-2", "a", 5.2, 6.0)]

    assert len(cohorts(parts, Topology(["a"]))) == 2


def test_nobody_is_in_no_cohort() -> None:
    assert cohorts([], Topology(["a"])) == []
