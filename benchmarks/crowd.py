"""A crowd of drawn looks, as large as one likes: for what deciding costs, not how well it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np

from matcher.matcher import Matcher
from matcher.tracklet import Feature, TrackBoxes, Tracklet

SPACE = "person-reidentification-retail-0277:bench"
SIMILARITY = 0.55
"""Mean cosine of one person's tracklets in two views, as `fit_calibration.py` finds it."""
STAY_S = 4.0
WINDOW_S = 0.5
STARTED_AT = 1e9

Clock = Literal["wall", "cpu"]
"""``cpu``: the thread's own time, for a machine that has other work too."""


class Crowd:
    """People who are seen one after the other, in one camera after the other.

    A look is drawn from the person's number, so that nothing is kept of people who are gone.

    Args:
        num_cameras: Of the site.
        dim: Length of a feature.
        per_window: Tracklets that are emitted together.
        seed: Of the looks.
        every_s: Seconds of stream time between two windows with tracklets.
    """

    def __init__(
        self,
        *,
        num_cameras: int,
        dim: int,
        per_window: int,
        seed: int,
        every_s: float = 20 * WINDOW_S,
    ) -> None:
        self.camera_ids = [f"cam{number}" for number in range(num_cameras)]
        self._dim = dim
        self._per_window = per_window
        self._every_s = every_s
        self._seed = seed
        self._rng = np.random.default_rng(seed)
        self._num = 0

    def passages(self, persons: Iterator[int], camera: int | None = None) -> Iterator[Tracklet]:
        """A tracklet of each person, `per_window` in a window, in that camera or in any."""
        for person in persons:
            at = STARTED_AT + self._every_s * (self._num // self._per_window)
            number = self._num % len(self.camera_ids) if camera is None else camera
            self._num += 1
            yield self._tracklet(self.camera_ids[number], at, self._look(person))

    def _look(self, person: int) -> Feature:
        own = _unit(np.random.default_rng((self._seed, person)).normal(size=self._dim))
        noise = _unit(self._rng.normal(size=self._dim))
        share = np.sqrt(SIMILARITY)
        return _unit(share * own + np.sqrt(1 - share**2) * noise)

    def _tracklet(self, camera_id: str, at: float, feature: Feature) -> Tracklet:
        boxes = TrackBoxes(
            np.array([0]), np.array([at]), np.ones((1, 4), np.float32), np.ones(1, np.float32)
        )
        return Tracklet(
            tracklet_id=f"{camera_id}-1-{self._num}",
            version=1,
            camera_id=camera_id,
            started_at=at,
            ended_at=at + STAY_S,
            emitted_at=at + STAY_S,
            boxes=boxes,
            feature=feature,
            quality=0.5,
            space=SPACE,
            is_final=True,
        )


def decide_all(
    matcher: Matcher, tracklets: Iterator[Tracklet], clock: Clock = "wall"
) -> tuple[int, list[float]]:
    """Decides window by window; the number of decisions and the seconds of each window."""
    now = time.perf_counter if clock == "wall" else time.thread_time
    num = 0
    seconds: list[float] = []
    window: list[Tracklet] = []
    for tracklet in tracklets:
        if window and tracklet.emitted_at != window[-1].emitted_at:
            num += _decide(matcher, window, seconds, now)
            window = []
        window.append(tracklet)
    return num + _decide(matcher, window, seconds, now), seconds


def _decide(
    matcher: Matcher, window: list[Tracklet], seconds: list[float], now: Callable[[], float]
) -> int:
    started = now()
    for tracklet in window:
        matcher.offer(tracklet)
    num = sum(len(decisions) for decisions in matcher.flush())
    seconds.append(now() - started)
    return num


def _unit(vector: np.ndarray) -> Feature:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
