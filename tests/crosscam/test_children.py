"""Child processes: restarted when they die, ended cleanly, and never without us."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crosscam.children import EXIT_USER_ERROR, Child


def _wait(condition: Callable[[], bool], child: Child, timeout_s: float = 20.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        child.check()
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_a_command_that_ends_well_is_not_restarted(tmp_path: Path) -> None:
    child = Child("version", ["--version"], tmp_path / "logs" / "version.log")

    child.start()

    assert _wait(lambda: child.exit_code == 0, child)
    assert child.num_restarts == 0


def test_a_user_s_mistake_is_not_restarted_and_its_words_are_kept(tmp_path: Path) -> None:
    child = Child("check", ["config", "check", str(tmp_path / "no.yaml")], tmp_path / "check.log")

    child.start()

    assert _wait(lambda: child.exit_code == EXIT_USER_ERROR, child)
    assert "there is no such file" in child.last_words()


@pytest.mark.slow
def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("site: s\ncameras: [{id: a, url: a.mp4}]\n", encoding="utf-8")
    arguments = ["match", str(file), "--data", str(tmp_path), "--status", "json", "--with-parent"]
    child = Child("match", arguments, tmp_path / "match.log")
    child.start()
    assert _wait(lambda: child.status is not None, child)
    first = child.pid
    assert first is not None

    os.kill(first, signal.SIGKILL)

    assert _wait(lambda: child.num_restarts == 1 and child.pid not in (None, first), child)
    child.stop()
    assert child.wait(30)
    assert child.exit_code == 0
