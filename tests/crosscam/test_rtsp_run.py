"""A run whose camera is a real RTSP server that is killed, frozen and restarted."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from config.load import load_site
from crosscam.data_folder import prepare
from crosscam.site_parts import open_store, store_url
from crosscam.supervisor import RunStatus, run_site
from matcher.camera_progress import CameraGap
from streams.synthetic import SyntheticSite, write_site

SITE = """\
site: street
cameras:
  - {{id: live, url: "rtsp://127.0.0.1:{port}/cam", timeout_s: 2, reopen_max_s: 1}}
  - {{id: file, url: "{video}", start_at: 2026-01-01T10:00:00Z}}
detector: {{kind: motion, stride: 2}}
embedder: {{kind: histogram}}
"""

Serve = Callable[..., subprocess.Popen[bytes]]


@dataclass
class _Watched:
    """The last status of a run, and waiting for a state of its live camera."""

    status: RunStatus | None = None
    states: list[str] = field(default_factory=list)

    def take(self, status: RunStatus) -> None:
        self.status = status

    def live(self) -> dict[str, object]:
        cameras = self.status.cameras if self.status else []
        return next((camera for camera in cameras if camera["camera_id"] == "live"), {})

    def wait_for(self, state: str, timeout_s: float) -> None:
        self._wait(lambda: self.live().get("state") == state, f"state {state}", timeout_s)

    def wait_for_frames(self, timeout_s: float) -> None:
        before = self.live().get("num_frames", 0)
        self._wait(
            lambda: (
                self.live().get("state") == "running" and self.live().get("num_frames", 0) != before
            ),
            "frames",
            timeout_s,
        )

    def _wait(self, condition: Callable[[], bool], what: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"no {what} within {timeout_s} s: {self.live()}"
            time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.rtsp
@pytest.mark.timeout(300)
def test_camera_that_is_killed_frozen_and_restarted_leaves_gaps_and_no_crash(
    tmp_path: Path, serve: Serve, free_port: int
) -> None:
    drawn = write_site(SyntheticSite(num_cameras=1, num_people=2, duration_s=6), tmp_path / "drawn")
    site_file = tmp_path / "site.yaml"
    site_file.write_text(SITE.format(port=free_port, video=drawn.videos[0]), encoding="utf-8")
    site = load_site(site_file)
    prepare(tmp_path / "data", site, site_file)
    stop, watched = threading.Event(), _Watched()
    run = threading.Thread(
        target=run_site,
        args=(site, site_file, tmp_path / "data"),
        kwargs={"stop": stop, "on_status": watched.take},
    )
    server = serve(free_port)
    run.start()
    try:
        watched.wait_for_frames(40)
        server.kill()
        watched.wait_for("lost", 15)
        server = serve(free_port)
        watched.wait_for_frames(15)
        server.send_signal(signal.SIGSTOP)
        watched.wait_for("lost", 20)
        server.send_signal(signal.SIGCONT)
        watched.wait_for_frames(20)
    finally:
        stop.set()
        run.join(90)

    assert not run.is_alive()
    assert watched.status is not None
    assert watched.status.restarts == {"worker": 0, "match": 0}
    gaps = _gaps(tmp_path / "data", site_file)
    assert len([gap for gap in gaps if gap.ended_at is not None]) == 2
    assert all(gap.ended_at is None or gap.ended_at > gap.started_at for gap in gaps)


def _gaps(data: Path, site_file: Path) -> list[CameraGap]:
    site = load_site(site_file)
    with store_url(site, data) as url:
        store = open_store(site, url)
        try:
            assert store.camera_progress("file") is not None
            return store.gaps("live")
        finally:
            store.close()
