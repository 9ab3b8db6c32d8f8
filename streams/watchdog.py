"""When a reader's child has been silent for too long. No clock is read here: `now` is passed in."""

from __future__ import annotations

from typing import assert_never

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
    Paused,
)

_START_S = 30.0
_SLACK_S = 1.0
_LEFTOVER_SHARE = 0.25


class Watchdog:
    """Knows after each message how long the next one may take.

    Two limits: after `timeout_s` without a frame a live stream counts as lost (`is_quiet`), after
    twice that the child is given up (`is_overdue`). Seconds of a monotonic clock.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._sign_at = 0.0
        self._sign_timestamp: float | None = None
        self._deadline_at = 0.0
        self._is_streaming = False

    def begin(self, now: float) -> None:
        """A child was started; a busy machine may take long to load it."""
        self._sign(now, _START_S)
        self._is_streaming = False

    def hear(self, message: Message, now: float) -> None:
        """A message came."""
        patience_s = 2 * self._timeout_s
        match message:
            case FrameReady():
                if self.is_leftover(message, now):
                    return
                self._is_streaming = True
                self._sign_timestamp = message.timestamp
            case Alive() | Damaged() | Ended() | Failed() | Broke():
                pass
            case Opened():
                if message.is_new:
                    self._sign_timestamp = None
            case Opening():
                self._is_streaming = False
                patience_s += _SLACK_S
            case Paused():
                self._is_streaming = False
                patience_s += message.pause_s + _SLACK_S
            case _:
                assert_never(message)
        self._sign(now, patience_s)

    def silence_s(self, now: float) -> float:
        """Seconds since the last sign of life."""
        return now - self._sign_at

    def is_quiet(self, now: float) -> bool:
        """Frames came, and none has for `timeout_s`."""
        return self._is_streaming and self.silence_s(now) > self._timeout_s

    def is_overdue(self, now: float) -> bool:
        """The child is to be given up."""
        return now > self._deadline_at

    def is_leftover(self, ready: FrameReady, now: float) -> bool:
        """A frame that ends no silence, since it was captured at its beginning.

        FFmpeg keeps back the last frame and gives it when its wait for the next one runs out.
        """
        if self._sign_timestamp is None or self.silence_s(now) < self._timeout_s / 2:
            return False
        return ready.timestamp - self._sign_timestamp < _LEFTOVER_SHARE * self.silence_s(now)

    def _sign(self, now: float, patience_s: float) -> None:
        self._sign_at = now
        self._deadline_at = now + patience_s
