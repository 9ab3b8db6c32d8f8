"""What deciding costs: time and memory against the number of identities and exemplars.

    python -m benchmarks.bench_matcher [--sizes 1000x10 10000x10] [--plot cost.svg]

A size is IDENTITIESxEXEMPLARS: everybody was seen in so many cameras once. Looks are random
directions, and tracklets of a person lie around theirs at the similarities that retail-0277 has on
CUHK03 (0.55); cameras do not overlap, people come one after the other. The matcher is restored with
everybody (`fill`), then decides tracklets of people who come back and of new ones, window by window
(`decide`). Pure linking on one thread: no store. `--clock cpu` counts the thread's own time, for a
machine that has other work. Prints one JSON line a figure: rates, time of a
window (median, p95, p99), memory per identity and per tracklet; `--plot` draws rate and p99.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from benchmarks.cost_chart import CostPoint, write_cost_chart
from benchmarks.crowd import WINDOW_S, Clock, Crowd, decide_all
from benchmarks.measurement import machine
from benchmarks.memory import rss_mib
from matcher.calibration import built_in_calibration
from matcher.decision import Decision
from matcher.matcher import Matcher, MatchPolicy
from matcher.topology import Topology
from matcher.tracklet import Tracklet

NEW_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Size:
    """How many are known.

    Attributes:
        num_identities: People.
        num_exemplars: Of each, in as many cameras.
    """

    num_identities: int
    num_exemplars: int


def size_of(text: str) -> Size:
    """A size from ``IDENTITIESxEXEMPLARS``.

    >>> size_of("10000x10")
    Size(num_identities=10000, num_exemplars=10)
    """
    identities, _, exemplars = text.partition("x")
    return Size(int(identities), int(exemplars or 1))


def measure(size: Size, arguments: argparse.Namespace) -> CostPoint:
    """Fills a matcher and measures it."""
    crowd = Crowd(
        num_cameras=max(arguments.cameras, size.num_exemplars),
        dim=arguments.dim,
        per_window=arguments.per_window,
        seed=size.num_identities,
    )
    facts = machine() | {"dim": arguments.dim, **asdict(size)}
    gc.collect()
    before_mib = rss_mib()
    matcher = Matcher(
        policy=MatchPolicy(window_s=WINDOW_S),
        topology=Topology(crowd.camera_ids),
        calibration=built_in_calibration,
    )
    matcher.restore(_known(crowd, size), next_identity_number=size.num_identities + 1)
    used_kib = 1024 * (rss_mib() - before_mib)
    num_known = size.num_identities * size.num_exemplars
    fill = {
        "figure": "fill",
        "memory_mib": round(used_kib / 1024, 1),
        "kib_per_identity": round(used_kib / size.num_identities, 2),
        "kib_per_tracklet": round(used_kib / num_known, 2),
    }
    print(json.dumps(fill | facts), flush=True)
    persons = _comers(size.num_identities, arguments.tracklets)
    num, seconds = decide_all(matcher, crowd.passages(iter(persons)), arguments.clock)
    point = _point(num_known, num, seconds)
    decide = {
        "figure": "decide",
        "num_decisions": num,
        "decisions_per_s": round(point.decisions_per_s, 1),
        "window_ms_median": round(float(np.median(1000 * np.array(seconds))), 3),
        "window_ms_p95": round(float(np.percentile(1000 * np.array(seconds), 95)), 3),
        "window_ms_p99": round(point.p99_ms, 3),
        "per_window": arguments.per_window,
        "clock": arguments.clock,
        "num_identities_known": matcher.stats.num_identities,
    }
    print(json.dumps(decide | facts), flush=True)
    return point


def _known(crowd: Crowd, size: Size) -> Iterator[tuple[Decision, Tracklet]]:
    """Everybody once in each of the first cameras, as the store tells it at a restart."""
    for camera in range(size.num_exemplars):
        people = iter(range(size.num_identities))
        for person, tracklet in enumerate(crowd.passages(people, camera)):
            yield _decision(tracklet, f"P{person + 1}", is_new=camera == 0), tracklet


def _decision(tracklet: Tracklet, identity_id: str, *, is_new: bool) -> Decision:
    return Decision(
        tracklet_id=tracklet.tracklet_id,
        version=tracklet.version,
        camera_id=tracklet.camera_id,
        started_at=tracklet.started_at,
        ended_at=tracklet.ended_at,
        is_final=tracklet.is_final,
        identity_id=identity_id,
        is_new=is_new,
        is_first=True,
        similarity=None if is_new else 0.6,
        probability=0.99,
        runner_up_id=None,
        runner_up_probability=None,
        decided_at=tracklet.emitted_at,
    )


def _comers(num_known: int, num: int) -> list[int]:
    """Who comes: people who are known, by chance, and new ones."""
    rng = np.random.default_rng(0)
    is_new = rng.random(num) < NEW_SHARE
    again = rng.integers(0, num_known, num)
    return [int(p) for p in np.where(is_new, num_known + np.cumsum(is_new), again)]


def _point(num_known: int, num: int, seconds: list[float]) -> CostPoint:
    p99_ms = float(np.percentile(1000 * np.array(seconds), 99))
    return CostPoint(num_known, num / sum(seconds), p99_ms)


def main() -> None:
    """Measures each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", nargs="+", default=["1000x1", "1000x10", "10000x10"])
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--tracklets", type=int, default=1000, help="decided after filling")
    parser.add_argument("--per-window", type=int, default=10)
    parser.add_argument("--cameras", type=int, default=16)
    parser.add_argument("--clock", choices=get_args(Clock), default="wall")
    parser.add_argument("--plot", type=Path, help="SVG file")
    arguments = parser.parse_args()
    points = [measure(size_of(text), arguments) for text in arguments.sizes]
    if arguments.plot is not None:
        write_cost_chart(points, arguments.plot)


if __name__ == "__main__":
    main()
