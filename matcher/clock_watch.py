"""Whether the clocks of live cameras agree: one that is wrong by much must not hold up the others.

A camera's worker does not believe a camera whose clock differs from its own; so what is found here
is mostly the clock of a machine on which workers run.
"""

from __future__ import annotations

from collections.abc import Collection
from statistics import median

from matcher.camera_progress import CameraProgress

MOST_SKEW_S = 900.0
"""A clock that differs by less may be right: cameras fall behind when a machine has much to do."""


class ClockWatch:
    """Compares how far live cameras are, in stream time.

    Only those that run, are heard of, and went on since they were first heard of, speak for the
    time: what is known from before a restart does not.
    """

    def __init__(self) -> None:
        self._newest: dict[str, CameraProgress] = {}
        self._went_on: set[str] = set()

    def hear(self, progress: CameraProgress) -> None:
        """Takes what a camera says."""
        known = self._newest.get(progress.camera_id)
        if known is not None and progress.watermark_at > known.watermark_at:
            self._went_on.add(progress.camera_id)
        self._newest[progress.camera_id] = progress

    def ahead_s(self, camera_id: str, moment: float, silent: Collection[str] = ()) -> float | None:
        """How far a moment of a live camera is ahead of all others, if that is too much to be true.

        None if it is not, or fewer than two others are there to tell whose clock is wrong.

        Args:
            camera_id: Whose moment.
            moment: Stream time.
            silent: Cameras that were not heard of for long.
        """
        known = self._newest.get(camera_id)
        others = [at for name, at in self._marks(silent).items() if name != camera_id]
        if known is None or not known.is_live or len(others) < 2:
            return None
        ahead_s = moment - max(others)
        return ahead_s if ahead_s > MOST_SKEW_S else None

    def lagging(self, silent: Collection[str] = ()) -> set[str]:
        """Live cameras that are too far behind the others for these to wait for them."""
        marks = self._marks(silent)
        if not marks:
            return set()
        # Of two the later one counts: nobody can tell whose clock is wrong, but nobody may wait.
        reached_at = max(marks.values()) if len(marks) < 3 else median(marks.values())
        return {name for name, at in marks.items() if reached_at - at > MOST_SKEW_S}

    def _marks(self, silent: Collection[str]) -> dict[str, float]:
        """Stream time of the cameras that speak for it."""
        return {
            name: progress.watermark_at
            for name, progress in self._newest.items()
            if progress.is_live
            and progress.state == "running"
            and name in self._went_on
            and name not in silent
        }
