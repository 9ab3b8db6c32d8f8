"""How fast tracklets are published, committed and read again, and how many bytes one costs.

    python benchmarks/bench_store.py [--tracklets 2000] [--rounds 3]

Uses the embedded server with every write on disk before it is answered. Prints one JSON line per
figure: median and p95 over the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from matcher.connection import Connection
from matcher.decision import Decision
from matcher.embedded import EmbeddedServer
from matcher.publisher import Publisher
from matcher.records import encode_tracklet
from matcher.store import FeatureStore, Retention
from matcher.tracklet import TrackBoxes, Tracklet

NUM_BOXES = 90
"""Ten seconds at 18 frames a second, every second one looked at."""

FEATURE_SIZE = 2048
THUMBNAIL_BYTES = 6500
WINDOW = 8
WEEK = Retention(identities_s=604_800.0, thumbnails_s=604_800.0, events_s=31_536_000.0)


def make_tracklet(number: int, rng: np.random.Generator) -> Tracklet:
    """A tracklet of realistic size; its number sets camera and time."""
    feature = rng.normal(size=FEATURE_SIZE).astype(np.float32)
    started_at = 1_767_261_600.0 + number
    timestamps = started_at + np.arange(NUM_BOXES) / 9
    walk = np.cumsum(rng.normal(0, 3, (NUM_BOXES, 4)), axis=0)
    return Tracklet(
        tracklet_id=f"cam{number % 4}-1-{number}",
        version=1,
        camera_id=f"cam{number % 4}",
        started_at=started_at,
        ended_at=float(timestamps[-1]),
        emitted_at=float(timestamps[-1]),
        boxes=TrackBoxes(
            frame_indexes=np.arange(NUM_BOXES) * 2,
            timestamps=timestamps,
            xyxy=(np.array([300, 100, 380, 300]) + walk).astype(np.float32),
            scores=rng.uniform(0.4, 0.9, NUM_BOXES).astype(np.float32),
        ),
        feature=feature / np.linalg.norm(feature),
        quality=0.5,
        space="bench:1",
        is_final=True,
        thumbnails=tuple(rng.bytes(THUMBNAIL_BYTES) for _ in range(3)),
    )


def decide(tracklet: Tracklet, identity_id: str) -> Decision:
    """A decision on a tracklet."""
    return Decision(
        tracklet_id=tracklet.tracklet_id,
        version=tracklet.version,
        camera_id=tracklet.camera_id,
        started_at=tracklet.started_at,
        ended_at=tracklet.ended_at,
        is_final=True,
        identity_id=identity_id,
        is_new=False,
        is_first=True,
        similarity=0.8,
        probability=0.9,
        runner_up_id="P1",
        runner_up_probability=0.05,
        decided_at=tracklet.emitted_at,
    )


@contextmanager
def fresh_server() -> Iterator[str]:
    """The URL of an empty embedded server."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder))
        try:
            yield server.start()
        finally:
            server.stop()


def publish_all(url: str, tracklets: list[Tracklet], spool: Path) -> None:
    """Through the publisher, until the store has them."""
    with Publisher(url, "bench", spool_folder=spool, spool_max_mb=1024) as publisher:
        for tracklet in tracklets:
            publisher.publish(tracklet)
        if not publisher.flush(300.0):
            raise RuntimeError("the store did not take the tracklets")


def commit_all(store: FeatureStore, tracklets: list[Tracklet]) -> None:
    """In windows of a few, each tenth tracklet a new identity."""
    for start in range(0, len(tracklets), WINDOW):
        window = tracklets[start : start + WINDOW]
        decisions = [
            decide(tracklet, f"P{1 + (start + offset) // 10}")
            for offset, tracklet in enumerate(window)
        ]
        store.commit(decisions, {(t.tracklet_id, t.version): t for t in window})


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(tracklets: list[Tracklet]) -> dict[str, float]:
    """One round: all figures by name."""
    num = len(tracklets)
    figures: dict[str, float] = {}
    with fresh_server() as url, tempfile.TemporaryDirectory() as spool:
        publish_s = timed(lambda: publish_all(url, tracklets, Path(spool)))
        figures["published_per_s"] = num / publish_s
    with fresh_server() as url:
        connection = Connection(url)
        before = used_bytes(connection)
        store = FeatureStore(url, "bench", retention=WEEK)
        figures["committed_per_s"] = num / timed(lambda: commit_all(store, tracklets))
        figures["store_bytes_per_tracklet"] = (used_bytes(connection) - before) / num
        figures["restored_per_s"] = num / timed(lambda: list(store.restore()))
        identities = store.identities()
        figures["identities_listed_per_s"] = len(identities) / timed(store.identities)
        trajectory_s = timed(lambda: [store.sightings(i.identity_id) for i in identities])
        figures["trajectory_ms"] = 1000 * trajectory_s / len(identities)
        store.close()
        connection.close()
    figures["record_bytes"] = len(encode_tracklet(tracklets[0]))
    figures["record_bytes_without_thumbnails"] = len(
        encode_tracklet(tracklets[0], with_thumbnails=False)
    )
    return figures


def used_bytes(connection: Connection) -> int:
    """Memory that the server uses for data."""
    facts = connection.execute("INFO", "memory").decode().split()
    return int(next(f for f in facts if f.startswith("used_memory:")).partition(":")[2])


def commit_id() -> str:
    """Of the working tree; empty outside a repository."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def main() -> None:
    """Runs the rounds and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracklets", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    tracklets = [make_tracklet(number, rng) for number in range(arguments.tracklets)]
    rounds = [measure(tracklets) for _ in range(arguments.rounds)]
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    for name in rounds[0]:
        values = [figures[name] for figures in rounds]
        print(
            json.dumps(
                {
                    "benchmark": "store",
                    "figure": name,
                    "median": round(statistics.median(values), 2),
                    "p95": round(float(np.percentile(values, 95)), 2),
                    "tracklets": arguments.tracklets,
                    "rounds": arguments.rounds,
                    "commit": commit_id(),
                    "machine": machine,
                    "python": platform.python_version(),
                }
            )
        )


if __name__ == "__main__":
    main()
