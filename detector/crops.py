"""The best crops: of all boxes of a track, the few pictures that are worth an embedding.

The quality of a crop is a product of factors in [0, 1]; 1 is what a re-ID model likes best:

- score: the detection's own;
- size: height / 160 px, at most 1 (re-ID inputs are 256 px high; below half of it much is lost);
- shape: exp(-ln(aspect / 0.42)^2 / (2 * 0.6^2)) of width / height: 0.42 is a person standing; a
  wide box is half a person or two;
- uncut: 0.6 for each of the left, right and upper edges of the image that cuts the box, 0.8 for
  the lower one;
- clear: the part of the box that no other box covers; one that stands farther away (its lower
  edge is higher) only shows beside the person and counts half;
- sharp: mean |Laplacian| / standard deviation of the grey picture at 64 x 128 px, over 0.25, at
  most 1. Shop cameras have 0.12 to 0.4, and 0.03 to 0.1 after a Gaussian blur of 2 px.
  The ratio does not change with light and contrast.

The first five come from the boxes alone; the picture is touched only if they leave it a chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from detector.detections import Boxes
from streams.frame import Frame, Image

_MAX_SIZE_PX = (192, 384)
_MIN_SIDE_PX = 8
_GOOD_HEIGHT_PX = 160
_GOOD_ASPECT, _ASPECT_WIDTH = 0.42, 0.6
_EDGE_PX = 2
_CUT, _CUT_BELOW = 0.6, 0.8
_BEHIND = 0.5
_GOOD_SHARPNESS = 0.25
_FLAT = 5.0
"""Grey levels: noise of this size in a flat picture is nothing that could be sharp."""
_SMALL_PX, _TINY_PX = (64, 128), (4, 8)
_UNLIKE_LOOK = 0.15
"""Mean absolute difference of two tiny pictures (of 1) from which they count as wholly unlike."""
_UNLIKE_S = 2.0
"""Seconds after which two crops count as wholly unlike in time."""
_CLEAR_GAIN = 1.05
"""How much better a crop must be than the one it replaces; else every frame brings a change."""

Look = npt.NDArray[np.float32]
"""(96,) float32 in [0, 1]: the pixels of a crop at 4 x 8."""


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A picture of a person, cut out of a frame.

    Attributes:
        image: (h, w, 3) uint8 BGR, at most 384 x 192, a copy of its own, not writeable.
        quality: In [0, 1], see the module.
        frame_index: Index of the frame.
        timestamp: Unix seconds, of the frame.
        box: (4,) float32 xyxy pixels of the frame, clipped to it, not writeable.
    """

    image: Image
    quality: float
    frame_index: int
    timestamp: float
    box: Boxes


class BestCrops:
    """The few best crops of one track: good each, and unlike each other. Memory is bounded.

    What a crop is worth to the set is its quality times (0.5 + 0.5 u), where u in [0, 1] is how
    unlike it is to the most similar one of better quality: half by look (a 4 x 8 px picture),
    half by time. Of one crop too many, the one of least worth goes.

    Args:
        max_crops: Crops that are kept, >= 1.

    Attributes:
        num_offered: Boxes offered so far.
        num_ignored: Of these, boxes that show nothing: not finite, outside of the image, or with a
            side under 8 px in it.
        num_changes: Times that the set changed; while it stays, new embeddings bring nothing new.

    Raises:
        ValueError: `max_crops` is less than 1.
    """

    def __init__(self, max_crops: int) -> None:
        if max_crops < 1:
            raise ValueError(f"max_crops must be at least 1, got {max_crops}")
        self.num_offered = 0
        self.num_ignored = 0
        self.num_changes = 0
        self._max_crops = max_crops
        self._kept: list[_Candidate] = []  # best quality first
        self._least_worth = 0.0

    def offer(self, frame: Frame, box: Boxes, score: float, other_boxes: Boxes) -> None:
        """Look at one box of the track and keep its crop if it is among the best.

        Args:
            frame: The frame; its image is not kept.
            box: (4,) xyxy pixels of the frame.
            score: Of the detection, in [0, 1].
            other_boxes: (M, 4) xyxy, everybody else in the frame; M = 0 is normal.
        """
        self.num_offered += 1
        inside = _inside(box, frame.size)
        if inside is None or not score > 0:
            self.num_ignored += 1
            return
        quality = min(float(score), 1.0) * _view_quality(inside, frame.size, other_boxes)
        if self._is_hopeless(quality):
            return
        x1, y1, x2, y2 = inside
        view = frame.image[y1:y2, x1:x2]
        small = _small(view)
        quality *= _sharpness(small)
        if self._is_hopeless(quality):
            return
        look = _resized(small, _TINY_PX).astype(np.float32).ravel() / np.float32(255)
        candidate = _Candidate(quality, frame.index, frame.timestamp, look, inside, view)
        if self._admit(candidate):
            candidate.image = _own_copy(view)
            self.num_changes += 1

    def crops(self) -> tuple[Crop, ...]:
        """The crops, best quality first, equal ones in order of frame; at most `max_crops`."""
        return tuple(candidate.crop() for candidate in self._kept)

    def _is_hopeless(self, most: float) -> bool:
        """Is a crop of at most this quality not worth enough, however unlike the others it is?"""
        is_full = len(self._kept) == self._max_crops
        return is_full and most <= self._least_worth * _CLEAR_GAIN

    def _admit(self, candidate: _Candidate) -> bool:
        """Take the candidate into the set if it belongs there; was it taken?"""
        kept = sorted([*self._kept, candidate], key=lambda c: (-c.quality, c.frame_index))
        worths = _worths(kept)
        if len(kept) > self._max_crops:
            weakest = worths.index(min(worths))
            own_worth = worths[kept.index(candidate)]
            if own_worth <= worths[weakest] * _CLEAR_GAIN:
                return False
            del kept[weakest]
            worths = _worths(kept)
        self._kept, self._least_worth = kept, min(worths)
        return True


