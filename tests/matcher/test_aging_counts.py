"""Tests of counts that age."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.aging_counts import DAY_S, NUM_DAYS, AgingCounts


def test_what_is_counted_adds_up() -> None:
    counts = AgingCounts((2, 3))

    counts.add(0.0, (0, 2))
    counts.add(10.0, (np.array([1, 1]), np.array([0, 0])), np.array([4, 5]))
    counts.add(10.0, (np.array([], int), np.array([], int)))

    assert counts.total.tolist() == [[0, 0, 1], [9, 0, 0]]


def test_a_day_is_forgotten_after_its_time() -> None:
    counts = AgingCounts((1,))
    counts.add(0.5 * DAY_S, (0,), 3)
    counts.add(1.5 * DAY_S, (0,), 4)

    counts.advance((NUM_DAYS - 0.1) * DAY_S)
    assert counts.total.tolist() == [7]
    counts.advance((NUM_DAYS + 0.1) * DAY_S)
    assert counts.total.tolist() == [4]


def test_what_is_too_old_when_it_comes_does_not_count() -> None:
    counts = AgingCounts((1,))
    counts.add(NUM_DAYS * DAY_S, (0,))
    counts.add(0.0, (0,))

    assert counts.total.tolist() == [1]


def test_memory_is_bounded() -> None:
    counts = AgingCounts((1,))
    for day in range(100):
        counts.add(day * DAY_S, (0,))

    assert counts.total.tolist() == [NUM_DAYS]
    assert len(counts._of_day) == NUM_DAYS


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 20 * DAY_S), st.integers(0, 3)), max_size=20),
    st.randoms(use_true_random=False),
)
def test_the_order_of_counting_does_not_matter(
    events: list[tuple[float, int]], rng: random.Random
) -> None:
    one, other = AgingCounts((4,)), AgingCounts((4,))
    for at, place in events:
        one.add(at, (place,))
    for at, place in rng.sample(events, len(events)):
        other.add(at, (place,))
    for counts in (one, other):
        counts.advance(20 * DAY_S)

    assert one.total.tolist() == other.total.tolist()
