from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np
import pytest

from reid.batching import EmbeddingHost
from reid.embedder import Crop, Embeddings
from reid.errors import ReidError


class PixelEmbedder:
    """One number a crop, its first pixel; notes its batches, and can be held up or made to fail."""

    name = "pixel"
    space = "pixel:0"
    dim = 1

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.threads: set[str] = set()
        self.may_go = threading.Event()
        self.may_go.set()
        self.bad_pixel: int | None = None
        self.num_closed = 0

    def embed(self, crops: Sequence[Crop]) -> Embeddings:
        self.batches.append(len(crops))
        self.threads.add(threading.current_thread().name)
        assert self.may_go.wait(10)
        values = [int(crop[0, 0, 0]) for crop in crops]
        if self.bad_pixel in values:
            raise ReidError("a bad pixel")
        return np.array(values, np.float32).reshape(-1, 1)

    def close(self) -> None:
        self.num_closed += 1


def crops_of(*values: int) -> list[Crop]:
    return [np.full((2, 1, 3), value, np.uint8) for value in values]


def test_rows_come_in_the_order_of_the_crops() -> None:
    host = EmbeddingHost(PixelEmbedder(), max_wait_ms=0)

    rows = host.submit(crops_of(3, 1, 2)).result(5)

    host.close()
    assert rows.ravel().tolist() == [3, 1, 2]


def test_requests_of_several_threads_get_their_own_rows() -> None:
    embedder = PixelEmbedder()
    host = EmbeddingHost(embedder, max_batch=4, max_wait_ms=5)
    results: dict[int, list[float]] = {}

    def ask(number: int) -> None:
        for value in range(20):
            future = host.submit(crops_of(number, value, number))
            results.setdefault(number, []).append(
                future.result(10).ravel().tolist() == [number, value, number]
            )

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    host.close()

    assert results == {number: [True] * 20 for number in range(5)}
    assert max(embedder.batches) <= 4
    assert len(embedder.threads) == 1


def test_waiting_crops_are_joined_into_full_batches() -> None:
    embedder = PixelEmbedder()
    embedder.may_go.clear()
    host = EmbeddingHost(embedder, max_batch=4, max_wait_ms=0)
    first = host.submit(crops_of(0))
    while not embedder.batches:
        time.sleep(0.001)

    later = [host.submit(crops_of(value, value)) for value in range(1, 6)]
    embedder.may_go.set()
    rows = [future.result(5).ravel().tolist() for future in later]

    host.close()
    assert first.result().ravel().tolist() == [0]
    assert rows == [[value, value] for value in range(1, 6)]
    assert embedder.batches == [1, 4, 4, 2]


def test_a_request_larger_than_a_batch_is_spread_over_several() -> None:
    embedder = PixelEmbedder()
    host = EmbeddingHost(embedder, max_batch=4, max_wait_ms=0)

    rows = host.submit(crops_of(*range(10))).result(5)

    host.close()
    assert rows.ravel().tolist() == list(range(10))
    assert embedder.batches == [4, 4, 2]


def test_a_lone_crop_waits_no_longer_than_the_deadline() -> None:
    host = EmbeddingHost(PixelEmbedder(), max_batch=64, max_wait_ms=50)
    started_at = time.monotonic()

    host.submit(crops_of(1)).result(5)

    waited_s = time.monotonic() - started_at
    host.close()
    assert 0.045 <= waited_s < 2


def test_a_full_batch_does_not_wait_for_the_deadline() -> None:
    host = EmbeddingHost(PixelEmbedder(), max_batch=2, max_wait_ms=60_000)

    rows = host.submit(crops_of(1, 2)).result(5)

    host.close()
    assert len(rows) == 2


def test_no_crops_give_no_rows() -> None:
    host = EmbeddingHost(PixelEmbedder(), max_wait_ms=0)

    rows = host.submit([]).result(5)

    host.close()
    assert rows.shape == (0, 1)


def test_an_error_reaches_its_requests_and_the_thread_lives_on() -> None:
    embedder = PixelEmbedder()
    embedder.bad_pixel = 9
    host = EmbeddingHost(embedder, max_batch=2, max_wait_ms=0)

    failed = host.submit(crops_of(9, 1, 2, 3, 4))
    fine = host.submit(crops_of(5))

    with pytest.raises(ReidError, match="bad pixel"):
        failed.result(5)
    assert fine.result(5).ravel().tolist() == [5]
    host.close()
    stats = host.stats
    assert (stats.num_failed_crops, stats.num_crops, stats.num_pending) == (2, 1, 0)


def test_what_is_no_crop_is_refused_at_once() -> None:
    host = EmbeddingHost(PixelEmbedder())

    with pytest.raises(ValueError, match=r"expected .* uint8"):
        host.submit([np.zeros((4, 4, 3), np.float32)])

    host.close()


def test_submit_blocks_while_the_queue_is_full() -> None:
    embedder = PixelEmbedder()
    embedder.may_go.clear()
    host = EmbeddingHost(embedder, max_batch=1, max_wait_ms=0)
    futures: list[Future[Embeddings]] = []

    def fill() -> None:
        futures.extend(host.submit(crops_of(value)) for value in range(40))

    filler = threading.Thread(target=fill)
    filler.start()
    filler.join(0.3)
    was_blocked = filler.is_alive()
    num_pending = host.stats.num_pending
    embedder.may_go.set()
    filler.join(5)
    rows = [future.result(5).item() for future in futures]

    host.close()
    assert was_blocked
    assert num_pending == 8
    assert rows == list(range(40))


def test_close_finishes_what_was_submitted_and_may_be_called_twice() -> None:
    embedder = PixelEmbedder()
    host = EmbeddingHost(embedder, max_batch=4, max_wait_ms=60_000)
    futures = [host.submit(crops_of(value)) for value in range(3)]

    host.close()
    host.close()

    assert [future.result(0).item() for future in futures] == [0, 1, 2]
    assert embedder.num_closed >= 1
    with pytest.raises(ReidError, match="closed"):
        host.submit(crops_of(1))


def test_a_cancelled_request_is_not_embedded() -> None:
    embedder = PixelEmbedder()
    embedder.may_go.clear()
    host = EmbeddingHost(embedder, max_batch=1, max_wait_ms=0)
    host.submit(crops_of(0))
    while not embedder.batches:
        time.sleep(0.001)
    cancelled = host.submit(crops_of(1))
    kept = host.submit(crops_of(2))

    assert cancelled.cancel()
    embedder.may_go.set()

    assert kept.result(5).item() == 2
    host.close()
    assert host.stats.num_crops == 2


def test_stats_count_crops_batches_and_time() -> None:
    host = EmbeddingHost(PixelEmbedder(), max_batch=4, max_wait_ms=0)

    host.submit(crops_of(*range(8))).result(5)
    host.close()

    stats = host.stats
    assert (stats.num_crops, stats.num_batches) == (8, 2)
    assert stats.busy_s >= 0
    assert stats.wait_s >= 0


@pytest.mark.parametrize("settings", [{"max_batch": 0}, {"max_wait_ms": -1.0}], ids=str)
def test_impossible_settings_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="max_batch"):
        EmbeddingHost(PixelEmbedder(), **settings)