@dataclass(slots=True, eq=False)
class _Candidate:
    quality: float
    frame_index: int
    timestamp: float
    look: Look
    inside: tuple[int, int, int, int]
    image: Image

    def crop(self) -> Crop:
        box = np.array(self.inside, dtype=np.float32)
        box.setflags(write=False)
        return Crop(self.image, self.quality, self.frame_index, self.timestamp, box)


def _inside(box: Boxes, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The box in whole pixels, clipped to the image; None if too little of it is there."""
    corners = np.asarray(box, dtype=np.float64)
    if corners.shape != (4,) or not np.isfinite(corners).all():
        return None
    width, height = size
    x1, y1 = max(math.floor(corners[0]), 0), max(math.floor(corners[1]), 0)
    x2, y2 = min(math.ceil(corners[2]), width), min(math.ceil(corners[3]), height)
    if x2 - x1 < _MIN_SIDE_PX or y2 - y1 < _MIN_SIDE_PX:
        return None
    return x1, y1, x2, y2


def _view_quality(
    inside: tuple[int, int, int, int], size: tuple[int, int], other_boxes: Boxes
) -> float:
    """Size, shape, uncut and clear: the factors that need no picture."""
    x1, y1, x2, y2 = inside
    width, height = x2 - x1, y2 - y1
    large = min(height / _GOOD_HEIGHT_PX, 1.0)
    shape = math.exp(-((math.log(width / height / _GOOD_ASPECT) / _ASPECT_WIDTH) ** 2) / 2)
    num_cut = (x1 <= _EDGE_PX) + (y1 <= _EDGE_PX) + (x2 >= size[0] - _EDGE_PX)
    uncut = _CUT**num_cut * (_CUT_BELOW if y2 >= size[1] - _EDGE_PX else 1.0)
    return large * shape * uncut * (1 - _covered(inside, other_boxes))


def _covered(inside: tuple[int, int, int, int], other_boxes: Boxes) -> float:
    """Part of the box that others cover, in [0, 1]; where two of them overlap it counts twice."""
    others = np.asarray(other_boxes, dtype=np.float64).reshape(-1, 4)
    others = others[np.isfinite(others).all(axis=1)]
    if not len(others):
        return 0.0
    x1, y1, x2, y2 = inside
    shared_x = (np.minimum(others[:, 2], x2) - np.maximum(others[:, 0], x1)).clip(min=0)
    shared_y = (np.minimum(others[:, 3], y2) - np.maximum(others[:, 1], y1)).clip(min=0)
    weights = np.where(others[:, 3] >= y2, 1.0, _BEHIND)
    return min(float((weights * shared_x * shared_y).sum()) / ((x2 - x1) * (y2 - y1)), 1.0)


def _sharpness(small: Image) -> float:
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    edges = cv2.norm(cv2.Laplacian(grey, cv2.CV_16S), cv2.NORM_L1) / grey.size
    deviation = float(cv2.meanStdDev(grey)[1][0, 0])
    return min(edges / (deviation + _FLAT) / _GOOD_SHARPNESS, 1.0)


def _worths(kept: list[_Candidate]) -> list[float]:
    """What each is worth to the set; `kept` is best quality first."""
    looks = np.stack([c.look for c in kept])  # (K, 96)
    times = np.array([c.timestamp for c in kept])
    by_look = np.abs(looks[:, None] - looks[None, :]).mean(axis=2) / _UNLIKE_LOOK  # (K, K)
    by_time = np.abs(times[:, None] - times[None, :]) / _UNLIKE_S
    unlike = by_look.clip(max=1) / 2 + by_time.clip(max=1) / 2
    return [c.quality * (0.5 + 0.5 * min(unlike[i, :i], default=1.0)) for i, c in enumerate(kept)]


def _small(view: Image) -> Image:
    """The view at 64 x 128 px: averaged by a whole factor, which is fast, then interpolated."""
    factor = min(view.shape[1] // _SMALL_PX[0], view.shape[0] // _SMALL_PX[1])
    if factor >= 2:
        width, height = view.shape[1] // factor, view.shape[0] // factor
        view = _resized(view[: height * factor, : width * factor], (width, height))
    return cv2.resize(view, _SMALL_PX, interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _resized(image: Image, size: tuple[int, int]) -> Image:
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _own_copy(view: Image) -> Image:
    height, width = view.shape[:2]
    scale = min(_MAX_SIZE_PX[0] / width, _MAX_SIZE_PX[1] / height, 1.0)
    if scale < 1:
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        image = _resized(view, size)
    else:
        image = view.copy()
    image.setflags(write=False)
    return image
