"""A queue of records on disk, for the time that the store is away.

A folder of segment files, oldest first. Each record carries its length and a CRC-32; an append is
on disk before it returns, or has left no trace. A segment is deleted when all of it was taken, so
after a crash at most one segment is delivered twice, which the matcher absorbs.
"""

from __future__ import annotations

import logging
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from matcher.errors import StoreError
from matcher.file_lock import FileLock

logger = logging.getLogger(__name__)

FRAME = struct.Struct("<II")
"""Length and CRC-32 of the record that follows."""

SEGMENT_BYTES = 4 * 1024 * 1024
SUFFIX = ".spool"


class SpoolFullError(StoreError):
    """There is no room for more records: the spool has its share, or the disk is full."""


class Spool:
    """First in, first out, on disk. One process owns a folder; not safe to use from two threads."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        """Opens the folder and repairs what a crash left in it.

        Args:
            folder: Created if it is missing.
            max_bytes: Most bytes on disk.

        Raises:
            StoreError: The folder cannot be used, or another process uses it.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"spool folder {folder} cannot be made ({error.strerror})") from error
        self._lock = FileLock(folder / "lock")
        if not self._lock.try_exclusive("spool"):
            holder, _ = self._lock.holder()
            self._lock.close()
            raise StoreError(
                f"spool folder {folder} is in use by process {holder}: end that one first"
            )
        self._segments: dict[Path, int] = {}
        self._num_records = 0
        self._taken = 0
        """Bytes of the oldest segment that were taken."""
        self._last_number = 0
        self._growing: Path | None = None
        """The newest segment, begun by us: it takes more records."""
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            self._last_number = int(path.stem)
            num_records, length = _repaired(path)
            if length:
                self._segments[path] = length
                self._num_records += num_records

    @property
    def num_bytes(self) -> int:
        """Bytes on disk."""
        return sum(self._segments.values())

    @property
    def num_records(self) -> int:
        """Records that were not taken."""
        return self._num_records

    @property
    def is_empty(self) -> bool:
        """Everything was taken."""
        return not self._segments

    def append(self, records: Sequence[bytes]) -> None:
        """Adds records at the end; they are on disk when this returns.

        Raises:
            SpoolFullError: There is no room; nothing was added.
        """
        if not records:
            return
        frames = b"".join(FRAME.pack(len(r), zlib.crc32(r)) + r for r in records)
        if self.num_bytes + len(frames) > self._max_bytes:
            raise SpoolFullError(
                f"the spool {self._folder} has reached store.spool_max_mb "
                f"({self._max_bytes / 2**20:.0f} MB): the cameras pause until the store is back"
            )
        path = self._segment_for_append()
        length = self._segments.get(path, 0)
        try:
            with path.open("r+b" if length else "wb") as file:
                file.seek(length)
                file.write(frames)
                file.flush()
                os.fsync(file.fileno())
            if not length:
                _sync_folder(self._folder)
        except OSError as error:
            _cut(path, length)
            raise SpoolFullError(
                f"the spool {path} cannot be written ({error.strerror}): free space on its disk; "
                "the cameras pause until the store is back"
            ) from error
        self._segments[path] = length + len(frames)
        self._growing = path
        self._num_records += len(records)

    def peek(self, max_records: int, max_bytes: int) -> list[bytes]:
        """The oldest records in order, without taking them: at least one, if there is one."""
        records: list[bytes] = []
        while self._segments and not records:
            num_bytes = 0
            for record in _records(self._oldest(), self._taken):
                num_bytes += len(record)
                if records and (len(records) == max_records or num_bytes > max_bytes):
                    break
                records.append(record)
            if not records:
                self._drop_damaged()
        return records

    def take(self, records: Sequence[bytes]) -> None:
        """Removes the records that `peek` gave."""
        self._taken += sum(FRAME.size + len(record) for record in records)
        self._num_records -= len(records)
        if self._taken >= self._segments[self._oldest()]:
            self._drop_oldest()

    def __iter__(self) -> Iterator[bytes]:
        """All records that were not taken, oldest first."""
        for number, path in enumerate(self._segments):
            yield from _records(path, self._taken if number == 0 else 0)

    def close(self) -> None:
        """Lets the folder go; what is in it stays."""
        self._lock.close()

    def _oldest(self) -> Path:
        return next(iter(self._segments))

    def _drop_oldest(self) -> None:
        path = self._oldest()
        path.unlink(missing_ok=True)
        del self._segments[path]
        self._taken = 0
        if path == self._growing:
            self._growing = None
        if not self._segments:
            self._num_records = 0

    def _drop_damaged(self) -> None:
        path = self._oldest()
        num_lost = self._segments[path] - self._taken
        logger.error("%s was damaged while it waited: its last %d bytes are lost", path, num_lost)
        self._drop_oldest()

    def _segment_for_append(self) -> Path:
        if self._growing is not None and self._segments[self._growing] < SEGMENT_BYTES:
            return self._growing
        self._last_number += 1
        return self._folder / f"{self._last_number:012d}{SUFFIX}"


def _records(path: Path, start: int) -> Iterator[bytes]:
    """Whole records of a segment from a byte on."""
    with path.open("rb") as file:
        file.seek(start)
        while len(header := file.read(FRAME.size)) == FRAME.size:
            length, checksum = FRAME.unpack(header)
            record = file.read(length)
            if len(record) < length or zlib.crc32(record) != checksum:
                return
            yield record


def _repaired(path: Path) -> tuple[int, int]:
    """Number and bytes of the whole records at a segment's beginning; a torn rest is cut off."""
    num_records = length = 0
    for record in _records(path, 0):
        num_records += 1
        length += FRAME.size + len(record)
    bytes_lost = path.stat().st_size - length
    if bytes_lost or not length:
        logger.warning("the end of %s was torn: %d bytes are cut off", path, bytes_lost)
        _cut(path, length)
    return num_records, length


def _cut(path: Path, length: int) -> None:
    try:
        if length:
            os.truncate(path, length)
        else:
            path.unlink(missing_ok=True)
    except OSError:
        logger.exception("%s cannot be cut back", path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
