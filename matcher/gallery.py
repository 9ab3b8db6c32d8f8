"""The gallery: the nearest stored features of one space (FAISS; a cache)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from matcher.similarity import HalfFeature, similarities

Floats = npt.NDArray[np.float32]

_MOST_STALE = 64
"""Removing costs a pass over the index: up to so many removed features are skipped in results."""

_RESCORED = 4
"""Candidates per wanted result that are compared exactly, where the index is approximate."""

_PROBES = 32
"""Inverted lists that are looked through."""

_GROWTH = 4
"""An approximate index is trained anew when it has grown by this factor."""


class Gallery:
    """Features by key, searched by inner product.

    Exact (flat, half precision) up to `max_exact` features, above that approximate: inverted lists
    of 8-bit codes, whose best candidates are compared again with the exact features.

    Args:
        dim: D, the length of a feature.
        max_exact: Features up to which the search is exact.
    """

    def __init__(self, dim: int, *, max_exact: int = 50_000) -> None:
        self.dim = dim
        self._max_exact = max_exact
        self._features: dict[int, HalfFeature] = {}
        self._stale: set[int] = set()
        self._trained_on: int | None = None
        self._index = _exact_index(dim)

    def __len__(self) -> int:
        """Number of features."""
        return len(self._features)

    @property
    def is_exact(self) -> bool:
        """The search compares with every feature."""
        return self._trained_on is None

    def add(self, features: Sequence[tuple[int, HalfFeature]]) -> None:
        """Adds features by key.

        Args:
            features: (key, (D,) float16 unit length); keys are >= 0 and never used a second time.

        Raises:
            ValueError: A feature has another length, or a key was used before.
        """
        if not features:
            return
        keys = [key for key, _ in features]
        used = [key for key in keys if key in self._features or key in self._stale]
        if used or len(set(keys)) < len(keys):
            raise ValueError(f"keys are used once only: {used[:3] or keys[:3]}")
        wrong = next((f.shape for _, f in features if f.shape != (self.dim,)), None)
        if wrong is not None:
            raise ValueError(f"expected features of shape ({self.dim},), got {wrong}")
        self._features.update(features)
        self._put(keys)
        self._adapt()

    def remove(self, keys: Iterable[int]) -> None:
        """Removes features; unknown keys are ignored."""
        for key in keys:
            if self._features.pop(key, None) is not None:
                self._stale.add(key)
        if len(self._stale) > _MOST_STALE:
            self.compact()

    def compact(self) -> None:
        """Takes what was removed out of the index too."""
        if not self._stale:
            return
        selected = np.array(sorted(self._stale), dtype=np.int64)
        with _one_thread():
            self._index.remove_ids(faiss.IDSelectorBatch(selected))
        self._stale.clear()
        self._adapt()

    def search(self, features: Floats, num: int) -> list[list[tuple[int, float]]]:
        """The nearest features.

        Args:
            features: (N, D) float32, unit rows.
            num: How many are wanted of each, >= 1.

        Returns:
            For each of the N (key, cosine) of the nearest, best first; fewer than wanted if the
            gallery holds fewer, or an approximate search finds fewer.
        """
        num = min(num, len(self))
        if num < 1 or not len(features):
            return [[] for _ in features]
        wide = num + len(self._stale) if self.is_exact else _RESCORED * num + len(self._stale)
        queries = np.ascontiguousarray(features, dtype=np.float32)
        with _one_thread():
            _, found = self._index.search(queries, wide)
        return [self._nearest(row, query, num) for row, query in zip(found, queries, strict=True)]

    def _nearest(
        self, found: Iterable[np.int64], query: Floats, num: int
    ) -> list[tuple[int, float]]:
        keys = sorted(key for key in map(int, found) if key in self._features)
        exact = similarities([self._features[key] for key in keys], [query])[0]
        order = np.argsort(-exact, kind="stable")[:num]
        return [(keys[row], float(exact[row])) for row in order]

    def _adapt(self) -> None:
        """Changes between the exact and the approximate index with the number of features.

        It goes back at half the limit only, so that a gallery at the limit is not rebuilt at every
        change.
        """
        num = len(self)
        if self._trained_on is None:
            if num > self._max_exact:
                self._rebuild(is_exact=False)
        elif num < self._max_exact // 2:
            self._rebuild(is_exact=True)
        elif num > _GROWTH * self._trained_on:
            self._rebuild(is_exact=False)

    def _rebuild(self, *, is_exact: bool) -> None:
        keys = list(self._features)
        self._trained_on = None if is_exact else len(keys)
        self._index = (
            _exact_index(self.dim)
            if is_exact
            else _approximate_index(np.stack([self._features[key] for key in keys]))
        )
        self._stale.clear()
        if keys:
            self._put(keys)

    def _put(self, keys: Sequence[int]) -> None:
        rows = np.stack([self._features[key] for key in keys]).astype(np.float32)
        with _one_thread():
            self._index.add_with_ids(rows, np.array(keys, dtype=np.int64))


@contextmanager
def _one_thread() -> Iterator[None]:
    """FAISS on the calling thread alone.

    Its threads wait for each other busily: on a machine whose cores have other work, a search that
    takes 20 microseconds on one thread was seen to take 40 milliseconds on two.
    """
    num_threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(num_threads)


def _exact_index(dim: int) -> Any:
    codes = faiss.IndexScalarQuantizer(
        dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    return faiss.IndexIDMap2(codes)


def _approximate_index(features: npt.NDArray[np.float16]) -> Any:
    """An empty index of inverted lists, trained on (N, D) features."""
    num, dim = features.shape
    num_lists = max(1, min(4096, int(2 * math.sqrt(num))))
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dim),
        dim,
        num_lists,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
    )
    sample = features[:: max(1, num // (64 * num_lists))]
    index.train(np.ascontiguousarray(sample, dtype=np.float32))
    index.nprobe = min(num_lists, _PROBES)
    return index
