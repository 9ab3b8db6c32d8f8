"""The gallery ranked for each query, kept as what every figure needs: the ranks of the hits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from training.errors import DataError
from training.samples import Labels
from training.sort_keys import columns_of, sort_keys

Mask = npt.NDArray[np.bool_]
Ranks = npt.NDArray[np.int64]

_ROWS = 64
"""Queries that are ranked together: their keys stay in the caches."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelling:
    """Who is on the images of Q queries and of G gallery items, and which camera saw them.

    Attributes:
        query_ids: (Q,) int64 persons.
        gallery_ids: (G,) int64.
        query_cameras: (Q,) int64.
        gallery_cameras: (G,) int64.

    Raises:
        DataError: The columns are not of one dimension, not integers, or differ in length.
    """

    query_ids: Labels
    gallery_ids: Labels
    query_cameras: Labels
    gallery_cameras: Labels

    def __post_init__(self) -> None:
        """Checks the columns and makes them not writeable."""
        for field in fields(self):
            object.__setattr__(self, field.name, _labels(field.name, getattr(self, field.name)))
        for side in ("query", "gallery"):
            persons, cameras = getattr(self, f"{side}_ids"), getattr(self, f"{side}_cameras")
            if len(persons) != len(cameras):
                raise DataError(
                    f"{side}_ids has {len(persons)} labels, but {side}_cameras {len(cameras)}"
                )

    def is_same_person(self, queries: slice | Ranks) -> Mask:
        """(q, G): the gallery item shows the person of the query."""
        return np.asarray(self.query_ids[queries, None] == self.gallery_ids)

    def is_same_camera(self, queries: slice | Ranks) -> Mask:
        """(q, G): the gallery item is from the camera of the query."""
        return np.asarray(self.query_cameras[queries, None] == self.gallery_cameras)


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The ranks of the hits of V queries that have something to find.

    Attributes:
        queries: (V,) int64 rows of these queries, ascending.
        starts: (V,) int64, where in `ranks` each query's hits begin.
        ranks: (H,) int64, 1 = nearest, ascending within a query; what a query drops has no rank.
    """

    queries: Ranks
    starts: Ranks
    ranks: Ranks

    def __len__(self) -> int:
        """V."""
        return len(self.queries)

    @property
    def num_hits(self) -> Ranks:
        """(V,) hits of each query, 1 or more."""
        return np.diff(self.starts, append=len(self.ranks))

    @property
    def hit_numbers(self) -> Ranks:
        """(H,) 1 for a query's first hit, 2 for its second, and so on."""
        return np.arange(1, len(self.ranks) + 1) - np.repeat(self.starts, self.num_hits)

    @property
    def first_ranks(self) -> Ranks:
        """(V,) rank of each query's first hit."""
        return np.asarray(self.ranks[self.starts])

    @property
    def last_ranks(self) -> Ranks:
        """(V,) rank of each query's last hit."""
        return np.asarray(self.ranks[self.starts + self.num_hits - 1])

    def mean_of_hits(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(V,) mean over each query's hits of (H,) values."""
        if not len(self):
            return np.empty(0)
        return np.asarray(np.add.reduceat(values, self.starts) / self.num_hits)


def ranking_of_hits(hit_ranks: Sequence[Sequence[int]]) -> Ranking:
    """The ranking in which each query's hits stand at these ranks; a query without hits is skipped.

    >>> ranking_of_hits([[1, 3], [], [2]]).queries.tolist()
    [0, 2]
    """
    queries = [row for row, ranks in enumerate(hit_ranks) if ranks]
    counts = [len(hit_ranks[row]) for row in queries]
    starts = np.cumsum([0, *counts])[: len(counts)]
    ranks = [rank for row in queries for rank in sorted(hit_ranks[row])]
    return Ranking(np.array(queries, np.int64), starts, np.array(ranks, np.int64))


def rank_gallery(distances: npt.NDArray[np.floating], labels: Labelling) -> Ranking:
    """Where the right gallery items stand for each query.

    A query drops the gallery items of its own person in its own camera; a query that then has
    nothing to find is skipped. Equal distances stand in the order of the gallery.

    Args:
        distances: (Q, G), without NaN; compared as float32.
        labels: Of the queries and the gallery.

    Raises:
        DataError: The distances are not (Q, G).
    """
    check_shape(distances, labels)
    rows, ranks = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for queries, order, is_hit in _ranked_blocks(distances, labels):
        row, place = np.nonzero(np.take_along_axis(is_hit, order, axis=1))
        rows.append(row + queries.start)
        ranks.append(place + 1)
    found, starts = np.unique(np.concatenate(rows), return_index=True)
    return Ranking(found, starts.astype(np.int64), np.concatenate(ranks))


def ranked_gallery(
    distances: npt.NDArray[np.floating], labels: Labelling, query: int, num: int
) -> Ranks:
    """The gallery rows that stand first for one query, nearest first, at most `num`."""
    rows = slice(query, query + 1)
    is_dropped = labels.is_same_person(rows) & labels.is_same_camera(rows)
    order = _order(distances[rows], is_dropped)[0]
    return np.asarray(order[: min(num, int((~is_dropped).sum()))])


def check_shape(distances: npt.NDArray[np.floating], labels: Labelling) -> None:
    """Refuse distances that are not (Q, G).

    Raises:
        DataError: They are not.
    """
    expected = (len(labels.query_ids), len(labels.gallery_ids))
    if distances.shape != expected:
        raise DataError(f"distances: expected {expected} for these labels, got {distances.shape}")


def blocks_of_queries(num_queries: int, rows: int = _ROWS) -> Iterator[slice]:
    """Slices of some queries each that together are all."""
    for start in range(0, num_queries, rows):
        yield slice(start, min(start + rows, num_queries))


def _ranked_blocks(
    distances: npt.NDArray[np.floating], labels: Labelling
) -> Iterator[tuple[slice, Ranks, Mask]]:
    """Some queries, their (q, G) gallery rows in order, dropped ones last, and (q, G) the hits."""
    for queries in blocks_of_queries(len(distances)):
        is_same = labels.is_same_person(queries)
        is_dropped = is_same & labels.is_same_camera(queries)
        yield queries, _order(distances[queries], is_dropped), is_same & ~is_dropped


def _order(distances: npt.NDArray[np.floating], is_dropped: Mask) -> Ranks:
    kept = np.where(is_dropped, np.float32(np.inf), distances.astype(np.float32, copy=False))
    keys = sort_keys(kept)
    keys.sort(axis=1)
    return columns_of(keys)


def _labels(name: str, values: npt.ArrayLike) -> Labels:
    given = np.asarray(values)
    if given.ndim != 1:
        raise DataError(f"{name}: expected one label an image, (N,), got {given.shape}")
    if given.dtype.kind not in "iu" and given.size:
        raise DataError(f"{name}: expected integer labels, got {given.dtype}")
    labels = given.astype(np.int64)
    labels.setflags(write=False)
    return labels
