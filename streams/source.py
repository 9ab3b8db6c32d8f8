"""The seam of the cameras: what every source promises, and the factory that opens one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, assert_never

from config.schema import CameraSettings
from streams.address import source_kind, webcam_number
from streams.frame import Frame

Clock = Literal["file", "rtcp", "arrival"]
"""Where timestamps come from: start + presentation time, the camera's RTCP reports, or arrival."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which frames of a source are looked at; see `streams.sampler.FrameSampler`.

    Attributes:
        stride: Frames whose index is a multiple of it are kept (>= 1).
        max_fps: At most this many frames a second are kept (> 0); None: no limit.

    Raises:
        ValueError: A value is out of range.
    """

    stride: int = 1
    max_fps: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.stride < 1:
            raise ValueError(f"stride of a sampling: expected at least 1, got {self.stride}")
        if self.max_fps is not None and self.max_fps <= 0:
            raise ValueError(f"max_fps of a sampling: expected more than 0, got {self.max_fps}")


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known of an open source.

    Attributes:
        codec: Name of the codec, e.g. ``h264``; ``images`` for a folder.
        width_px: Width of a frame.
        height_px: Height of a frame.
        fps: Frames a second as the source declares them; None if it does not.
        clock: Where the timestamps come from.
        is_live: Live sources never end by themselves and may drop frames.
        num_frames: Declared number of frames of a file; None if unknown or live.
    """

    codec: str
    width_px: int
    height_px: int
    fps: float | None
    clock: Clock
    is_live: bool
    num_frames: int | None = None


class FrameSource(Protocol):
    """Frames of one camera, in order of index.

    One thread opens, iterates and closes a source; another may look at `num_read`. `frames` may be
    iterated once. A recorded source (file, folder) yields every sampled frame and then stops; a
    live one yields until it is lost and then raises `SourceLostError`, it never just stops.
    Timestamps only go forward: a source whose clock jumps back re-anchors it and counts the jump.
    The image's size may change between frames.
    """

    @property
    def camera_id(self) -> str:
        """The camera's id in the site file."""
        ...

    @property
    def info(self) -> SourceInfo:
        """What is known of the source; a new object when something changed (size, clock)."""
        ...

    @property
    def num_clock_jumps(self) -> int:
        """How often the source's clock went back, so far."""
        ...

    @property
    def num_decode_errors(self) -> int:
        """How often something did not decode, so far."""
        ...

    @property
    def num_read(self) -> int:
        """Frames decoded or arrived so far, sampled or not; may be read from another thread."""
        ...

    def frames(self, start_index: int = 0) -> Iterator[Frame]:
        """The sampled frames from `start_index` on; live sources ignore it.

        Raises:
            SourceOpenError: Not a single frame of a file can be decoded (permanent).
            SourceLostError: A live stream ended or a read timed out.
            SourceCorruptError: A file is damaged; raised after all that decodes was yielded.
        """
        ...

    def close(self) -> None:
        """Free the source; may be called twice."""
        ...


def open_source(camera: CameraSettings, stride: int = 1) -> FrameSource:
    """Open the source of a camera.

    Args:
        camera: Its settings.
        stride: Keep the frames whose index is a multiple of it.

    Raises:
        SourceOpenError: The source cannot be opened; `is_permanent` says whether a retry can help.
            The text holds no credentials.
    """
    # Imports where they are used: a reader's process starts sooner with the one library it needs.
    url = camera.url.get_secret_value()
    sampling = Sampling(stride, camera.max_fps)
    start_at = camera.start_at.timestamp() if camera.start_at else None
    kind = source_kind(url)
    match kind:
        case "rtsp":
            from streams.video import RtspStream  # noqa: PLC0415

            return RtspStream(
                camera.id,
                url,
                sampling=sampling,
                transport=camera.transport,
                timeout_s=camera.timeout_s,
            )
        case "webcam":
            from streams.webcam import Webcam  # noqa: PLC0415

            return Webcam(camera.id, webcam_number(url), sampling=sampling)
        case "folder":
            from streams.images import ImageFolder  # noqa: PLC0415

            return ImageFolder(camera.id, Path(url), sampling=sampling, start_at=start_at)
        case "file":
            from streams.video import VideoFile  # noqa: PLC0415

            return VideoFile(camera.id, Path(url), sampling=sampling, start_at=start_at)
        case _:
            assert_never(kind)
