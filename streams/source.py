"""The seam of the cameras: what every source of frames promises, and the factory that builds one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from streams.frame import Frame

Clock = Literal["file", "rtcp", "arrival"]
"""Where timestamps come from: start time + presentation time, the camera's RTCP reports, or arrival."""


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

    One thread opens, iterates and closes a source. `frames` may be iterated once. A recorded source
    (file, folder) yields every sampled frame and then stops; a live one yields until it is lost and
    then raises `SourceLostError`, it never just stops. Timestamps never go backwards: a source whose
    clock jumps back re-anchors it and counts the jump. The image's size may change between frames.
    """

    @property
    def camera_id(self) -> str:
        """The camera's id in the site file."""
        ...

    @property
    def info(self) -> SourceInfo:
        """What is known of the source."""
        ...

    def frames(self, start_index: int = 0) -> Iterator[Frame]:
        """The sampled frames with an index of at least `start_index` (recorded sources; live ignore it).

        Raises:
            SourceLostError: A live stream ended or a read timed out.
            SourceCorruptError: A file is damaged; raised after all that could be decoded was yielded.
        """
        ...

    def close(self) -> None:
        """Free the source; may be called twice."""
        ...
