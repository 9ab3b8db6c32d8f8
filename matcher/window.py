"""The windows: spans of stream time whose tracklets, of all cameras, are decided together."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from matcher.camera_progress import CameraProgress
from matcher.tracklet import Tracklet


@dataclass(frozen=True, slots=True)
class Window:
    """Tracklets that are decided together.

    Attributes:
        ended_at: Stream time.
        tracklets: Ordered by tracklet id and version.
    """

    ended_at: float
    tracklets: tuple[Tracklet, ...]


class Windows:
    """Holds tracklets until every camera has told everything of their window.

    Window k spans [k * window_s, (k + 1) * window_s) of `Tracklet.emitted_at`. What comes in
    belongs to its window, whatever the order of arrival; a tracklet that comes after all cameras
    have passed its window joins the one that is open then.

    Args:
        window_s: Length, > 0.
        camera_ids: The cameras that are waited for.
    """

    def __init__(self, window_s: float, camera_ids: Collection[str]) -> None:
        if not window_s > 0:
            raise ValueError(f"window_s must be above 0, got {window_s}")
        self._window_s = window_s
        self._camera_ids = frozenset(camera_ids)
        self._progress: dict[str, CameraProgress] = {}
        self._waiting: dict[int, dict[tuple[str, int], Tracklet]] = {}
        self._window_of: dict[tuple[str, int], int] = {}
        self._last_decided: int | None = None
        self.num_late = 0
        """Tracklets whose window had been decided when they came."""

    def __contains__(self, key: tuple[str, int]) -> bool:
        """This (tracklet id, version) waits."""
        return key in self._window_of

    @property
    def pending(self) -> frozenset[tuple[str, int]]:
        """(tracklet id, version) of all that wait."""
        return frozenset(self._window_of)

    def resume(self, decided_at: float) -> None:
        """Notes that windows up to this moment were decided before a restart."""
        self._note_decided(round(decided_at / self._window_s) - 1)

    def add(self, tracklet: Tracklet) -> None:
        """Puts a tracklet in its window, if it is not there yet."""
        key = (tracklet.tracklet_id, tracklet.version)
        if key in self._window_of:
            return
        number = self._number(tracklet.emitted_at)
        if self._last_decided is not None and number <= self._last_decided:
            self.num_late += 1
        passed = self._passed(())
        if passed is not None and math.isfinite(passed):
            number = max(number, self._number(passed))
        self._window_of[key] = number
        self._waiting.setdefault(number, {})[key] = tracklet

    def advance(self, progress: CameraProgress) -> None:
        """Takes note how far a camera is; what is older than known is ignored."""
        known = self._progress.get(progress.camera_id)
        if known is None or _age(progress) >= _age(known):
            self._progress[progress.camera_id] = progress

    def drop(self, tracklet_ids: Collection[str]) -> int:
        """Removes the versions of some tracklets; their number."""
        dropped = [key for key in self._window_of if key[0] in tracklet_ids]
        for key in dropped:
            number = self._window_of.pop(key)
            del self._waiting[number][key]
            if not self._waiting[number]:
                del self._waiting[number]
        return len(dropped)

    def take_due(self, stalled: Collection[str] = ()) -> list[Window]:
        """Removes and gives the windows that all cameras have passed, oldest first.

        Args:
            stalled: Cameras that are not waited for, besides the lost and the ended ones.
        """
        passed = self._passed(stalled)
        if passed is None:
            return self.take_all()
        if not math.isfinite(passed):
            return []
        open_number = self._number(passed)
        return [self._take(n) for n in sorted(self._waiting) if n < open_number]

    def take_all(self) -> list[Window]:
        """Removes and gives all windows, oldest first."""
        return [self._take(number) for number in sorted(self._waiting)]

    def _passed(self, stalled: Collection[str]) -> float | None:
        """Stream time up to which all awaited cameras are known; None: no camera is awaited."""
        marks = []
        for camera_id in self._camera_ids.difference(stalled):
            progress = self._progress.get(camera_id)
            if progress is None:
                marks.append(-math.inf)
            elif progress.state == "running":
                marks.append(progress.watermark_at)
        return min(marks, default=None)

    def _take(self, number: int) -> Window:
        tracklets = self._waiting.pop(number)
        for key in tracklets:
            del self._window_of[key]
        self._note_decided(number)
        in_order = tuple(tracklets[key] for key in sorted(tracklets))
        return Window((number + 1) * self._window_s, in_order)

    def _note_decided(self, number: int) -> None:
        self._last_decided = max(
            number, number if self._last_decided is None else self._last_decided
        )

    def _number(self, moment: float) -> int:
        return math.floor(moment / self._window_s)


def _age(progress: CameraProgress) -> tuple[int, float]:
    return progress.epoch, progress.watermark_at
