"""From presentation times to moments of capture that only go forward.

No clock is read here: arrival times are passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

MAX_CLOCK_ERROR_S = 60.0
"""A camera whose clock differs by more from this machine's at arrival is not believed."""

_MIN_STEP_S = 1e-3
_MAX_DELAY_S = 1.0
_SLEW = 0.5
"""While time must be held back it runs at this speed."""


class FileTimeline:
    """Capture times of a recorded source: start time plus presentation time.

    Presentation times that are missing or do not go forward are bridged by the frame period. After
    a jump back both the old and the new reckoning are kept, and the one that gives the nearest
    later moment counts: a single wrong time does not shift what follows it, a clip that starts
    again at zero goes on where it was.
    """

    def __init__(self, start_at: float, period_s: float) -> None:
        """The first frame is captured at `start_at`; `period_s` (> 0) separates two frames."""
        self._start_at = start_at
        self._period_s = period_s
        self._offsets: list[float] = []
        self._last_at: float | None = None
        self.num_jumps = 0

    def timestamp(self, pts_s: float | None) -> float:
        """Unix seconds of a frame, later than those of all frames before; pts in seconds."""
        if self._last_at is None:
            at = self._start_at
            if pts_s is not None:
                self._offsets = [at - pts_s]
        else:
            at = self._later(pts_s, self._last_at)
        self._last_at = at
        return at

    def _later(self, pts_s: float | None, last_at: float) -> float:
        expected_at = last_at + self._period_s
        if pts_s is None:
            return expected_at
        later = [offset + pts_s for offset in self._offsets if offset + pts_s > last_at]
        if later:
            return min(later)
        self.num_jumps += bool(self._offsets)
        self._offsets = [*self._offsets[-1:], expected_at - pts_s]
        return expected_at


class LiveTimeline:
    """Capture times of a live stream.

    Until the camera has reported its wall clock (RTCP), and for good where it never does:
    presentation time on the arrival of the least delayed frame so far. From then on: the camera's
    own clock. At the switch, time that would go back runs at half speed instead, until it is right
    again; time that must go forward steps.
    """

    def __init__(self, on_distrust: Callable[[float], None] | None = None) -> None:
        """`on_distrust` is told once, in seconds, how wrong a clock is that is not believed."""
        self._on_distrust = on_distrust
        self._origin_at: float | None = None
        self._last_at: float | None = None
        self._last_raw_at = 0.0
        self._last_pts_s: float | None = None
        self.clock: Literal["arrival", "rtcp"] = "arrival"
        self.num_jumps = 0

    def timestamp(
        self, pts_s: float | None, *, arrived_at: float, start_realtime: float | None = None
    ) -> float:
        """Unix seconds of a frame, later than those of all frames before.

        Args:
            pts_s: Presentation time in seconds; None: not known.
            arrived_at: When the frame was here.
            start_realtime: The camera's wall clock at presentation time 0; None until it is known.
        """
        if pts_s is None:
            raw_at = arrived_at
            self.num_jumps += self._last_at is not None and arrived_at < self._last_raw_at
        else:
            raw_at = self._raw(pts_s, arrived_at, start_realtime)
            self.num_jumps += self._last_pts_s is not None and pts_s < self._last_pts_s
            self._last_pts_s = pts_s
        at = self._forward(raw_at)
        self._last_raw_at = raw_at
        self._last_at = at
        return at

    def _raw(self, pts_s: float, arrived_at: float, start_realtime: float | None) -> float:
        if start_realtime is not None and self._trusts(start_realtime + pts_s - arrived_at):
            self.clock = "rtcp"
            return start_realtime + pts_s
        self.clock = "arrival"
        earliest = arrived_at - pts_s
        if self._origin_at is None or earliest - self._origin_at > _MAX_DELAY_S:
            self._origin_at = earliest
        self._origin_at = min(self._origin_at, earliest)
        return self._origin_at + pts_s

    def _trusts(self, error_s: float) -> bool:
        is_trusted = abs(error_s) <= MAX_CLOCK_ERROR_S
        if not is_trusted and self._on_distrust is not None:
            self._on_distrust(error_s)
            self._on_distrust = None
        return is_trusted

    def _forward(self, raw_at: float) -> float:
        if self._last_at is None or raw_at > self._last_at + _MIN_STEP_S:
            return raw_at
        step_s = _SLEW * max(0.0, raw_at - self._last_raw_at)
        return self._last_at + max(_MIN_STEP_S, step_s)
