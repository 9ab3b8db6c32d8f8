from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image as PillowImage

from streams.errors import SourceOpenError
from streams.probe import probe


def test_a_file_is_described(write_clip: Callable[..., Path]) -> None:
    info = probe(str(write_clip("clip.mp4", 10, fps=25)))
    assert (info.codec, info.width_px, info.height_px, info.fps) == ("h264", 192, 64, 25.0)
    assert (info.clock, info.is_live, info.num_frames) == ("file", False, 10)


def test_a_folder_is_described(tmp_path: Path) -> None:
    PillowImage.new("RGB", (6, 4)).save(tmp_path / "a.png")
    info = probe(str(tmp_path))
    assert (info.codec, info.width_px, info.height_px, info.num_frames) == ("images", 6, 4, 1)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/nowhere/cam1.mp4", "does not exist"),
        ("http://admin:s3cret@h/v", "http: is not allowed"),
        ("webcam:97", "no such camera"),
        ("rtsp://admin:s3 cret@h/v", "percent-encode"),
    ],
)
def test_why_it_cannot_be_opened(url: str, words: str) -> None:
    with pytest.raises(SourceOpenError, match=words) as caught:
        probe(url)
    assert "s3" not in str(caught.value)


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, 1e9])
def test_impossible_timeouts_are_refused(timeout_s: float) -> None:
    with pytest.raises(ValueError, match="timeout of a probe"):
        probe("a.mp4", timeout_s=timeout_s)


@pytest.mark.rtsp
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_stream_is_described_with_the_clock_of_its_camera(
    serve: Callable[..., subprocess.Popen[bytes]],
    free_port: int,
    transport: Literal["tcp", "udp"],
) -> None:
    serve(free_port, "--login", "user:pass%40")
    url = f"rtsp://user:pass%2540@127.0.0.1:{free_port}/cam"
    info = probe(url, timeout_s=10.0, transport=transport)
    assert (info.codec, info.width_px, info.height_px, info.fps) == ("h264", 320, 240, 25.0)
    assert (info.clock, info.is_live, info.num_frames) == ("rtcp", True, None)
