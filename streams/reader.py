"""A camera in a process of its own.

Decoding beside a busy Python thread costs most of its speed (both want the interpreter), a decoder that
hangs cannot be interrupted, and one that crashes takes its process with it. So every camera is
decoded by a child process, and a thread here watches over it.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass
from typing import assert_never

from config.schema import CameraSettings
from streams.address import is_live
from streams.camera_events import CameraEvent, CameraStory
from streams.frame import Frame
from streams.reader_child import ReaderChild
from streams.reader_inbox import ReaderInbox, WaitingFrame
from streams.reader_messages import (
    Alive,
    Damaged,
    Ended,
    Failed,
    FrameReady,
    Message,
    Opened,
    Opening,
    Paused,
)
from streams.reconnect import Backoff
from streams.source import SourceInfo

__all__ = ["CameraEvent", "CameraReader", "ReaderStats"]

logger = logging.getLogger(__name__)

_LOOK_S = 0.1
_START_S = 30.0
_SLACK_S = 1.0
_CLOSE_S = 8.0
_MIN_STEP_S = 1e-3
_MAX_FRUITLESS = 3


@dataclass(frozen=True, slots=True)
class ReaderStats:
    """Counts since `CameraReader.start`.

    Attributes:
        num_frames: Frames that `poll` handed out.
        num_dropped: Live frames that nobody took before a newer one came.
        num_reopens: Times the source was opened again, in the same child process or a new one.
        num_restarts: Child processes that died or hung and were replaced.
        num_clock_jumps: Times the source's clock went back.
        info: What is known of the source; None before it was open.
        last_frame_at: Timestamp of the newest frame that arrived; None before the first.
        pid: The child process; None while there is none.
    """

    num_frames: int = 0
    num_dropped: int = 0
    num_reopens: int = 0
    num_restarts: int = 0
    num_clock_jumps: int = 0
    info: SourceInfo | None = None
    last_frame_at: float | None = None
    pid: int | None = None


class CameraReader:
    """Runs the source of one camera in a child process and hands its frames over.

    Recorded sources: every sampled frame, in order, with back-pressure; when the child dies, the
    next one goes on behind the last frame that arrived. Live sources: the newest frame wins; what
    is lost is opened again for ever. A child without a sign of frames for twice `camera.timeout_s`
    is killed and replaced. `poll` and `close` are called from one thread.
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
        self._watch = _Watch(camera, stride, start_index, num_slots, self._inbox)
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


