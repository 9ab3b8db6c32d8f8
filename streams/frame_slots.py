"""Memory that two processes share, cut into slots of one image each.

The memory has no name (a Linux memfd, else a deleted temporary file): it goes when both processes
are gone, however they ended, and it is not part of ``/dev/shm``, which holds 64 MB in a container.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
import threading
from dataclasses import dataclass

import numpy as np

from streams.frame import Image

_PAGE = mmap.ALLOCATIONGRANULARITY
_GROWTH = 1.25


@dataclass(frozen=True, slots=True)
class SlotImage:
    """Where an image lies: `slot` names it to the writer, `offset` (bytes) finds it."""

    slot: int
    offset: int
    height_px: int
    width_px: int


@dataclass(slots=True)
class _Slot:
    offset: int = 0
    capacity: int = 0


def create_memory() -> int:
    """A file descriptor of new, empty, nameless memory; the caller closes it."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("crosscam-frames", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class SlotWriter:
    """The side that fills slots. `release` may be called from another thread than the rest.

    A slot grows when an image needs it: it then moves to the end of the memory, with room to spare,
    so that a slowly growing image costs little.
    """

    def __init__(self, memory: int, num_slots: int) -> None:
        """Write to the memory of this file descriptor, which stays the caller's."""
        self._memory = memory
        self._map: mmap.mmap | None = None
        self._slots = [_Slot() for _ in range(num_slots)]
        self._free = list(range(num_slots))
        self._end = 0
        self._changed = threading.Condition()

    def write(self, image: Image, *, timeout_s: float = 0.0) -> SlotImage | None:
        """Copy an image into a free slot; None: no slot became free in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._free, timeout_s):
                return None
            number = self._free.pop()
        slot = self._slots[number]
        if slot.capacity < image.nbytes:
            self._grow(slot, image.nbytes)
        view = np.ndarray(image.shape, np.uint8, buffer=self._map, offset=slot.offset)
        np.copyto(view, image)
        return SlotImage(number, slot.offset, image.shape[0], image.shape[1])

    def release(self, slot: int) -> None:
        """The reader is done with a slot."""
        with self._changed:
            self._free.append(slot)
            self._changed.notify()

    def _grow(self, slot: _Slot, num_bytes: int) -> None:
        wanted = int(num_bytes * (_GROWTH if slot.capacity else 1))
        slot.offset, slot.capacity = self._end, -(-wanted // _PAGE) * _PAGE
        self._end += slot.capacity
        os.ftruncate(self._memory, self._end)
        self._map = mmap.mmap(self._memory, self._end)


class SlotReader:
    """The side that empties slots, in one thread at a time."""

    def __init__(self, memory: int) -> None:
        """Read from the memory of this file descriptor, which now belongs to the reader."""
        self._memory = memory
        self._map: mmap.mmap | None = None
        self._is_closed = False

    def holds(self, where: SlotImage) -> bool:
        """The image lies inside of the memory; a child that has gone mad may say otherwise."""
        is_real = where.offset >= 0 and where.height_px >= 1 and where.width_px >= 1
        return is_real and _end(where) <= os.fstat(self._memory).st_size

    def copy(self, where: SlotImage) -> Image:
        """An image of its own, which stays valid whatever happens to the slot."""
        end = _end(where)
        if self._map is None or end > len(self._map):
            size = os.fstat(self._memory).st_size
            self._map = mmap.mmap(self._memory, size, access=mmap.ACCESS_READ)
        shape = (where.height_px, where.width_px, 3)
        return np.ndarray(shape, np.uint8, buffer=self._map, offset=where.offset).copy()

    def close(self) -> None:
        """Give the memory back; may be called twice."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._map is not None:
            self._map.close()
        with contextlib.suppress(OSError):
            os.close(self._memory)


def _end(where: SlotImage) -> int:
    return where.offset + where.height_px * where.width_px * 3
