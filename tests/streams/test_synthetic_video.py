"""MP4 files of drawn frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from streams.errors import StreamError
from streams.frame import Image
from streams.synthetic_video import write_mp4


def _images(num: int) -> list[Image]:
    ramp = np.linspace(0, 255, 96, dtype=np.uint8)
    return [np.dstack([np.roll(np.tile(ramp, (64, 1)), 3 * i, axis=1)] * 3) for i in range(num)]


@pytest.mark.parametrize("fps", [10.0, 12.5, 29.97])
def test_file_has_every_frame_at_its_regular_time(fps: float, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    assert write_mp4(path, _images(25), fps, (96, 64)) == 25
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == Fraction(fps).limit_denominator(1001)
        times = [frame.time for frame in container.decode(stream)]
    assert times == pytest.approx([index / fps for index in range(25)], abs=1e-4)


def test_index_stands_before_the_pictures_for_players_that_stream(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(path, _images(5), 10.0, (96, 64))
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_frames_come_in_the_order_they_went(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    images = _images(12)
    write_mp4(path, iter(images), 10.0, (96, 64))
    with av.open(str(path)) as container:
        decoded = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    for image, again in zip(images, decoded, strict=True):
        assert np.abs(image.astype(float) - again.astype(float)).mean() < 12


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "clip.mp4"
    with pytest.raises(StreamError, match="missing"):
        write_mp4(path, _images(2), 10.0, (96, 64))
