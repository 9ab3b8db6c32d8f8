"""The command line as a new user meets it: help, mistakes, exit codes; real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TIMEOUT_S = 60


def _crosscam(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crosscam.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"},
        check=False,
    )


def test_help_names_every_command() -> None:
    done = _crosscam("--help")

    assert done.returncode == 0
    for command in (
        *("run", "worker", "match", "probe", "config", "identities", "trajectory", "search"),
        *("export", "embed", "demo", "doctor", "health"),
    ):
        assert command in done.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, crosscam.cli\n"
        "heavy = {'torch', 'cv2', 'av', 'faiss', 'redis', 'openvino', 'numpy', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=TIMEOUT_S, check=True
    )

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("run", "no.yaml"), "no such file"),
        (("config", "check", "no.yaml"), "no such file"),
        (("identities", "--data", "."), "--site"),
        (("probe", "no.mp4"), "no.mp4"),
        (("probe", "http://127.0.0.1:9/x"), "http"),
        (("search", "no.jpg", "--data", "."), "--site"),
        (("trajectory", "P1", "--data", ".", "--since", "yesterday"), "no moment"),
        (("run", "--stride", "2"), "No such option"),
        (("worker", "site.yaml", "--camera", "zzz"), "the site has no camera zzz"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value[:2]),
)
def test_a_mistake_gets_one_clear_message_and_no_traceback(
    tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    (tmp_path / "site.yaml").write_text("site: s\ncameras: [{id: a, url: a.mp4}]\n", "utf-8")

    done = _crosscam(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_config_show_hides_credentials(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("site: s\ncameras: [{id: a, url: 'rtsp://bob:hunter2@h/1'}]\n", "utf-8")

    done = _crosscam("config", "show", str(file))

    assert done.returncode == 0
    assert "hunter2" not in done.stdout + done.stderr
    assert "@h/1" in done.stdout


def test_health_of_an_idle_folder_is_code_one(tmp_path: Path) -> None:
    assert _crosscam("health", "--data", str(tmp_path)).returncode == 1
