"""The thread of a `streams.reader.CameraReader`: starts its child, hears it, ends it."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass

from config.schema import CameraSettings
from streams.address import is_live
from streams.camera_events import CameraEvent, CameraStory
from streams.reader_child import ReaderChild
from streams.reader_inbox import ReaderInbox, WaitingFrame
from streams.reader_messages import (
    Broke,
    Damaged,
    Ended,
    Failed,
    FrameReady,
    Message,
    Opened,
    Paused,
)
from streams.reconnect import Backoff
from streams.source import SourceInfo
from streams.watchdog import Watchdog

logger = logging.getLogger(__name__)

_LOOK_S = 0.1
_STEADY_S = 5.0
_MIN_STEP_S = 1e-3
_MAX_FRUITLESS = 5
_DIED = "its reader died"


@dataclass(frozen=True, slots=True)
class ReaderStats:
    """Counts of a camera's reader since its start.

    Attributes:
        num_frames: Frames that `poll` handed out.
        num_dropped: Live frames that nobody took before a newer one came.
        num_reopens: Times the source was opened again, in the same child process or a new one.
        num_restarts: Child processes that died or hung and were replaced.
        num_clock_jumps: Times the source's clock went back.
        num_decode_errors: Times that something did not decode.
        info: What is known of the source; None before it was open.
        last_frame_at: Timestamp of the newest frame that arrived; None before the first.
        pid: The child process; None while there is none.
    """

    num_frames: int = 0
    num_dropped: int = 0
    num_reopens: int = 0
    num_restarts: int = 0
    num_clock_jumps: int = 0
    num_decode_errors: int = 0
    info: SourceInfo | None = None
    last_frame_at: float | None = None
    pid: int | None = None


class ReaderWatch:
    """Keeps one child after the other at work until the source is over, or `stop`."""

    def __init__(
        self,
        camera: CameraSettings,
        inbox: ReaderInbox,
        *,
        stride: int,
        start_index: int,
        num_slots: int,
    ) -> None:
        self._camera = camera
        self._inbox = inbox
        self._stride = stride
        self._num_slots = num_slots
        self._is_live = is_live(camera.url.get_secret_value())
        self._story = CameraStory(camera.id)
        self._watchdog = Watchdog(camera.timeout_s)
        self._stopping = threading.Event()
        self._child: ReaderChild | None = None
        self._is_over = False
        self._next_index = start_index
        self._base_index = 0
        self._num_opened = 0
        self._num_restarts = 0
        self._dropped = _Sum()
        self._jumps = _Sum()
        self._errors = _Sum()

    def stop(self) -> None:
        """Ask the thread to end."""
        self._stopping.set()

    def stats(self) -> ReaderStats:
        """What was counted so far."""
        child = self._child
        return ReaderStats(
            num_frames=self._inbox.num_taken,
            num_dropped=self._inbox.num_replaced + self._dropped.total,
            num_reopens=max(0, self._num_opened - 1),
            num_restarts=self._num_restarts,
            num_clock_jumps=self._jumps.total,
            num_decode_errors=self._errors.total,
            info=self._story.info,
            last_frame_at=self._story.last_at,
            pid=child.pid if child else None,
        )

    def run(self) -> None:
        """The body of the thread."""
        try:
            self._keep_alive()
        except Exception as error:
            logger.exception("the reader of camera %s broke", self._camera.id)
            message = f"camera {self._camera.id}: its reader broke: {type(error).__name__}"
            self._tell(self._story.over("failed", message, time.time()))

    def _keep_alive(self) -> None:
        backoff = Backoff(self._camera.reopen_max_s, random.Random())  # noqa: S311 - spreads load
        num_fruitless = 0
        while not self._stopping.is_set():
            first_index, started_at = self._next_index, time.monotonic()
            problem = self._one_life()
            if not problem:
                return
            num_fruitless = num_fruitless + 1 if self._next_index == first_index else 1
            if num_fruitless >= _MAX_FRUITLESS and not self._is_live:
                message = (
                    f"camera {self._camera.id}: {problem} {num_fruitless} times at frame "
                    f"{first_index}; it may break the decoder: convert it, or leave it out"
                )
                self._tell(self._story.over("failed", message, time.time()))
                return
            self._num_restarts += 1
            logger.warning("camera %s: %s; starting it again", self._camera.id, problem)
            if time.monotonic() - started_at > _STEADY_S:
                backoff.reset()
            else:
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
        self._watchdog.begin(time.monotonic())
        try:
            problem = self._follow(child)
        finally:
            self._child = None
            ending = child.stop()
            self._inbox.retire(child)
            for count in (self._dropped, self._jumps, self._errors):
                count.close()
        problem = f"its reader {ending}" if problem == _DIED else problem
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
            now = time.monotonic()
            if isinstance(message, Broke):
                return f"its reader broke ({message.message})"
            if message is not None:
                self._hear(child, message, now)
                if self._is_over:
                    return ""
            elif self._watchdog.is_overdue(now):
                child.kill()
                return f"its reader hung: nothing for {self._watchdog.silence_s(now):.1f} s"
            elif self._watchdog.is_quiet(now):
                self._lost(f"no frame for {self._camera.timeout_s:g} s")
        return ""

    def _hear(self, child: ReaderChild, message: Message, now: float) -> None:
        match message:
            case FrameReady():
                self._take_in(child, message, is_leftover=self._watchdog.is_leftover(message, now))
            case Opened():
                self._note_open(message)
            case Paused():
                self._lost(message.message)
            case Damaged():
                self._tell(self._story.over("corrupt", message.message, time.time()))
            case Ended():
                self._is_over = True
                self._tell(self._story.over("ended", "end of the recording", time.time()))
            case Failed():
                self._is_over = True
                self._tell(self._story.over("failed", message.message, time.time()))
            case _:  # signs of life: they matter to the watchdog only
                pass
        self._watchdog.hear(message, now)

    def _note_open(self, message: Opened) -> None:
        self._story.info = message.info
        if not message.is_new:
            return
        self._num_opened += 1
        self._jumps.close()
        self._errors.close()
        if self._is_live:
            # Indexes of a live camera go on over all its sessions, in step with the stride.
            self._base_index = -(-self._next_index // self._stride) * self._stride

    def _take_in(self, child: ReaderChild, ready: FrameReady, *, is_leftover: bool) -> None:
        self._dropped.current = ready.num_dropped
        self._jumps.current = ready.num_clock_jumps
        self._errors.current = ready.num_decode_errors
        if self._story.is_lost and is_leftover:
            child.release(ready.image)
            return
        timestamp = ready.timestamp
        if self._is_live and self._story.last_at is not None:
            # A new session may begin with another clock than the last one ended with.
            timestamp = max(timestamp, self._story.last_at + _MIN_STEP_S)
        index = self._base_index + ready.index
        self._tell(self._story.frame(timestamp))
        self._inbox.put(WaitingFrame(child, ready.image, index, timestamp))
        self._next_index = index + 1

    def _lost(self, message: str) -> None:
        """A live camera gives no frames; a recorded one just goes on where it was."""
        if self._is_live:
            name = f"camera {self._camera.id}: "
            text = message if message.startswith(name) else name + message
            self._tell(self._story.lost(text, time.time()))

    def _tell(self, events: list[CameraEvent]) -> None:
        for event in events:
            self._inbox.put(event)


@dataclass(slots=True)
class _Sum:
    """A count that begins anew with each child or session, summed up."""

    before: int = 0
    current: int = 0

    @property
    def total(self) -> int:
        return self.before + self.current

    def close(self) -> None:
        self.before, self.current = self.before + self.current, 0
