"""Workers, matcher and server are killed at random; nothing published is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import matcher
from matcher.audit import StreamAudit
from matcher.connection import CommandRefusedError, Connection
from matcher.embedded import EmbeddedServer
from matcher.errors import StoreUnavailableError
from matcher.keys import SiteKeys
from matcher.store import FeatureStore, Retention

WEEK = Retention(identities_s=604_800.0, thumbnails_s=86_400.0, events_s=31_536_000.0)
NUM_KILLS = 21

WORKER = """
import sys, time
from pathlib import Path
import numpy as np
from matcher.camera_progress import CameraProgress
from matcher.errors import StoreError
from matcher.retention import Retention
from matcher.publisher import Publisher
from matcher.store import FeatureStore
from matcher.tracklet import TrackBoxes, Tracklet

url, folder, stop, written = sys.argv[1], *map(Path, sys.argv[2:])
WEEK = Retention(604_800.0, 86_400.0, 31_536_000.0)


def tracklet(number):
    rng = np.random.default_rng(number % 7)
    feature = rng.normal(size=64).astype(np.float32)
    started_at = 1_767_261_600.0 + 0.2 * number
    timestamps = started_at + np.arange(5) / 10
    boxes = TrackBoxes(
        np.arange(5), timestamps, np.full((5, 4), 9, np.float32), np.full(5, 0.5, np.float32)
    )
    return Tracklet(
        f"cam1-1-{number}", 1, "cam1", started_at, float(timestamps[-1]), started_at + 0.5, boxes,
        feature / np.linalg.norm(feature), 0.5, "test:1", True, (b"jpeg" * 500,),
    )


def progress(number, state):
    watermark_at = 1_767_261_600.0 + 0.2 * number
    return CameraProgress("cam1", watermark_at, number, 1, state, False, "film")


with Publisher(url, "shop", spool_folder=folder, spool_max_mb=64) as publisher:
    newest = publisher.newest_progress("cam1")
    store = FeatureStore(url, "shop", retention=WEEK)
    while newest is None:
        try:
            newest = store.camera_progress("cam1")
            break
        except StoreError:
            time.sleep(0.05)
    number = 0 if newest is None else newest.next_index
    while not stop.exists():
        publisher.publish(tracklet(number))
        number += 1
        publisher.publish(progress(number, "running"))
        time.sleep(0.01)
    publisher.publish(progress(number + 10, "ended"))
    assert publisher.flush(60)
    written.write_text(str(number))
"""

MATCH = """
import sys, threading
from config.schema import MatcherSettings
from matcher.matcher import build_matcher
from matcher.retention import Retention
from matcher.service import MatchService
from matcher.store import FeatureStore

url = sys.argv[1]
store = FeatureStore(url, "shop", retention=Retention(604_800.0, 86_400.0, 31_536_000.0))
service = MatchService(
    url, "shop", matcher=build_matcher(MatcherSettings(), ["cam1"]), store=store,
    max_delay_s=3.0, camera_ids=["cam1"],
)
service.run(threading.Event())
"""


class Child:
    """A process that is killed and started again."""

    def __init__(self, code: str, *arguments: str) -> None:
        self._command = [sys.executable, "-c", code, *arguments]
        self._root = Path(matcher.__file__).parents[1]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, cwd=self._root)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def children() -> Iterator[list[Child]]:
    children: list[Child] = []
    yield children
    for child in children:
        child.kill()


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_when_anybody_is_killed_at_any_time(
    server: EmbeddedServer, tmp_path: Path, children: list[Child]
) -> None:
    stop, written = tmp_path / "stop", tmp_path / "written"
    worker = Child(WORKER, server.url, str(tmp_path / "spool"), str(stop), str(written))
    match = Child(MATCH, server.url)
    children += [worker, match]
    rng = random.Random(1)
    victims = ["worker", "match", "server"] * (NUM_KILLS // 3)
    rng.shuffle(victims)
    for victim in victims:
        time.sleep(rng.uniform(0.3, 0.9))
        if victim == "server":
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            time.sleep(0.1)
            server.ensure_alive()
        else:
            child = worker if victim == "worker" else match
            assert child.process.poll() is None  # it was at work until it is killed
            child.kill()
            child.start()
    stop.touch()
    assert worker.process.wait(60) == 0
    num_tracklets = int(written.read_text())
    assert num_tracklets >= NUM_KILLS

    store = FeatureStore(server.url, "shop", retention=WEEK)
    connection = Connection(server.url)
    audit = StreamAudit(server.url, "shop")
    deadline = time.monotonic() + 60
    while True:
        try:
            pending = connection.execute("XPENDING", SiteKeys("shop").tracklets, "matcher")[0]
            report = audit.report(store)
        except (StoreUnavailableError, CommandRefusedError):  # the group may not be made yet
            time.sleep(0.2)
            continue
        if (pending == 0 and report.num_decided == num_tracklets) or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    assert pending == 0
    assert report.num_published == report.num_decided == num_tracklets
    assert report.is_clean, report
    store.close()
    connection.close()
    audit.close()
