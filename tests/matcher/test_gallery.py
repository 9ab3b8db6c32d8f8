"""Tests of the nearest stored features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matcher.gallery import Gallery
from matcher.similarity import HalfFeature, similarities

DIM = 8


def unit_rows(num: int, dim: int = DIM, seed: int = 0) -> npt.NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(num, dim)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def stored(rows: npt.NDArray[np.float32], first_key: int = 0) -> list[tuple[int, HalfFeature]]:
    return [(first_key + number, row.astype(np.float16)) for number, row in enumerate(rows)]


def test_nearest_come_first() -> None:
    gallery = Gallery(2)
    gallery.add([(7, np.array([1, 0], np.float16)), (9, np.array([0, 1], np.float16))])

    (found,) = gallery.search(np.array([[0.6, 0.8]], np.float32), 5)

    assert [key for key, _ in found] == [9, 7]
    assert [similarity for _, similarity in found] == pytest.approx([0.8, 0.6], abs=1e-3)


def test_an_empty_gallery_finds_nothing() -> None:
    assert Gallery(DIM).search(unit_rows(2), 5) == [[], []]


def test_nothing_asked_gives_nothing() -> None:
    gallery = Gallery(DIM)
    gallery.add(stored(unit_rows(3)))
    gallery.add([])

    assert gallery.search(unit_rows(0), 5) == []


def test_removed_features_are_not_found() -> None:
    rows = unit_rows(300)
    gallery = Gallery(DIM)
    gallery.add(stored(rows))

    gallery.remove(range(299))
    gallery.remove([5, 10_000])  # gone already, never there

    assert len(gallery) == 1
    assert [key for key, _ in gallery.search(rows[:1], 5)[0]] == [299]


def test_a_key_is_used_once() -> None:
    gallery = Gallery(DIM)
    gallery.add(stored(unit_rows(2)))
    gallery.remove([1])

    for key in (0, 1):
        with pytest.raises(ValueError, match="once"):
            gallery.add([(key, unit_rows(1)[0].astype(np.float16))])


def test_a_feature_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(8,\)"):
        Gallery(DIM).add([(0, np.ones(4, np.float16))])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 99)), max_size=60), st.integers(1, 20))
def test_finds_what_comparing_with_each_one_finds(
    changes: list[tuple[bool, int]], num: int
) -> None:
    """Through additions and removals, and whichever index is in use (here from 20 features on)."""
    rows = unit_rows(100, seed=3)
    gallery = Gallery(DIM, max_exact=20)
    present: dict[int, HalfFeature] = {}
    used: set[int] = set()
    for is_added, key in changes:
        if is_added and key not in used:
            used.add(key)
            present[key] = rows[key].astype(np.float16)
            gallery.add([(key, present[key])])
        elif not is_added:
            present.pop(key, None)
            gallery.remove([key])
    query = unit_rows(1, seed=4)[0]

    found = gallery.search(query[None], num)[0]

    exact = similarities(list(present.values()), [query])[0]
    expected = sorted(zip(-exact, present, strict=True))[:num]
    assert len(gallery) == len(present)
    assert [(-s, key) for key, s in found] == expected


def test_a_large_gallery_is_approximate_and_nearly_as_good() -> None:
    centres = unit_rows(500, 64, seed=1)
    noise = unit_rows(4000, 64, seed=2)
    rows = np.repeat(centres, 8, axis=0) + 0.5 * noise
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    exact, approximate = Gallery(64), Gallery(64, max_exact=1000)
    exact.add(stored(rows))
    approximate.add(stored(rows))
    queries = rows[::40] + 0.3 * unit_rows(100, 64, seed=5)

    assert exact.is_exact
    assert not approximate.is_exact
    hits = [
        len({key for key, _ in one} & {key for key, _ in other}) / 8
        for one, other in zip(exact.search(queries, 8), approximate.search(queries, 8), strict=True)
    ]
    assert np.mean(hits) > 0.95


def test_a_gallery_that_shrinks_becomes_exact_again() -> None:
    gallery = Gallery(DIM, max_exact=200)
    gallery.add(stored(unit_rows(300)))
    assert not gallery.is_exact

    gallery.remove(range(250))

    assert gallery.is_exact
    assert [key for key, _ in gallery.search(unit_rows(300)[299:], 1)[0]] == [299]


def test_similarities_are_the_same_however_many_are_computed_together() -> None:
    rows = [row.astype(np.float16) for row in unit_rows(100, 256)]
    query = unit_rows(1, 256, seed=9)[0]

    together = similarities(rows, [query, query])

    alone = [float(similarities([row], [query])[0, 0]) for row in rows]
    assert together.tolist() == [alone, alone]
    assert similarities([], [query]).shape == (1, 0)
    assert similarities(rows, []).shape == (0, 100)
