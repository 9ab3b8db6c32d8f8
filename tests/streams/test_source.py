"""The contract of `FrameSource`, run over the recorded backends, and the factory."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from config.schema import CameraSettings
from streams.errors import SourceOpenError
from streams.frame import Image
from streams.images import ImageFolder
from streams.source import open_source
from streams.video import VideoFile

MakeCamera = Callable[..., CameraSettings]
START = "2026-01-01T10:00:00Z"
START_AT = 1_767_261_600.0


@pytest.fixture(params=["file", "folder"])
def recording(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    write_clip: Callable[..., Path],
    numbered_image: Callable[[int], Image],
) -> Path:
    """A recording of 20 numbered frames."""
    if request.param == "file":
        return write_clip("clip.mp4", 20)
    for number in range(20):
        PillowImage.fromarray(numbered_image(number)).save(tmp_path / f"{number}.png")
    return tmp_path


def test_frames_are_complete_ordered_and_read_only(
    recording: Path, camera: MakeCamera, number_of: Callable[[Image], int]
) -> None:
    source = open_source(camera(recording, start_at=START))
    frames = list(source.frames())
    source.close()
    source.close()
    assert [frame.index for frame in frames] == list(range(20))
    assert [number_of(frame.image) for frame in frames] == list(range(20))
    assert {frame.camera_id for frame in frames} == {"cam"} == {source.camera_id}
    assert frames[0].timestamp == START_AT
    assert all(earlier.timestamp < later.timestamp for earlier, later in pairwise(frames))
    assert not any(frame.image.flags.writeable for frame in frames)
    assert not source.info.is_live
    assert source.info.num_frames == 20
    assert source.num_read == 20


@pytest.mark.parametrize("start_index", [0, 7, 19, 20, 1000])
def test_reading_from_an_index_gives_the_rest_of_the_same_frames(
    recording: Path, camera: MakeCamera, start_index: int
) -> None:
    settings = camera(recording, start_at=START)
    whole = [(f.index, f.timestamp) for f in open_source(settings, stride=2).frames()]
    rest = open_source(settings, stride=2).frames(start_index)
    assert [(f.index, f.timestamp) for f in rest] == [w for w in whole if w[0] >= start_index]


def test_two_runs_give_the_same(recording: Path, camera: MakeCamera) -> None:
    def run() -> list[tuple[int, float, bytes]]:
        frames = open_source(camera(recording, max_fps=5)).frames()
        return [(frame.index, frame.timestamp, frame.image.tobytes()) for frame in frames]

    assert run() == run()


def test_the_factory_chooses_by_the_url(
    tmp_path: Path, camera: MakeCamera, write_clip: Callable[..., Path]
) -> None:
    PillowImage.new("RGB", (4, 4)).save(tmp_path / "a.png")
    assert isinstance(open_source(camera(tmp_path)), ImageFolder)
    assert isinstance(open_source(camera(write_clip("clip.mp4", 2))), VideoFile)
    with pytest.raises(SourceOpenError, match="webcam:97"):
        open_source(camera("webcam:97"))
    with pytest.raises(SourceOpenError, match="http: is not allowed"):
        open_source(camera("http://user:s3cret@127.0.0.1:1/v.mp4"))
