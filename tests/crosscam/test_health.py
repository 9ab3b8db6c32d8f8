"""Heartbeats and the health check."""

from __future__ import annotations

import time
from pathlib import Path

from crosscam.health import Heartbeat, silent_processes


def test_a_beating_process_is_healthy_and_a_silent_one_is_named(tmp_path: Path) -> None:
    Heartbeat(tmp_path, "match").beat()

    assert silent_processes(tmp_path) == []
    assert silent_processes(tmp_path, now=time.time() + 100)[0].startswith("match has not been")


def test_no_process_at_all_is_unhealthy(tmp_path: Path) -> None:
    heart = Heartbeat(tmp_path, "match")
    heart.end()

    assert silent_processes(tmp_path) == ["no process of crosscam works on this folder"]
