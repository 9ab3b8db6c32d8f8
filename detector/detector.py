"""The seam of detection: what every backend promises, and the factory that builds one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from detector.detections import Detections
from streams.frame import Frame


class Detector(Protocol):
    """Finds people in frames. One thread uses an instance; a worker has one for all its cameras."""

    @property
    def name(self) -> str:
        """Backend and weights for logs and `doctor`, e.g. ``openvino yolo11n int8 on CPU``."""
        ...

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """People in each frame, in the order of `frames`; one batch, frames may differ in size and camera.

        Only people are returned, of at least the least score and height, best score first; N = 0 is normal,
        and so is an empty sequence.

        Raises:
            DetectorError: The backend failed on these frames.
        """
        ...

    def close(self) -> None:
        """Free the backend; may be called twice."""
        ...
