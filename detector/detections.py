"""Detections: the people found in one frame, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.frame import Frame

Boxes = npt.NDArray[np.float32]
"""(N, 4) float32, xyxy in pixels of the frame, x2 > x1 and y2 > y1."""
Scores = npt.NDArray[np.float32]
"""(N,) float32 in [0, 1]."""


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """People found in a frame; N = 0 is normal.

    Attributes:
        frame: The frame they were found in.
        boxes: (N, 4) float32 xyxy pixels, finite, clipped to the frame, not writeable.
        scores: (N,) float32 in [0, 1], not writeable.

    Raises:
        ValueError: A shape, dtype or range is other than stated.
    """

    frame: Frame
    boxes: Boxes
    scores: Scores

    def __post_init__(self) -> None:
        """Check the columns and set them not writeable."""
        num = len(self.boxes)
        if self.boxes.shape != (num, 4) or self.boxes.dtype != np.float32:
            found = f"{self.boxes.dtype} {self.boxes.shape}"
            raise ValueError(f"boxes: expected (N, 4) float32, got {found}")
        if self.scores.shape != (num,) or self.scores.dtype != np.float32:
            found = f"{self.scores.dtype} {self.scores.shape}"
            raise ValueError(f"scores: expected ({num},) float32, got {found}")
        if not np.isfinite(self.boxes).all():
            raise ValueError("boxes: not all values are finite")
        if num and not ((self.scores >= 0) & (self.scores <= 1)).all():
            raise ValueError("scores: not all in [0, 1]")
        self.boxes.setflags(write=False)
        self.scores.setflags(write=False)

    def __len__(self) -> int:
        """Give the number of people."""
        return len(self.boxes)
