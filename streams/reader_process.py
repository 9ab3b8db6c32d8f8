"""The child process of a `streams.reader.CameraReader`: decodes one camera, hands its frames over.

Started as ``python -m streams.reader_process CONNECTION MEMORY`` (two inherited file descriptors).
Its orders, the camera's URL with its password among them, come over the connection, so that no
process list shows them.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import threading
import time
from functools import partial
from multiprocessing.connection import Connection

from config.schema import CameraSettings
from streams.address import is_live, redacted
from streams.errors import SourceCorruptError, SourceOpenError
from streams.frame import Frame
from streams.frame_slots import SlotWriter
from streams.reader_messages import (
    Alive,
    Broke,
    Damaged,
    Ended,
    Failed,
    FrameReady,
    Message,
    Opened,
    Opening,
    encoded,
)
from streams.reconnect import Backoff, reopened
from streams.source import FrameSource, SourceInfo, open_source

_FAREWELL_S = 1.0
_HEARTBEAT_S = 1.0


def main() -> None:
    """Obey the orders of the parent until the source or the parent ends."""
    # The parent decides when we end: Ctrl-C and a service's stop reach the whole process group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _set_up_logging()
    parent: Connection[bytes, bytes] = Connection(int(sys.argv[1]))
    memory = int(sys.argv[2])
    orders = json.loads(parent.recv_bytes())
    camera = CameraSettings.model_validate(orders["camera"])
    hand_over = _HandOver(
        parent,
        SlotWriter(memory, orders["num_slots"]),
        can_drop=is_live(camera.url.get_secret_value()),
        heartbeat_s=min(_HEARTBEAT_S, camera.timeout_s / 4),
    )
    try:
        if is_live(camera.url.get_secret_value()):
            _run_live(camera, orders["stride"], hand_over)
        else:
            _run_recorded(camera, orders["stride"], orders["start_index"], hand_over)
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(0)  # the parent is gone
    except Exception as error:  # noqa: BLE001 - a text without a password, whatever happens
        hand_over.tell(Broke(redacted(f"{type(error).__name__}: {error}")))
        sys.exit(1)


def _set_up_logging() -> None:
    handler = logging.StreamHandler()
    handler.addFilter(_without_credentials)
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", handlers=[handler]
    )


def _without_credentials(record: logging.LogRecord) -> bool:
    record.msg, record.args = redacted(record.getMessage()), ()
    return True


def _run_live(camera: CameraSettings, stride: int, hand_over: _HandOver) -> None:
    backoff = Backoff(camera.reopen_max_s, random.Random())  # noqa: S311 - spreads load
    items = reopened(partial(open_source, camera, stride), backoff, hand_over.pause, time.monotonic)
    try:
        for item in items:
            if isinstance(item, tuple):
                hand_over.give(*item)
            else:
                hand_over.tell(item)
            if hand_over.is_over:
                return
    except SourceOpenError as error:
        hand_over.tell(Failed(str(error)))
    finally:
        items.close()


def _run_recorded(
    camera: CameraSettings, stride: int, start_index: int, hand_over: _HandOver
) -> None:
    hand_over.tell(Opening())
    try:
        source = open_source(camera, stride)
    except SourceOpenError as error:
        hand_over.tell(Failed(str(error)))
        return
    try:
        hand_over.watch(source)
        hand_over.tell(Opened(source.info, is_new=True))
        for frame in source.frames(start_index):
            hand_over.give(source, frame)
            if hand_over.is_over:
                return
    except SourceOpenError as error:
        hand_over.tell(Failed(str(error)))
        return
    except SourceCorruptError as error:
        hand_over.tell(Damaged(str(error)))
    finally:
        source.close()
    hand_over.tell(Ended())


class _HandOver:
    """Gives frames and messages to the parent, and listens to it in a thread of its own."""

    def __init__(
        self,
        parent: Connection[bytes, bytes],
        slots: SlotWriter,
        *,
        can_drop: bool,
        heartbeat_s: float,
    ) -> None:
        self._parent = parent
        self._slots = slots
        self._can_drop = can_drop
        self._heartbeat_s = heartbeat_s
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._source: FrameSource | None = None
        self._info: SourceInfo | None = None
        self._is_waiting = False
        self._num_dropped = 0
        self._num_told = 0
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def is_over(self) -> bool:
        """The parent wants no more."""
        return self._over.is_set()

    def watch(self, source: FrameSource) -> None:
        """From now on this source's progress is the proof that work goes on."""
        self._source = source

    def tell(self, message: Message) -> None:
        """Send a message.

        Raises:
            BrokenPipeError: The parent is gone.
        """
        if isinstance(message, Opened):
            self._info = message.info
        with self._lock:
            self._parent.send_bytes(encoded(message))

    def give(self, source: FrameSource, frame: Frame) -> None:
        """Hand a frame over; without a free slot, wait (recorded) or drop it (live)."""
        self._source = source
        if source.info is not self._info:
            self.tell(Opened(source.info, is_new=False))
        self._is_waiting = True
        place = self._slots.write(frame.image)
        while place is None and not self._can_drop and not self.is_over:
            place = self._slots.write(frame.image, timeout_s=self._heartbeat_s)
        self._is_waiting = False
        self._num_told = source.num_read
        if place is None:
            self._num_dropped += 1
            return
        self.tell(
            FrameReady(
                frame.index,
                frame.timestamp,
                place,
                num_dropped=self._num_dropped,
                num_clock_jumps=source.num_clock_jumps,
                num_decode_errors=source.num_decode_errors,
            )
        )

    def pause(self, pause_s: float) -> bool:
        """Wait; True if the parent wants no more."""
        return self._over.wait(pause_s)

    def _listen(self) -> None:
        """Take back slots, send signs of life; end the process when the parent is gone."""
        told_at = time.monotonic()
        try:
            while True:
                if self._parent.poll(self._heartbeat_s):
                    self._slots.release(int(self._parent.recv_bytes()))
                if time.monotonic() - told_at < self._heartbeat_s:
                    continue
                told_at = time.monotonic()
                num_read = self._source.num_read if self._source else 0
                if num_read != self._num_told or self._is_waiting:
                    self._num_told = num_read
                    self.tell(Alive())
        except (EOFError, OSError):
            self._over.set()
            # Time to take leave of the camera; a decoder that hangs does not keep us.
            time.sleep(_FAREWELL_S)
            os._exit(0)


if __name__ == "__main__":
    main()
