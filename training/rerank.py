"""Re-ranking by k-reciprocal neighbours: those near each other, and near to the same others.

Zhong, Zheng, Cao, Li, "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017.
Queries and gallery are one set of N images. What an image is near to is a row of a sparse (N, N)
matrix, and every step of the paper is a product of such matrices, so that nothing of size N x N is
ever whole in memory: 20,000 images of 2048-d take less than 2 GB.

As in public code, and beyond the paper's text: an image counts as its own nearest neighbour on top
of its k, the distance (a cosine one as well) is squared and divided by the largest in its row, rows
of V sum to 1, and a neighbour's own neighbours join if *more* than 2/3 of them are known. Equally
near images, such as a query that the gallery holds again, stand as `numpy.argsort` leaves them,
which differs between processors: results for such data are the same on one machine only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from training.distances import (
    Distances,
    Features,
    Metric,
    squared_distances,
    squared_lengths,
    unit_rows,
)
from training.ranking import blocks_of_queries

Neighbours = npt.NDArray[np.int64]
"""(N, k) rows of the nearest images, nearest first; the image itself is among them."""

_ROWS = 256
_PAIRS = 4096


@dataclass(frozen=True, slots=True)
class RerankOptions:
    """The parameters of the paper, with its values.

    Attributes:
        k1: Neighbours that are asked whether they are neighbours in return, 1 or more.
        k2: Images over which V is averaged, the image itself included, 1 or more.
        lambda_value: Share of the original distance in the result, in [0, 1].

    Raises:
        ValueError: A value is out of range.
    """

    k1: int = 20
    k2: int = 6
    lambda_value: float = 0.3

    def __post_init__(self) -> None:
        """Checks the values."""
        if self.k1 < 1 or self.k2 < 1 or not 0 <= self.lambda_value <= 1:
            raise ValueError(f"k1 and k2 are 1 or more, lambda_value is in [0, 1]: {asdict(self)}")


class Surroundings(NamedTuple):
    """What the distances of all N images leave behind.

    Attributes:
        nearest: (N, k) neighbours.
        largest: (N,) largest squared distance in each row.
        to_gallery: (Q, G) squared distances of queries, each over its row's largest.
    """

    nearest: Neighbours
    largest: npt.NDArray[np.float32]
    to_gallery: Distances


def rerank(
    query: Features,
    gallery: Features,
    metric: Metric = "cosine",
    options: RerankOptions | None = None,
) -> Distances:
    """(Q, G) float32 distances in [0, 1] that re-rank the gallery for each query.

    Args:
        query: (Q, D); all queries together, as they help to find each other's neighbours.
        gallery: (G, D).
        metric: For "cosine" the features are brought to unit length.
        options: The paper's, unless given.
    """
    chosen = options or RerankOptions()
    if not len(query) or not len(gallery):
        return np.empty((len(query), len(gallery)), np.float32)
    space = _Space.of(np.concatenate([query, gallery]), metric)
    around = _surroundings(space, len(query), max(chosen.k1 + 1, chosen.k2))
    encoding = _encoding(space, around, chosen.k1)
    expanded = _expanded(encoding, around.nearest[:, : chosen.k2])
    share = np.float32(chosen.lambda_value)
    jaccard = _jaccard_distances(expanded, len(query))
    return (1 - share) * jaccard + share * around.to_gallery


@dataclass(frozen=True, slots=True, eq=False)
class _Space:
    """Features whose squared distances are taken: |a - b|^2, or (1 - cosine)^2 = (|a - b|^2 / 2)^2.

    Attributes:
        features: (N, D) float32, of unit length where cosines are meant.
        lengths: (N,) squared lengths.
        is_cosine: Which of the two.
    """

    features: Features
    lengths: npt.NDArray[np.float64]
    is_cosine: bool

    @classmethod
    def of(cls, rows: Features, metric: Metric) -> _Space:
        is_cosine = metric == "cosine"
        features = unit_rows(rows) if is_cosine else rows
        return cls(features, squared_lengths(features), is_cosine)

    def to_all(self, rows: slice) -> Distances:
        """(n, N) of some images to all."""
        return self._of_metric(
            squared_distances(self.features[rows], self.features, self.lengths[rows], self.lengths)
        )

    def of_pairs(
        self, some: npt.NDArray[np.integer], others: npt.NDArray[np.integer]
    ) -> npt.NDArray[np.float32]:
        """(P,) of P pairs of images."""
        squares = np.empty(len(some), np.float32)
        for block in blocks_of_queries(len(some), _PAIRS):
            difference = self.features[some[block]] - self.features[others[block]]
            squares[block] = np.einsum("nd,nd->n", difference, difference)
        return self._of_metric(squares)

    def _of_metric(self, squares: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if self.is_cosine:
            squares /= 2
            squares *= squares
        return squares


def _surroundings(space: _Space, num_queries: int, num_nearest: int) -> Surroundings:
    num = len(space.features)
    nearest = np.empty((num, min(num_nearest, num)), np.int64)
    largest = np.empty(num, np.float32)
    to_gallery = np.empty((num_queries, num - num_queries), np.float32)
    for block in blocks_of_queries(num, _ROWS):
        squares = space.to_all(block)
        largest[block] = squares.max(axis=1)
        order = np.argsort(squares, axis=1)
        nearest[block] = order[:, : nearest.shape[1]]
        own = slice(block.start, min(block.stop, num_queries))
        shares = squares[: max(0, own.stop - own.start), num_queries:]
        to_gallery[own] = shares / _divisors(largest[own])[:, None]
    return Surroundings(nearest, largest, to_gallery)


def _encoding(space: _Space, around: Surroundings, k1: int) -> sparse.csr_array:
    """V, (N, N): nearness of each image to its expanded neighbours (equation 7), rows sum to 1."""
    members = _expanded_neighbours(around.nearest, k1)
    rows, columns = members.nonzero()
    weights = np.exp(-space.of_pairs(rows, columns) / _divisors(around.largest)[rows])
    sums = np.bincount(rows, weights, len(space.features))
    return sparse.csr_array((weights / sums[rows], (rows, columns)), shape=members.shape)


def _expanded_neighbours(nearest: Neighbours, k1: int) -> sparse.csr_array:
    """R*, (N, N), not zero where the column is of the row's expanded neighbours (equation 3)."""
    mutual = _mutual_neighbours(nearest[:, : k1 + 1])
    close = _mutual_neighbours(nearest[:, : _half(k1) + 1])
    overlap = (mutual @ close.T).multiply(mutual).tocoo()  # of R(p, k1) and each R(q, k1 / 2)
    num_close = np.asarray(close.sum(axis=1))
    is_known = 3 * overlap.data > 2 * num_close[overlap.col]
    joining = sparse.csr_array(
        (is_known[is_known].astype(np.int32), (overlap.row[is_known], overlap.col[is_known])),
        shape=mutual.shape,
    )
    return sparse.csr_array(mutual + joining @ close)


