"""Clips whose frames show their own number, and a real RTSP server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from config.schema import CameraSettings
from streams.frame import Image

collect_ignore = ["rtsp_server.py"]  # runs under another Python

NUM_BITS = 12
BLOCK_PX = 16
SIZE = (NUM_BITS * BLOCK_PX, 64)


@pytest.fixture(scope="session")
def numbered_image() -> Callable[[int], Image]:
    """Draws a picture that shows a number as a row of black and white blocks."""

    def draw(number: int) -> Image:
        bits = [number >> bit & 1 for bit in range(NUM_BITS)]
        row = np.repeat(np.array(bits, dtype=np.uint8) * 255, BLOCK_PX)
        return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (SIZE[1], SIZE[0], 3)))

    return draw


@pytest.fixture(scope="session")
def number_of() -> Callable[[Image], int]:
    """Reads the number that a picture shows."""

    def read(image: Image) -> int:
        middle = BLOCK_PX // 2
        blocks = image[image.shape[0] // 2, middle :: image.shape[1] // NUM_BITS, 1]
        return sum(1 << bit for bit, value in enumerate(blocks[:NUM_BITS]) if value > 127)

    return read


@pytest.fixture
def write_clip(tmp_path: Path, numbered_image: Callable[[int], Image]) -> Callable[..., Path]:
    """Writes clips of numbered frames: `write_clip(name, count, fps=, times_ms=, options=)`."""

    def write(
        name: str,
        num_frames: int = 30,
        fps: int = 25,
        times_ms: Sequence[int] | None = None,
        options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path / name
        to_front = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
        with av.open(str(path), "w", options=to_front) as container:
            stream = container.add_stream("libx264", rate=fps)
            stream.width, stream.height = SIZE
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, 1000)
            stream.options = {"preset": "ultrafast", "g": "10", "bf": "2", **(options or {})}
            for number in range(num_frames):
                frame = av.VideoFrame.from_ndarray(numbered_image(number), format="bgr24")
                frame.pts = times_ms[number] if times_ms else number * 1000 // fps
                frame.time_base = Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture(scope="session")
def camera() -> Callable[..., CameraSettings]:
    """Settings of a camera ``cam`` with short waits."""

    def make(url: object, **settings: object) -> CameraSettings:
        given = {"timeout_s": 2.0, "reopen_max_s": 1.0, **settings}
        return CameraSettings.model_validate({"id": "cam", "url": str(url), **given})

    return make
