"""Drawn frames to an MP4 file that any player shows: H.264, 4:2:0, a regular frame rate."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av

from streams.errors import StreamError
from streams.frame import Image

_OPTIONS = {"preset": "veryfast", "crf": "22"}


def write_mp4(path: Path, frames: Iterable[Image], fps: float, size_px: tuple[int, int]) -> int:
    """Write the frames and return how many there were; frame i is shown at i / fps seconds.

    Args:
        path: The file; one that is there is overwritten.
        frames: (H, W, 3) uint8 BGR images of the given size.
        fps: Frames a second.
        size_px: Width and height, both even.

    Raises:
        StreamError: The file cannot be written: no such folder, no permission, a full disk.
    """
    rate = Fraction(fps).limit_denominator(1001)
    num_frames = 0
    try:
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=rate, options=_OPTIONS)
            stream.width, stream.height = size_px
            stream.pix_fmt = "yuv420p"
            stream.time_base = 1 / rate
            for image in frames:
                picture = av.VideoFrame.from_ndarray(image, format="bgr24")
                picture.pts = num_frames
                picture.time_base = 1 / rate
                container.mux(stream.encode(picture))
                num_frames += 1
            container.mux(stream.encode())
    except (OSError, av.error.FFmpegError) as error:
        raise StreamError(
            f"cannot write the video {path}: {error}; is the folder writable and the disk not full?"
        ) from error
    return num_frames