def _half(k1: int) -> int:
    """k1 / 2, to the nearest even number where it ends in .5, as the authors' code rounds."""
    return round(k1 / 2)


def _mutual_neighbours(nearest: Neighbours) -> sparse.csr_array:
    """R, (N, N) of 0 and 1: neighbours that have the image for a neighbour (equation 2)."""
    num, k = nearest.shape
    ones = np.ones(num * k, np.int32)
    starts = np.arange(0, num * k + 1, k)
    forward = sparse.csr_array((ones, nearest.ravel(), starts), shape=(num, num))
    return sparse.csr_array(forward.multiply(forward.T))


def _expanded(encoding: sparse.csr_array, nearest: Neighbours) -> sparse.csr_array:
    """V averaged over the nearest images of each (local query expansion, equation 11)."""
    num, k2 = nearest.shape
    starts = np.arange(0, num * k2 + 1, k2)
    shares = sparse.csr_array((np.full(num * k2, 1 / k2), nearest.ravel(), starts), encoding.shape)
    return sparse.csr_array(shares @ encoding)


def _jaccard_distances(encoding: sparse.csr_array, num_queries: int) -> Distances:
    """(Q, G) of 1 - sum of minima / sum of maxima (equation 10).

    Rows sum to 1, so the maxima sum to 2 minus the minima. Only columns that a query has add.
    """
    gallery = sparse.csr_array(encoding[num_queries:].T)  # (N, G): who in the gallery has a column
    distances = np.empty((num_queries, gallery.shape[1]), np.float32)
    for row in range(num_queries):
        entries = slice(encoding.indptr[row], encoding.indptr[row + 1])
        others = gallery[encoding.indices[entries]]
        own = np.repeat(encoding.data[entries], np.diff(others.indptr))
        minima = np.bincount(others.indices, np.minimum(own, others.data), gallery.shape[1])
        distances[row] = 1 - minima / (2 - minima)
    return distances


def _divisors(largest: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The largest distances, 1 where all images are the same."""
    return np.where(largest > 0, largest, np.float32(1))
