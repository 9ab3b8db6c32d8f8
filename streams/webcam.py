"""Webcams, through OpenCV: PyAV's devices differ from system to system."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2
import numpy as np

from streams.errors import SourceLostError, SourceOpenError
from streams.frame import Frame
from streams.sampler import FrameSampler
from streams.source import Sampling, SourceInfo
from streams.timeline import LiveTimeline


class Webcam:
    """A camera of this machine; frames are dated by their arrival."""

    def __init__(self, camera_id: str, number: int, *, sampling: Sampling) -> None:
        """Open the camera.

        Raises:
            SourceOpenError: There is no such camera, or another program uses it.
        """
        self._camera_id = camera_id
        self._number = number
        self._sampling = sampling
        self._timeline = LiveTimeline()
        self._num_read = 0
        self._num_decode_errors = 0
        self._capture = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceOpenError(
                f"camera {camera_id}: cannot open webcam:{number}: there is no such camera, "
                "another program uses it, or this user may not (group video)"
            )
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._info = SourceInfo(
            codec="webcam",
            width_px=int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            height_px=int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            fps=fps if fps > 0 else None,
            clock="arrival",
            is_live=True,
        )

    @property
    def camera_id(self) -> str:
        """The camera's id."""
        return self._camera_id

    @property
    def info(self) -> SourceInfo:
        """What the driver says."""
        return self._info

    @property
    def num_clock_jumps(self) -> int:
        """How often this machine's clock went back."""
        return self._timeline.num_jumps

    @property
    def num_decode_errors(self) -> int:
        """Frames that could not be taken over so far."""
        return self._num_decode_errors

    @property
    def num_read(self) -> int:
        """Frames that arrived so far."""
        return self._num_read

    def frames(self, start_index: int = 0) -> Iterator[Frame]:  # noqa: ARG002 - live: no past
        """The sampled frames as they arrive.

        Raises:
            SourceLostError: The camera was pulled out or stopped.
        """
        sampler = FrameSampler(self._sampling)
        while self._capture.grab():
            index, self._num_read = self._num_read, self._num_read + 1
            timestamp = self._timeline.timestamp(None, arrived_at=time.time())
            if sampler.keeps(index, timestamp):
                has_image, image = self._capture.retrieve()
                if not has_image or image.ndim != 3:
                    self._num_decode_errors += 1
                    continue
                pixels = np.asarray(image, dtype=np.uint8)
                yield Frame(self._camera_id, index, timestamp, pixels)
        raise SourceLostError(f"camera {self._camera_id}: webcam:{self._number} gives no frames")

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()
