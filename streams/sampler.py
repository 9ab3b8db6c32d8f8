"""Which frames of a source are looked at."""

from __future__ import annotations

import math

from streams.source import Sampling

_EARLY_TICKS = 0.1
"""A frame may come this part of a tick early: containers round times, often to milliseconds."""


class FrameSampler:
    """Decides, frame by frame, what is kept; the same frames give the same answers.

    `stride` keeps the frames whose index is a multiple of it. `max_fps` lays ticks 1 / `max_fps`
    seconds apart, the first on the first frame, and keeps the first frame that reaches a tick not
    yet served. With both, a frame must pass the stride to serve a tick.
    """

    def __init__(self, sampling: Sampling) -> None:
        self._stride = sampling.stride
        self._max_fps = sampling.max_fps
        self._first_at: float | None = None
        self._last_tick = -1

    def keeps(self, index: int, timestamp: float) -> bool:
        """Whether this frame is kept; to be asked for every frame, in order of index."""
        if self._first_at is None:
            self._first_at = timestamp
        if index % self._stride:
            return False
        if self._max_fps is None:
            return True
        tick = math.floor((timestamp - self._first_at) * self._max_fps + _EARLY_TICKS)
        if tick <= self._last_tick:
            return False
        self._last_tick = tick
        return True
