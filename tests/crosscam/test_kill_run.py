"""`kill -9` of worker and matcher at random moments of a run: nothing is lost or applied twice."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.load import load_site
from crosscam.data_folder import prepare
from crosscam.site_parts import open_store
from crosscam.supervisor import run_site
from matcher.audit import AuditReport, StreamAudit
from matcher.embedded import EmbeddedServer
from streams.synthetic import SyntheticSite, write_site

SHOP = """\
site: shop
cameras:
  - {{id: cam1, url: {shared}/video/retail/cam1.mp4, start_at: 2026-01-01T10:00:00Z}}
  - {{id: cam2, url: {shared}/video/retail/cam2.mp4, start_at: 2026-01-01T10:00:00Z}}
  - {{id: cam3, url: {shared}/video/retail/cam3.mp4, start_at: 2026-01-01T10:00:00Z}}
detector:
  kind: openvino
  weights: {shared}/weights/yolo11n_int8_openvino_model
  stride: 2
embedder:
  kind: openvino_ir
  weights: {shared}/weights/openvino/{ir}/{ir}.xml
matcher: {{overlap: true}}
store: {{url: "{url}"}}
"""


def _pids(role: str, site_file: Path) -> list[int]:
    """Processes that run ``crosscam ROLE SITE``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if role in words and str(site_file) in words:
            found.append(int(process.name))
    return found


def _killed_run(site_file: Path, data: Path, url: str, *, num_kills: int, seed: int) -> AuditReport:
    """Run the site, killing worker and matcher in turn; all `num_kills` must find a process."""
    rng = random.Random(seed)
    site = load_site(site_file)
    prepare(data, site, site_file)
    stop = threading.Event()
    run = threading.Thread(
        target=run_site,
        args=(site, site_file, data),
        kwargs={"stop": stop, "on_status": lambda _: None},
    )
    run.start()
    audit = StreamAudit(url, site.site)
    kills = 0
    next_kill_at = time.monotonic() + rng.uniform(0.5, 3.0)
    try:
        while run.is_alive():
            time.sleep(0.05)
            audit.collect()
            if kills < num_kills and time.monotonic() >= next_kill_at:
                for pid in _pids(("worker", "match")[kills % 2], site_file)[:1]:
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
                next_kill_at = time.monotonic() + rng.uniform(0.5, 3.0)
    finally:
        stop.set()
        run.join(120)
    assert kills == num_kills
    store = open_store(site, url)
    report = audit.report(store)
    audit.close()
    store.close()
    return report


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A server that outlives the run, so that the stream can be counted to its end."""
    server = EmbeddedServer(tmp_path / "server")
    yield server.start()
    server.stop()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_drawn_site_survives_kills(tmp_path: Path, url: str) -> None:
    drawn = write_site(SyntheticSite(num_cameras=2, num_people=4, duration_s=12), tmp_path / "site")
    with drawn.site_file.open("a", encoding="utf-8") as file:
        file.write(f"store: {{url: '{url}'}}\n")

    report = _killed_run(drawn.site_file, tmp_path / "data", url, num_kills=4, seed=1)

    assert report.is_clean, report
    assert report.num_published > 0


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.timeout(600)
def test_shop_clips_survive_twenty_kills(tmp_path: Path, shared_dir: Path, url: str) -> None:
    site_file = tmp_path / "shop.yaml"
    site_file.write_text(
        SHOP.format(shared=shared_dir, url=url, ir="person-reidentification-retail-0277"),
        encoding="utf-8",
    )

    report = _killed_run(site_file, tmp_path / "data", url, num_kills=20, seed=2)

    assert report.is_clean, report
    assert report.num_published > 0
