"""Keeps a live source going: opens it again after every loss, with growing pauses, for ever."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator

from streams.errors import SourceLostError, SourceOpenError
from streams.frame import Frame
from streams.reader_messages import Opened, Opening, Paused
from streams.source import FrameSource

_JITTER = 0.2


class Backoff:
    """Pauses of 1, 2, 4 … seconds up to a limit, each up to 20 % shorter or longer by chance.

    The chance keeps many cameras that were lost at one moment from coming back at one moment.
    """

    def __init__(self, max_s: float, rng: random.Random, first_s: float = 1.0) -> None:
        """Pauses never exceed `max_s`."""
        self._max_s = max_s
        self._rng = rng
        self._first_s = min(first_s, max_s)
        self._next_s = self._first_s

    def next_s(self) -> float:
        """The next pause in seconds."""
        pause_s = self._next_s * self._rng.uniform(1 - _JITTER, 1 + _JITTER)
        self._next_s = min(2 * self._next_s, self._max_s)
        return min(pause_s, self._max_s)

    def reset(self) -> None:
        """All is well again: the next pause is a short one."""
        self._next_s = self._first_s


def reopened(
    open_source: Callable[[], FrameSource],
    backoff: Backoff,
    wait: Callable[[float], bool],
    clock: Callable[[], float],
) -> Generator[tuple[FrameSource, Frame] | Opening | Opened | Paused]:
    """Frames of a live source and what happens in between; each session's indexes begin at 0.

    A session that lasted longer than the pause before it makes the next pause a short one again.

    Args:
        open_source: Opens the source.
        backoff: How long to pause.
        wait: Pauses for so many seconds; True ends the iteration.
        clock: Seconds, to measure sessions.

    Raises:
        SourceOpenError: The source can't be opened, and no retry can help.
    """
    pause_s = 0.0
    while True:
        yield Opening()
        try:
            source = open_source()
        except SourceOpenError as error:
            if error.is_permanent:
                raise
            message = str(error)
        else:
            opened_at = clock()
            try:
                yield Opened(source.info, is_new=True)
                for frame in source.frames():
                    yield source, frame
                message = f"camera {source.camera_id}: the stream ended"
            except SourceLostError as error:
                message = str(error)
            finally:
                source.close()
            if clock() - opened_at > pause_s:
                backoff.reset()
        pause_s = backoff.next_s()
        yield Paused(message, pause_s)
        if wait(pause_s):
            return
