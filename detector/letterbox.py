"""The letterbox: a frame scaled into a network's input, and boxes carried back to the frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from detector.detections import Boxes
from streams.frame import Frame, Image

PADDING_GREY = 114
"""What the YOLO family was trained to see beside the picture."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a frame lies in a network's input: scaled by one factor, centred, the rest grey.

    Attributes:
        frame_size: (width, height) of the frame in pixels.
        input_size: (width, height) of the input in pixels.
    """

    frame_size: tuple[int, int]
    input_size: tuple[int, int]

    @property
    def scale(self) -> float:
        """Input pixels per frame pixel."""
        (width, height), (input_width, input_height) = self.frame_size, self.input_size
        return min(input_width / width, input_height / height)

    @property
    def picture(self) -> tuple[int, int, int, int]:
        """(left, top, width, height) of the scaled frame in the input, at least 1 x 1 pixels."""
        width = min(max(round(self.frame_size[0] * self.scale), 1), self.input_size[0])
        height = min(max(round(self.frame_size[1] * self.scale), 1), self.input_size[1])
        return (self.input_size[0] - width) // 2, (self.input_size[1] - height) // 2, width, height

    def paint(self, image: Image, canvas: Image) -> None:
        """Write the frame's (H, W, 3) image, letterboxed, over the whole (h, w, 3) `canvas`.

        Raises:
            ValueError: The canvas has another size than `input_size`.
        """
        if (canvas.shape[1], canvas.shape[0]) != self.input_size:
            raise ValueError(
                f"canvas is {canvas.shape[1]}x{canvas.shape[0]}, not {self.input_size}"
            )
        left, top, width, height = self.picture
        canvas[:top] = PADDING_GREY
        canvas[top + height :] = PADDING_GREY
        canvas[:, :left] = PADDING_GREY
        canvas[:, left + width :] = PADDING_GREY
        window = canvas[top : top + height, left : left + width]
        if (width, height) == self.frame_size:
            window[...] = image
        else:
            window[...] = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)

    def to_frame(self, boxes: Boxes) -> Boxes:
        """(N, 4) xyxy boxes in input pixels → in frame pixels, not clipped.

        >>> Letterbox((100, 50), (200, 200)).to_frame(np.float32([[0, 50, 200, 150]])).tolist()
        [[0.0, 0.0, 100.0, 50.0]]
        """
        left, top, width, height = self.picture
        offset = np.array([left, top, left, top], dtype=np.float32)
        per_input_pixel = np.array(
            [self.frame_size[0] / width, self.frame_size[1] / height] * 2, dtype=np.float32
        )
        result: Boxes = (boxes - offset) * per_input_pixel
        return result


def input_size_for(
    frame_size: tuple[int, int], longer_side_px: int, multiple_px: int = 32
) -> tuple[int, int]:
    """The smallest input (width, height) with this longer side that holds a frame of this shape.

    Both sides are multiples of `multiple_px` (the coarsest stride of the network).

    >>> input_size_for((1920, 1080), 640)
    (640, 384)
    >>> input_size_for((1, 1000), 640)
    (32, 640)
    """
    scale = longer_side_px / max(frame_size)
    width, height = (-(-round(side * scale) // multiple_px) * multiple_px for side in frame_size)
    return max(width, multiple_px), max(height, multiple_px)


def letterboxed(images: Sequence[Image], input_size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Images as the input of a YOLO network.

    Args:
        images: N images (H, W, 3) uint8 BGR, of any sizes.
        input_size: (width, height) of the input.

    Returns:
        (N, 3, height, width) float32, RGB in [0, 1], contiguous.
    """
    width, height = input_size
    batch = np.empty((len(images), 3, height, width), dtype=np.float32)
    canvas = np.empty((height, width, 3), dtype=np.uint8)
    for image, tensor in zip(images, batch, strict=True):
        Letterbox((image.shape[1], image.shape[0]), input_size).paint(image, canvas)
        np.multiply(canvas[:, :, ::-1].transpose(2, 0, 1), np.float32(1 / 255), out=tensor)
    return batch


def by_input_size(
    frames: Sequence[Frame], input_size: Callable[[tuple[int, int]], tuple[int, int]]
) -> dict[tuple[int, int], list[int]]:
    """Positions in `frames` that share an input: input size → positions, in order.

    Args:
        frames: Frames of any sizes.
        input_size: Frame size → input size, both (width, height).
    """
    groups: dict[tuple[int, int], list[int]] = {}
    for position, frame in enumerate(frames):
        groups.setdefault(input_size(frame.size), []).append(position)
    return groups
