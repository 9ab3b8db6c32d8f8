"""The role `EmbeddingHost`: joins the crops of all cameras of a process into timely batches."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import numpy as np

from reid.embedder import Crop, Embedder, Embeddings
from reid.errors import ReidError
from reid.preprocess import check_crops

logger = logging.getLogger(__name__)

_PENDING_BATCHES = 8
"""Batches that may wait; `submit` blocks beyond."""


@dataclass(frozen=True, slots=True)
class HostStats:
    """What a host has done since its start.

    Attributes:
        num_crops: Crops embedded.
        num_batches: Calls of the embedder.
        num_failed_crops: Crops whose batch failed.
        num_pending: Crops that wait now.
        busy_s: Seconds within the embedder.
        wait_s: Seconds that batches waited for their first crop's companions or for the embedder,
            in all.
    """

    num_crops: int = 0
    num_batches: int = 0
    num_failed_crops: int = 0
    num_pending: int = 0
    busy_s: float = 0.0
    wait_s: float = 0.0


@dataclass(slots=True, eq=False)
class _Request:
    """Crops of one `submit`, and what is known of their embeddings; rows arrive in order."""

    crops: list[Crop]
    submitted_at: float
    future: Future[Embeddings] = field(default_factory=Future)
    num_taken: int = 0
    rows: list[Embeddings] = field(default_factory=list)


class EmbeddingHost:
    """Owns the embedder and one thread, which alone uses it.

    A batch starts when `max_batch` crops wait, or when the first of them has waited `max_wait_ms`.
    Crops are taken in the order of submission; a request may be spread over batches and shares them
    with others.

    Args:
        embedder: Closed by `close`.
        max_batch: Crops a call of the embedder, at most.
        max_wait_ms: Longest wait for a batch to fill, milliseconds; 0: none.

    Raises:
        ValueError: `max_batch` is under 1 or `max_wait_ms` under 0.
    """

    def __init__(
        self, embedder: Embedder, *, max_batch: int = 16, max_wait_ms: float = 20.0
    ) -> None:
        if max_batch < 1 or not max_wait_ms >= 0:
            raise ValueError(
                f"expected max_batch >= 1 and max_wait_ms >= 0, got {max_batch} and {max_wait_ms}"
            )
        self._embedder = embedder
        self._max_batch = max_batch
        self._max_wait_s = max_wait_ms / 1000
        self._changed = threading.Condition()
        self._requests: deque[_Request] = deque()
        self._num_pending = 0
        self._is_closing = False
        self._stats = HostStats()
        self._thread = threading.Thread(target=self._run, name="embedding-host", daemon=True)
        self._thread.start()

    @property
    def stats(self) -> HostStats:
        """A snapshot; any thread may ask."""
        with self._changed:
            return replace(self._stats, num_pending=self._num_pending)

    def submit(self, crops: Sequence[Crop]) -> Future[Embeddings]:
        """Ask for the embeddings of some crops; blocks while too many wait. Any thread may call.

        Args:
            crops: As for `Embedder.embed`; none is fine. They must not be changed until the result
                is there.

        Returns:
            The future of an (N, D) array, rows in the order of `crops`. It carries the embedder's
            error, if its batch failed; later requests are not affected. Results come in the order
            of submission.

        Raises:
            ValueError: A crop is not (h, w, 3) uint8 with h, w >= 1.
            ReidError: The host is closed.
        """
        check_crops(crops)
        limit = _PENDING_BATCHES * self._max_batch
        request = _Request(list(crops), time.monotonic())
        with self._changed:
            # A request above the limit gets in when nothing else waits.
            self._changed.wait_for(
                lambda: (
                    self._is_closing
                    or not self._requests
                    or self._num_pending + len(request.crops) <= limit
                )
            )
            if self._is_closing:
                raise ReidError("the embedding host is closed: it takes no more crops")
            self._requests.append(request)
            self._num_pending += len(request.crops)
            self._changed.notify_all()
        return request.future

    def close(self) -> None:
        """Embed what was submitted, then end the thread and close the embedder; twice is fine."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join()
        self._embedder.close()

    def _run(self) -> None:
        while True:
            parts, waited_s = self._next_batch()
            if not parts:
                return
            self._work(parts, waited_s)

    def _next_batch(self) -> tuple[list[tuple[_Request, list[Crop]]], float]:
        """The crops of the next batch by request, in order; none when closed and all is done."""
        with self._changed:
            self._changed.wait_for(lambda: self._requests or self._is_closing)
            if not self._requests:
                return [], 0.0
            self._wait_for_companions()
            first_at = self._requests[0].submitted_at
            parts: list[tuple[_Request, list[Crop]]] = []
            room = self._max_batch
            while self._requests and (room > 0 or not self._requests[0].crops):
                request = self._requests[0]
                taken = request.crops[request.num_taken : request.num_taken + room]
                request.num_taken += len(taken)
                room -= len(taken)
                self._num_pending -= len(taken)
                parts.append((request, taken))
                if request.num_taken < len(request.crops):
                    break
                self._requests.popleft()
            self._changed.notify_all()
            return parts, time.monotonic() - first_at

    def _wait_for_companions(self) -> None:
        until = self._requests[0].submitted_at + self._max_wait_s
        while self._num_pending < self._max_batch and not self._is_closing:
            remaining_s = until - time.monotonic()
            if remaining_s <= 0 or not self._changed.wait(remaining_s):
                return

    def _work(self, parts: list[tuple[_Request, list[Crop]]], waited_s: float) -> None:
        """Embed a batch and give each request its rows, or the error."""
        wanted = [(request, crops) for request, crops in parts if not request.future.cancelled()]
        if not wanted:
            return
        batch = [crop for _, crops in wanted for crop in crops]
        started_at = time.monotonic()
        try:
            rows = self._embedder.embed(batch)
        except Exception as error:  # noqa: BLE001 (the thread must live; the callers are told)
            logger.warning("embedding %d crops failed: %s", len(batch), error)
            self._count(len(batch), time.monotonic() - started_at, waited_s, is_failed=True)
            self._fail([request for request, _ in wanted], error)
            return
        self._count(len(batch), time.monotonic() - started_at, waited_s, is_failed=False)
        start = 0
        for request, crops in wanted:
            request.rows.append(rows[start : start + len(crops)])
            start += len(crops)
            if request.num_taken == len(request.crops) and _claim(request.future):
                request.future.set_result(np.concatenate(request.rows))

    def _count(self, num_crops: int, busy_s: float, wait_s: float, *, is_failed: bool) -> None:
        with self._changed:
            past = self._stats
            self._stats = replace(
                past,
                num_crops=past.num_crops + (0 if is_failed else num_crops),
                num_failed_crops=past.num_failed_crops + (num_crops if is_failed else 0),
                num_batches=past.num_batches + 1,
                busy_s=past.busy_s + busy_s,
                wait_s=past.wait_s + wait_s,
            )

    def _fail(self, requests: list[_Request], error: Exception) -> None:
        """Give the error to the requests of a batch; what is left of them is dropped."""
        with self._changed:
            for request in requests:
                if self._requests and self._requests[0] is request:
                    self._requests.popleft()
                    self._num_pending -= len(request.crops) - request.num_taken
            self._changed.notify_all()
        for request in requests:
            if _claim(request.future):
                request.future.set_exception(error)


def _claim(future: Future[Embeddings]) -> bool:
    """Make the future ours to complete; False if its caller has cancelled it."""
    return future.set_running_or_notify_cancel()
