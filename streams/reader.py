"""A camera in a process of its own.

Decoding beside a busy Python thread costs most of its speed (both want the interpreter), a decoder
that hangs cannot be interrupted, and one that crashes takes its process with it. So every camera is
decoded by a child process (`streams.reader_process`), a thread watches over it
(`streams.reader_watch`), and frames come over in shared memory (`streams.frame_slots`).
"""

from __future__ import annotations

import threading

from config.schema import CameraSettings
from streams.address import is_live
from streams.camera_events import CameraEvent
from streams.frame import Frame
from streams.reader_inbox import ReaderInbox
from streams.reader_watch import ReaderStats, ReaderWatch

__all__ = ["CameraEvent", "CameraReader", "ReaderStats"]

_CLOSE_S = 8.0


class CameraReader:
    """Runs the source of one camera in a child process and hands its frames over.

    Recorded sources: every sampled frame, in order, with back-pressure; when the child dies, the
    next one goes on behind the last frame that arrived, and no event tells of it. Live sources: the
    newest frame wins; what is lost is opened again for ever. A child without a sign of frames for
    twice `camera.timeout_s` is killed and replaced. `poll` and `close` are called from one thread.
    """

    def __init__(
        self, camera: CameraSettings, *, stride: int, start_index: int = 0, num_slots: int = 4
    ) -> None:
        """Nothing runs before `start`.

        Args:
            camera: The camera's settings.
            stride: Frames whose index is a multiple of it are read.
            start_index: First frame that is wanted (recorded sources).
            num_slots: Images that the child can be ahead, at least 2.

        Raises:
            ValueError: A value is out of range.
        """
        if stride < 1 or start_index < 0 or num_slots < 2:
            raise ValueError(
                f"reader of camera {camera.id}: expected stride >= 1, start_index >= 0 and "
                f"num_slots >= 2, got {stride}, {start_index} and {num_slots}"
            )
        live = is_live(camera.url.get_secret_value())
        self._inbox = ReaderInbox(camera.id, newest_only=live)
        self._watch = ReaderWatch(
            camera,
            self._inbox,
            stride=stride,
            start_index=0 if live else start_index,
            num_slots=num_slots,
        )
        self._thread = threading.Thread(
            target=self._watch.run, name=f"reader of {camera.id}", daemon=True
        )

    def start(self) -> None:
        """Start to read."""
        self._thread.start()

    def poll(self, timeout_s: float) -> Frame | CameraEvent | None:
        """The next frame or event, in order; None: nothing came within `timeout_s`.

        The frame's image is a copy of its own: it stays valid for as long as it is kept.
        """
        return self._inbox.take(timeout_s)

    @property
    def stats(self) -> ReaderStats:
        """Counts so far; may be asked at any time."""
        return self._watch.stats()

    def close(self) -> None:
        """End the child within seconds and free its memory; may be called twice."""
        self._watch.stop()
        self._inbox.close()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_S)
