"""How many tracklets a second the matcher decides, by the number of identities it knows.

    python benchmarks/bench_matcher.py [--identities 1000 10000] [--dim 256] [--tracklets 500]

Looks are random directions, and tracklets of a person lie around theirs at the similarities that
retail-0277 has on CUHK03 (0.55); cameras do not overlap, people come one after the other. The
matcher first gets to know everybody in each camera once (`fill`), then decides tracklets of people
who come back and of new ones, window by window (`decide`). Pure linking on one thread: no store.
Prints one JSON line a figure: rates, time of a window (median, p95, p99), memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import time
from collections.abc import Iterator

import faiss
import numpy as np

from matcher.calibration import built_in_calibration
from matcher.matcher import Matcher, MatchPolicy
from matcher.topology import Topology
from matcher.tracklet import Feature, TrackBoxes, Tracklet

SPACE = "person-reidentification-retail-0277:bench"
SIMILARITY = 0.55
"""Mean cosine of one person's tracklets in two views, as `fit_calibration.py` finds it."""
STAY_S = 4.0
WINDOW_S = 0.5
NEW_SHARE = 0.2


class Crowd:
    """People who are seen one after the other, in one camera after the other."""

    def __init__(self, *, num_cameras: int, dim: int, per_window: int, seed: int) -> None:
        self.camera_ids = [f"cam{number}" for number in range(num_cameras)]
        self._dim = dim
        self._per_window = per_window
        self._rng = np.random.default_rng(seed)
        self._looks: list[Feature] = []
        self._num = 0

    def passages(self, persons: Iterator[int], camera: int | None = None) -> Iterator[Tracklet]:
        """A tracklet of each person, `per_window` in a window, in that camera or in any."""
        for person in persons:
            at = 1e9 + WINDOW_S * (self._num // self._per_window) * 20
            number = self._num % len(self.camera_ids) if camera is None else camera
            self._num += 1
            yield self._tracklet(self.camera_ids[number], at, self._look(person))

    def _look(self, person: int) -> Feature:
        while person >= len(self._looks):
            self._looks.append(_unit(self._rng.normal(size=self._dim)))
        noise = _unit(self._rng.normal(size=self._dim))
        share = np.sqrt(SIMILARITY)
        return _unit(share * self._looks[person] + np.sqrt(1 - share**2) * noise)

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


def _unit(vector: np.ndarray) -> Feature:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def decide_all(matcher: Matcher, tracklets: Iterator[Tracklet]) -> tuple[int, list[float]]:
    """Decides window by window; the number of decisions and the seconds of each window."""
    num = 0
    seconds: list[float] = []
    window: list[Tracklet] = []
    for tracklet in tracklets:
        if window and tracklet.emitted_at != window[-1].emitted_at:
            num += _decide(matcher, window, seconds)
            window = []
        window.append(tracklet)
    return num + _decide(matcher, window, seconds), seconds


def _decide(matcher: Matcher, window: list[Tracklet], seconds: list[float]) -> int:
    started = time.perf_counter()
    for tracklet in window:
        matcher.offer(tracklet)
    num = sum(len(decisions) for decisions in matcher.flush())
    seconds.append(time.perf_counter() - started)
    return num


def measure(num_identities: int, arguments: argparse.Namespace) -> None:
    """Fills a matcher and measures it."""
    crowd = Crowd(
        num_cameras=arguments.cameras,
        dim=arguments.dim,
        per_window=arguments.per_window,
        seed=num_identities,
    )
    matcher = Matcher(
        policy=MatchPolicy(window_s=WINDOW_S),
        topology=Topology(crowd.camera_ids),
        calibration=built_in_calibration,
    )
    facts = machine() | {"num_identities": num_identities, "dim": arguments.dim}
    before = rss_mib()
    num = 0
    seconds: list[float] = []
    for camera in range(arguments.fill_cameras):
        more, times = decide_all(matcher, crowd.passages(iter(range(num_identities)), camera))
        num, seconds = num + more, seconds + times
    report(facts, "fill", num, seconds, matcher)
    report_memory(facts, before, num)
    rng = np.random.default_rng(0)
    is_new = rng.random(arguments.tracklets) < NEW_SHARE
    persons = np.where(
        is_new,
        num_identities + np.cumsum(is_new),
        rng.integers(0, num_identities, arguments.tracklets),
    )
    num, seconds = decide_all(matcher, crowd.passages(iter(persons.tolist())))
    report(facts, "decide", num, seconds, matcher)


def report(
    facts: dict[str, object], figure: str, num: int, seconds: list[float], matcher: Matcher
) -> None:
    """One JSON line about a number of decided windows."""
    milliseconds = 1000 * np.array(seconds)
    median, p95, p99 = np.percentile(milliseconds, [50, 95, 99])
    stats = matcher.stats
    figures = {
        "figure": figure,
        "num_decisions": num,
        "decisions_per_s": round(num / sum(seconds), 1),
        "window_ms_median": round(median, 3),
        "window_ms_p95": round(p95, 3),
        "window_ms_p99": round(p99, 3),
        "num_identities_known": stats.num_identities,
    }
    print(json.dumps(figures | facts))


def report_memory(facts: dict[str, object], before_mib: float, num: int) -> None:
    """One JSON line about memory."""
    used = rss_mib() - before_mib
    figures = {"figure": "memory", "rss_mib": round(used, 1), "kib_per_tracklet": used * 1024 / num}
    print(json.dumps(figures | facts))


def rss_mib() -> float:
    """Largest memory of the process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def machine() -> dict[str, object]:
    """Where and with what."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "commit": commit,
        "machine": f"{platform.machine()} {os.cpu_count()} cores",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "faiss": faiss.__version__,
    }


def main() -> None:
    """Measures each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--identities", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--tracklets", type=int, default=500, help="decided after filling")
    parser.add_argument("--per-window", type=int, default=10)
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--fill-cameras", type=int, default=1, help="cameras that saw everybody")
    arguments = parser.parse_args()
    for num_identities in arguments.identities:
        measure(num_identities, arguments)


if __name__ == "__main__":
    main()
