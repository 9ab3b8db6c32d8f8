"""The frame: one image of one camera at one moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""(H, W, 3) uint8, BGR."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded image of a camera.

    Attributes:
        camera_id: The camera's id in the site file.
        index: 0-based number of the frame in its source; files count every coded frame, so that an
            index names the same frame whatever the sampling; live sources count what arrived.
        timestamp: Unix seconds UTC, the moment of capture.
        image: (H, W, 3) uint8 BGR, not writeable.

    Raises:
        ValueError: The image is not (H, W, 3) uint8 with H, W >= 1, or the index is negative.
    """

    camera_id: str
    index: int
    timestamp: float
    image: Image

    def __post_init__(self) -> None:
        """Check what the types cannot say, and lock the image."""
        image = self.image
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ValueError(
                f"frame {self.index} of camera {self.camera_id!r}: expected an (H, W, 3) uint8 "
                f"image, got {image.dtype} {image.shape}"
            )
        if self.index < 0:
            raise ValueError(f"frame index of camera {self.camera_id!r} is negative: {self.index}")
        if image.flags.writeable:
            image.setflags(write=False)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]
