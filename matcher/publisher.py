"""The worker's end of the stream: takes messages at once, delivers them in order, loses none.

Messages wait in memory for a thread that sends them. While the store is away they go to a spool on
disk, which is sent first when the store is back, also by the next process that opens it. If the
disk is full too, `publish` waits, so the cameras pause. A message may arrive twice (an answer was
lost); the matcher absorbs that.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from matcher.camera_progress import CameraProgress
from matcher.connection import Connection
from matcher.envelope import kind_of
from matcher.errors import RecordError, StoreError
from matcher.keys import SiteKeys
from matcher.records import Message, decode_progress, encode_message
from matcher.spool import Spool, SpoolFullError
from matcher.tracklet_stream import append_commands, check_names

logger = logging.getLogger(__name__)

QUEUE_BYTES = 32 * 1024 * 1024
"""Messages that wait in memory; beyond it `publish` waits."""

BATCH_RECORDS = 64
BATCH_BYTES = 4 * 1024 * 1024
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class PublisherStats:
    """Counters of a publisher since it was made.

    Attributes:
        num_published: Messages that `publish` took.
        num_stored: Messages that the store has, those of an earlier life's spool included.
        num_spooled: Messages that went over the disk.
        num_waiting: Messages in memory and on disk now.
        spool_bytes: Bytes on disk now.
        is_connected: The store answered last time.
        is_blocked: Neither the store nor the disk takes messages: `publish` waits or soon will.
    """

    num_published: int
    num_stored: int
    num_spooled: int
    num_waiting: int
    spool_bytes: int
    is_connected: bool
    is_blocked: bool


class Publisher:
    """Publishes the messages of one worker process; several threads may call `publish`."""

    def __init__(self, url: str, site: str, *, spool_folder: Path, spool_max_mb: int) -> None:
        """Opens the spool and begins to send what an earlier life left in it.

        Args:
            url: Of the store; it may be away.
            site: Name of the site.
            spool_folder: One per worker, the same after a restart.
            spool_max_mb: Most megabytes on disk.

        Raises:
            StoreError: The URL or the folder cannot be used.
        """
        self._keys = SiteKeys(site)
        self._connection = Connection(url)
        self._spool = Spool(spool_folder, max_bytes=spool_max_mb * 1024 * 1024)
        self._newest_progress = _progress_in(self._spool)
        self._queue: deque[bytes] = deque()
        self._queue_bytes = 0
        self._num_left_behind = self._spool.num_records
        self._num_published = 0
        self._num_stored = 0
        self._num_spooled = 0
        self._is_connected = False
        self._is_away_logged = False
        self._is_blocked = False
        self._is_closing = False
        self._pause_s = FIRST_PAUSE_S
        self._retry_at = 0.0
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes it."""
        self.close()

    def publish(self, message: Message) -> None:
        """Takes a message for delivery, in order; returns at once unless store and disk are full.

        Raises:
            ValueError: The message cannot be written down, or its names cannot be part of a key.
            StoreError: The publisher is closed.
        """
        check_names(self._keys, message)
        record = encode_message(message)
        with self._changed:
            while self._queue_bytes >= QUEUE_BYTES and not self._is_closing:
                self._changed.wait()
            if self._is_closing:
                raise StoreError("the publisher is closed: nothing more can be published")
            if isinstance(message, CameraProgress):
                self._newest_progress[message.camera_id] = message
            self._queue.append(record)
            self._queue_bytes += len(record)
            self._num_published += 1
            self._changed.notify_all()

    def newest_progress(self, camera_id: str) -> CameraProgress | None:
        """The camera's newest progress that went through this spool; None: ask the store.

        Where there is one, it is newer than what the store has, or the same.
        """
        with self._changed:
            return self._newest_progress.get(camera_id)

    def flush(self, timeout_s: float) -> bool:
        """Waits until the store has all that was published so far; False if it does not in time."""
        with self._changed:
            wanted = self._num_left_behind + self._num_published
            return self._changed.wait_for(lambda: self._num_stored >= wanted, timeout_s)

    def close(self, timeout_s: float = 5.0) -> None:
        """Sends what it can within the time, leaves the rest in the spool, and ends.

        Raises:
            StoreError: Messages are lost: neither the store nor the disk took them.
        """
        if self._thread.is_alive():
            self.flush(timeout_s)
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join()
        self._connection.close()
        self._spool.close()
        if self._queue:
            num_lost = len(self._queue)
            self._queue.clear()
            raise StoreError(
                f"{num_lost} messages are lost: the store does not answer and the spool is full"
            )

    @property
    def stats(self) -> PublisherStats:
        """What happened so far."""
        with self._changed:
            return PublisherStats(
                num_published=self._num_published,
                num_stored=self._num_stored,
                num_spooled=self._num_spooled,
                num_waiting=self._num_left_behind + self._num_published - self._num_stored,
                spool_bytes=self._spool.num_bytes,
                is_connected=self._is_connected,
                is_blocked=self._is_blocked,
            )

    def _run(self) -> None:
        """The sending thread: alone it takes from the queue and touches the spool and the store."""
        while self._wait_for_work():
            if self._is_due():
                self._send()
            if not self._is_connected or self._queue_bytes > QUEUE_BYTES // 2:
                self._spill()
        self._spill()

    def _wait_for_work(self) -> bool:
        """Waits until there is something to do; False: the end."""
        with self._changed:
            while not self._is_closing:
                if self._is_connected:
                    if self._queue or not self._spool.is_empty:
                        return True
                    self._changed.wait()
                    continue
                pause_s = self._retry_at - time.monotonic()
                if pause_s <= 0 or (self._queue and not self._is_blocked):
                    return True
                self._changed.wait(pause_s)
            return False

    def _is_due(self) -> bool:
        return self._is_connected or time.monotonic() >= self._retry_at

    def _send(self) -> None:
        """Sends one batch: from the spool while there is something in it, else from the queue."""
        try:
            if self._spool.is_empty:
                records = self._first_of_queue()
                self._deliver(records)
                self._forget_from_queue(len(records))
            else:
                with self._changed:
                    records = self._spool.peek(BATCH_RECORDS, BATCH_BYTES)
                self._deliver(records)
                with self._changed:
                    self._spool.take(records)
        except (StoreError, OSError) as error:
            self._note_away(error)
            return
        with self._changed:
            self._num_stored += len(records)
            self._changed.notify_all()
        self._note_connected()

    def _deliver(self, records: list[bytes]) -> None:
        commands = [command for r in records for command in append_commands(self._keys, r)]
        self._connection.execute_all(commands or [("PING",)])

    def _spill(self) -> None:
        """Moves the queue to the disk."""
        while records := self._first_of_queue():
            try:
                with self._changed:
                    self._spool.append(records)
                    self._num_spooled += len(records)
            except SpoolFullError as error:
                self._note_blocked(error)
                return
            self._is_blocked = False
            self._forget_from_queue(len(records))

    def _first_of_queue(self) -> list[bytes]:
        """The oldest records of the queue, which stay in it until they are safe elsewhere."""
        with self._changed:
            records: list[bytes] = []
            num_bytes = 0
            for record in itertools.islice(self._queue, BATCH_RECORDS):
                num_bytes += len(record)
                if records and num_bytes > BATCH_BYTES:
                    break
                records.append(record)
            return records

    def _forget_from_queue(self, num_records: int) -> None:
        with self._changed:
            for _ in range(num_records):
                self._queue_bytes -= len(self._queue.popleft())
            self._changed.notify_all()

    def _note_away(self, error: Exception) -> None:
        if not self._is_away_logged:
            logger.warning("messages go to the spool: %s", error)
            self._is_away_logged = True
            self._pause_s = FIRST_PAUSE_S
        self._is_connected = False
        self._retry_at = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _note_connected(self) -> None:
        if self._is_away_logged:
            logger.info("the store is back; %d messages wait for it", self._spool.num_records)
        self._is_connected = True
        self._is_away_logged = False
        self._is_blocked = False

    def _note_blocked(self, error: Exception) -> None:
        if not self._is_connected and not self._is_blocked:
            # An error for whoever watches the site, not a failure of this code: no traceback.
            logger.error("messages wait in memory: %s", error)
            self._is_blocked = True


def _progress_in(spool: Spool) -> dict[str, CameraProgress]:
    """The newest progress of each camera that waits in the spool."""
    newest: dict[str, CameraProgress] = {}
    for record in spool:
        try:
            if kind_of(record) == "camera progress":
                progress = decode_progress(record)
                newest[progress.camera_id] = progress
        except RecordError:
            logger.warning("a record in the spool was written by another version")
    return newest
