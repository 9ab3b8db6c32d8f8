"""Frames and events of a camera that wait for whoever polls them."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from streams.camera_events import CameraEvent
from streams.frame import Frame
from streams.frame_slots import SlotImage
from streams.reader_child import ReaderChild


@dataclass(frozen=True, slots=True)
class WaitingFrame:
    """A frame whose image still lies in a slot of the child's memory."""

    child: ReaderChild
    place: SlotImage
    index: int
    timestamp: float


class ReaderInbox:
    """One thread puts, another takes. With `newest_only` at most one frame waits; events all do.

    The memory of a retired child is given back when its last waiting frame is gone.
    """

    def __init__(self, camera_id: str, *, newest_only: bool) -> None:
        self._camera_id = camera_id
        self._newest_only = newest_only
        self._items: deque[WaitingFrame | CameraEvent] = deque()
        self._retired: list[ReaderChild] = []
        self._changed = threading.Condition()
        self._is_closed = False
        self.num_replaced = 0
        self.num_taken = 0

    def put(self, item: WaitingFrame | CameraEvent) -> None:
        """Add an item; a frame replaces an older one that waits, if only the newest counts."""
        with self._changed:
            if self._is_closed:
                return
            if isinstance(item, WaitingFrame) and self._newest_only:
                self._drop_frames()
            self._items.append(item)
            self._changed.notify()

    def retire(self, child: ReaderChild) -> None:
        """No more frames come from this child."""
        with self._changed:
            self._retired.append(child)
            self._free_retired()

    def take(self, timeout_s: float) -> Frame | CameraEvent | None:
        """The next item, its image copied out of the slot; None: nothing came in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._items or self._is_closed, timeout_s):
                return None
            if self._is_closed:
                return None
            item = self._items.popleft()
            if isinstance(item, CameraEvent):
                return item
            image = item.child.take(item.place)
            self._free_retired()
            self.num_taken += 1
        return Frame(self._camera_id, item.index, item.timestamp, image)

    def close(self) -> None:
        """Forget all that waits; whoever waits in `take` gets None."""
        with self._changed:
            self._is_closed = True
            self._items.clear()
            self._free_retired()
            self._changed.notify_all()

    def _drop_frames(self) -> None:
        for item in [item for item in self._items if isinstance(item, WaitingFrame)]:
            self._items.remove(item)
            item.child.release(item.place)
            self.num_replaced += 1
        self._free_retired()

    def _free_retired(self) -> None:
        needed = {id(item.child) for item in self._items if isinstance(item, WaitingFrame)}
        for child in [child for child in self._retired if id(child) not in needed]:
            self._retired.remove(child)
            child.free()
