"""From crops of any size to the batch of normalised images that a network takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from reid.embedder import Crop

Images = npt.NDArray[np.float32]
"""(N, 3, H, W) float32, RGB, normalised; a view of channels-last memory."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How pixels become inputs: RGB in [0, 1], minus mean, over std.

    Attributes:
        mean: Per channel, RGB.
        std: Per channel, RGB, above 0.
        resize: "area_linear", the only way there is: an axis that shrinks is averaged, one that
            grows is interpolated linearly.

    Raises:
        ValueError: A value is out of range.
    """

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    resize: Literal["area_linear"] = "area_linear"

    def __post_init__(self) -> None:  # noqa: D105
        if len(self.mean) != 3 or len(self.std) != 3 or not min(self.std) > 0:
            raise ValueError(
                f"expected 3 means and 3 positive stds, got {self.mean} and {self.std}"
            )
        if self.resize != "area_linear":
            raise ValueError(f"resize: expected 'area_linear', got {self.resize!r}")


IMAGENET = Preprocessing()


def preprocess(
    crops: Sequence[Crop], size: tuple[int, int], preprocessing: Preprocessing = IMAGENET
) -> Images:
    """Crops as a batch of network inputs, in order; (0, 3, H, W) for none.

    Args:
        crops: (h, w, 3) uint8 BGR each.
        size: (H, W) of the result. A crop of exactly this size is not resampled.
        preprocessing: Means and deviations.

    Raises:
        ValueError: A crop is not (h, w, 3) uint8 with h, w >= 1.
    """
    return normalise(stack_crops(crops, size), preprocessing)


def stack_crops(crops: Sequence[Crop], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """(N, H, W, 3) uint8 BGR: the crops resized to (H, W), without keeping their aspect.

    Raises:
        ValueError: A crop is not (h, w, 3) uint8 with h, w >= 1.
    """
    check_crops(crops)
    stacked = np.empty((len(crops), *size, 3), np.uint8)
    for crop, row in zip(crops, stacked, strict=True):
        row[...] = resize(crop, size)
    return stacked


def normalise(images: npt.NDArray[np.uint8], preprocessing: Preprocessing = IMAGENET) -> Images:
    """(N, 3, H, W) float32 from (N, H, W, 3) uint8 BGR: a table of the 256 x 3 possible values.

    The table is computed in float32, so that the values are those of the usual training code.
    """
    levels = np.arange(256, dtype=np.float32)[:, None] / np.float32(255)
    mean, std = np.array((preprocessing.mean, preprocessing.std), np.float32)
    table = (levels - mean) / std  # (256, 3) RGB
    normalised = np.empty(images.shape, np.float32)
    for channel in range(3):
        normalised[..., channel] = table[:, channel][images[..., 2 - channel]]
    return normalised.transpose(0, 3, 1, 2)


def resize(crop: Crop, size: tuple[int, int]) -> Crop:
    """The crop at (H, W): what shrinks is averaged first, then what grows is interpolated.

    One rule for both axes would alias (linear while shrinking) or show blocks (area while growing).
    """
    height, width = crop.shape[:2]
    shrunk = (min(height, size[0]), min(width, size[1]))
    if shrunk != (height, width):
        crop = np.asarray(cv2.resize(crop, shrunk[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    if shrunk != size:
        crop = np.asarray(cv2.resize(crop, size[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    return crop


def check_crops(crops: Sequence[Crop]) -> None:
    """Refuse what is no crop.

    Raises:
        ValueError: A crop is not (h, w, 3) uint8 with h, w >= 1; the text names the first one.
    """
    for index, crop in enumerate(crops):
        if crop.ndim != 3 or crop.shape[2] != 3 or crop.dtype != np.uint8 or 0 in crop.shape:
            raise ValueError(
                f"crop {index} of {len(crops)}: expected (h, w, 3) uint8 with h, w >= 1, "
                f"got {crop.dtype} {crop.shape}"
            )
