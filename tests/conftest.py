"""Fixtures that several packages' tests share."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
SERVER = REPOSITORY / "tests" / "streams" / "rtsp_server.py"
SYSTEM_PYTHON = "/usr/bin/python3"


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The research data folder; the test is skipped, with the reason, where it is absent."""
    folder = Path(os.environ.get("CROSSCAM_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "video").is_dir():
        pytest.skip(
            f"no research data at {folder}: set CROSSCAM_SHARED to its folder to run this test"
        )
    return folder


@pytest.fixture
def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def serve() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts RTSP servers: `serve(port, "--login", "user:password")`; ends them after the test."""
    check = subprocess.run(
        [SYSTEM_PYTHON, str(SERVER), "--check"], capture_output=True, text=True, check=False
    )
    if check.returncode or not sys.platform.startswith("linux"):
        pytest.skip(
            "no RTSP server: install python3-gi, gir1.2-gst-rtsp-server-1.0 and "
            "gstreamer1.0-plugins-{base,good,bad,ugly} for /usr/bin/python3"
        )
    started: list[subprocess.Popen[bytes]] = []

    def start(port: int, *arguments: str) -> subprocess.Popen[bytes]:
        server = subprocess.Popen(
            [SYSTEM_PYTHON, str(SERVER), str(port), *arguments], stdout=subprocess.PIPE
        )
        started.append(server)
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        return server

    yield start
    for server in started:
        server.kill()
        server.communicate()