class _Watch:
    """The thread that starts, hears, and if need be kills the child."""

    def __init__(
        self,
        camera: CameraSettings,
        stride: int,
        start_index: int,
        num_slots: int,
        inbox: ReaderInbox,
    ) -> None:
        self._camera = camera
        self._stride = stride
        self._num_slots = num_slots
        self._inbox = inbox
        self._is_live = is_live(camera.url.get_secret_value())
        self._story = CameraStory(camera.id)
        self._stopping = threading.Event()
        self._next_index = start_index
        self._base_index = 0
        self._child: ReaderChild | None = None
        self._is_over = False
        self._num_opened = 0
        self._num_restarts = 0
        self._dropped_before = self._dropped = 0
        self._jumps_before = self._jumps = 0
        self._sign_at = self._deadline_at = 0.0
        self._is_streaming = False

    def stop(self) -> None:
        """Ask the thread to end."""
        self._stopping.set()

    def stats(self) -> ReaderStats:
        """What was counted so far."""
        child = self._child
        return ReaderStats(
            num_frames=self._inbox.num_taken,
            num_dropped=self._inbox.num_replaced + self._dropped_before + self._dropped,
            num_reopens=max(0, self._num_opened - 1),
            num_restarts=self._num_restarts,
            num_clock_jumps=self._jumps_before + self._jumps,
            info=self._story.info,
            last_frame_at=self._story.last_at,
            pid=child.pid if child else None,
        )

    def run(self) -> None:
        """Watch until the source is over or `stop`."""
        try:
            self._keep_alive()
        except Exception as error:
            logger.exception("the reader of camera %s broke", self._camera.id)
            message = f"camera {self._camera.id}: its reader broke: {type(error).__name__}"
            self._tell(self._story.over("failed", message, time.time()))

    def _keep_alive(self) -> None:
        backoff = Backoff(self._camera.reopen_max_s, random.Random())  # noqa: S311 - spreads load
        fruitless = 0
        while not self._stopping.is_set():
            before, started_at = self._next_index, time.monotonic()
            problem = self._one_life()
            if not problem:
                return
            fruitless = fruitless + 1 if self._next_index == before else 1
            if fruitless >= _MAX_FRUITLESS and not self._is_live:
                message = (
                    f"camera {self._camera.id}: {problem} {fruitless} times at frame "
                    f"{self._next_index}; the file may break the decoder: convert it, or leave it out"
                )
                self._tell(self._story.over("failed", message, time.time()))
                return
            self._num_restarts += 1
            if time.monotonic() - started_at > self._camera.reopen_max_s:
                backoff.reset()
            logger.warning("camera %s: %s; starting it again", self._camera.id, problem)
            self._stopping.wait(backoff.next_s())

    def _one_life(self) -> str:
        """Run one child to its end; what was wrong with it, or nothing if the source is over."""
        try:
            child = ReaderChild(
                self._camera,
                stride=self._stride,
                start_index=self._next_index,
                num_slots=self._num_slots,
            )
        except OSError as error:
            problem = f"its reader cannot be started ({error.strerror})"
            self._lost(problem)
            return problem
        self._child = child
        self._expect(_START_S)
        try:
            problem = self._follow(child)
        finally:
            ending = child.stop()
            self._child = None
            self._inbox.retire(child)
            self._dropped_before, self._dropped = self._dropped_before + self._dropped, 0
            self._jumps_before, self._jumps = self._jumps_before + self._jumps, 0
        if problem == _DIED:
            problem = f"its reader {ending}"
        if problem:
            self._lost(problem)
        return problem

    def _follow(self, child: ReaderChild) -> str:
        """Hear the child until the source is over (empty), or something is wrong with the child."""
        while not self._stopping.is_set():
            try:
                message = child.receive(_LOOK_S)
            except (EOFError, ValueError):
                return _DIED
            if message is not None:
                self._hear(child, message)
                if self._is_over:
                    return ""
                continue
            now = time.monotonic()
            if (
                self._is_live
                and self._is_streaming
                and now - self._sign_at > self._camera.timeout_s
            ):
                self._lost(f"no frame for {self._camera.timeout_s:g} s")
            if now > self._deadline_at:
                child.kill()
                return f"its reader hung: nothing for {now - self._sign_at:.1f} s"
        return ""

    def _hear(self, child: ReaderChild, message: Message) -> None:
        self._sign_at = time.monotonic()
        patience_s = 2 * self._camera.timeout_s
        match message:
            case FrameReady():
                self._take_in(child, message)
            case Alive():
                pass
            case Opening():
                self._is_streaming = False
                patience_s += _SLACK_S
            case Opened():
                self._open(message)
            case Paused():
                self._is_streaming = False
                self._lost(message.message)
                patience_s += message.pause_s + _SLACK_S
            case Damaged():
                self._tell(self._story.over("corrupt", message.message, time.time()))
            case Ended() | Failed():
                self._is_over = True
                kind = "ended" if isinstance(message, Ended) else "failed"
                text = "end of the recording" if isinstance(message, Ended) else message.message
                self._tell(self._story.over(kind, text, time.time()))
            case _:
                assert_never(message)
        self._expect(patience_s)

    def _open(self, message: Opened) -> None:
        self._story.info = message.info
        if not message.is_new:
            return
        self._num_opened += 1
        self._jumps_before, self._jumps = self._jumps_before + self._jumps, 0
        if self._is_live:
            # Indexes of a live camera go on over all its sessions, in step with the stride.
            self._base_index = -(-self._next_index // self._stride) * self._stride

    def _take_in(self, child: ReaderChild, ready: FrameReady) -> None:
        self._is_streaming = True
        self._dropped, self._jumps = ready.num_dropped, ready.num_clock_jumps
        timestamp = ready.timestamp
        if self._is_live and self._story.last_at is not None:
            # A new session may begin with another clock than the last one ended with.
            timestamp = max(timestamp, self._story.last_at + _MIN_STEP_S)
        index = self._base_index + ready.index
        self._tell(self._story.frame(timestamp))
        self._inbox.put(WaitingFrame(child, ready.image, index, timestamp))
        self._next_index = index + 1

    def _lost(self, message: str) -> None:
        """A live camera gives no frames. A recorded one just goes on where it was."""
        if self._is_live:
            text = message if self._camera.id in message else f"camera {self._camera.id}: {message}"
            self._tell(self._story.lost(text, time.time()))

    def _tell(self, events: list[CameraEvent]) -> None:
        for event in events:
            self._inbox.put(event)

    def _expect(self, within_s: float) -> None:
        self._deadline_at = time.monotonic() + within_s


_DIED = "its reader died"
