"""Whether the matcher's memory stays flat while people come, go and are forgotten.

    python -m benchmarks.bench_week [--passages 5000000] [--days 7]

A site of `--cameras` cameras with so many passages over the days, evenly spread; four of five are
of people seen within the last day. As in the service, what is older than a day is forgotten every
hour of stream time. Prints a JSON line a quarter of a day: memory, identities, decisions a second;
the last line compares the memory of the last day with that of the second. By default scaled down.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Iterator
from itertools import islice

import numpy as np

from benchmarks.crowd import STARTED_AT, WINDOW_S, Crowd, decide_all
from benchmarks.measurement import machine
from benchmarks.memory import rss_mib
from matcher.calibration import built_in_calibration
from matcher.matcher import Matcher, MatchPolicy
from matcher.topology import Topology

RETENTION_S = 86400.0
NEW_SHARE = 0.2
_HOURS = 24


def comers(num_a_day: int, seed: int) -> Iterator[int]:
    """Who comes, without end: new people, and those who were new within the last day.

    Args:
        num_a_day: Passages.
        seed: Of the lot.
    """
    rng = np.random.default_rng(seed)
    num_recent = max(1, round(NEW_SHARE * num_a_day))
    num_people = 0
    while True:
        if num_people == 0 or rng.random() < NEW_SHARE:
            num_people += 1
            yield num_people - 1
        else:
            yield int(rng.integers(max(0, num_people - num_recent), num_people))


def week(arguments: argparse.Namespace) -> list[float]:
    """Memory in MiB at the end of each quarter of a day."""
    num_a_day = arguments.passages // arguments.days
    per_window = max(1, num_a_day // 86400)
    crowd = Crowd(
        num_cameras=arguments.cameras,
        dim=arguments.dim,
        per_window=per_window,
        seed=1,
        every_s=86400 * per_window / num_a_day,
    )
    matcher = Matcher(
        policy=MatchPolicy(window_s=WINDOW_S),
        topology=Topology(crowd.camera_ids),
        calibration=built_in_calibration,
    )
    people = comers(num_a_day, seed=2)
    memory = []
    for quarter in range(4 * arguments.days):
        num, seconds = 0, [0.0]
        for hour in range(quarter * _HOURS // 4, (quarter + 1) * _HOURS // 4):
            passages = crowd.passages(islice(people, num_a_day // _HOURS))
            more, times = decide_all(matcher, passages, "cpu")
            num, seconds = num + more, seconds + times
            matcher.expire(STARTED_AT + 3600 * (hour + 1) - RETENTION_S)
        gc.collect()
        memory.append(rss_mib())
        line = {
            "figure": "week",
            "day": (quarter + 1) / 4,
            "rss_mib": round(memory[-1], 1),
            "num_identities": matcher.stats.num_identities,
            "decisions_per_cpu_s": round(num / max(sum(seconds), 1e-9), 1),
        }
        print(json.dumps(line), flush=True)
    return memory


def main() -> None:
    """Runs the week."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--passages", type=int, default=70_000)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--cameras", type=int, default=16)
    arguments = parser.parse_args()
    memory = week(arguments)
    second, last = memory[4:8], memory[-4:]
    summary = {
        "figure": "week in all",
        "num_passages": arguments.passages,
        "second_day_mib": round(float(np.mean(second)), 1) if second else None,
        "last_day_mib": round(float(np.mean(last)), 1),
        **machine(),
    }
    print(json.dumps(summary), flush=True)


if __name__ == "__main__":
    main()
