"""Blobs of foreground, one for each person: pieces of a body joined, neighbours cut apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from detector.background import Mask

BODY_ASPECT = 0.40
"""Width of a walking person by height."""
_MIN_AREA = 24
"""Pixels of a blob; less is noise."""
_MIN_WIDTH_OF_TWO = 1.2
"""A blob that is wider than this many bodies may be several people."""
_HEAD_ABOVE = 0.65
"""A head is at least this high in its blob."""
_DIP = 0.04
"""Depth of the dip between two heads, by the height of a person."""

HeightAt = Callable[[float], float | None]
"""Row of the feet → height of a person who stands there, in pixels; None while unknown."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Connected foreground.

    Attributes:
        box: x1, y1, x2, y2 in whole pixels.
        area: Number of its pixels.
    """

    box: tuple[int, int, int, int]
    area: int

    @property
    def width(self) -> int:
        """In pixels, at least 1."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        """In pixels, at least 1."""
        return self.box[3] - self.box[1]

    @property
    def fill(self) -> float:
        """Share of the box that is foreground."""
        return self.area / (self.width * self.height)


def person_blobs(foreground: Mask, height_at: HeightAt) -> list[Blob]:
    """A blob for every person, as far as the shape of the foreground tells.

    Args:
        foreground: (H, W) where something is before the background.
        height_at: How tall people are.
    """
    closed = _closed(foreground)
    return [
        part
        for blob in _joined(_connected(closed), height_at)
        for part in _parts(blob, closed, height_at)
    ]


def _closed(foreground: Mask) -> Mask:
    """Without single pixels, and with gaps closed, more in height than in width."""
    mask = foreground.astype(np.uint8)
    # An even kernel needs opposite anchors, else what it opens moves by a pixel.
    pair = np.ones((2, 2), dtype=np.uint8)
    opened = cv2.dilate(cv2.erode(mask, pair, anchor=(1, 1)), pair, anchor=(0, 0))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((7, 3), dtype=np.uint8))
    return np.asarray(closed, dtype=bool)


def _connected(foreground: Mask) -> list[Blob]:
    num, _, stats, _ = cv2.connectedComponentsWithStats(foreground.astype(np.uint8))
    return [
        Blob((int(x), int(y), int(x + width), int(y + height)), int(area))
        for x, y, width, height, area in stats[1:num]
        if area >= _MIN_AREA
    ]


def _joined(blobs: list[Blob], height_at: HeightAt) -> list[Blob]:
    """Blobs with the pieces of one body put together, from the largest piece on."""
    joined: list[Blob] = []
    for blob in sorted(blobs, key=lambda blob: (-blob.area, blob.box)):
        for position, other in enumerate(joined):
            if _are_one_body(blob, other, height_at):
                joined[position] = _union(blob, other)
                break
        else:
            joined.append(blob)
    return joined


def _are_one_body(a: Blob, b: Blob, height_at: HeightAt) -> bool:
    """Whether two pieces lie above each other, close, and are together no taller than a person."""
    shared = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    if shared < 0.5 * min(a.width, b.width):
        return False
    whole = _union(a, b)
    gap = max(a.box[1], b.box[1]) - min(a.box[3], b.box[3])
    expected = height_at(whole.box[3])
    if expected is None:
        return gap < 0.15 * whole.height and whole.width < 0.7 * whole.height
    return gap < 0.35 * expected and whole.height < 1.25 * expected


def _union(a: Blob, b: Blob) -> Blob:
    low = (min(a.box[0], b.box[0]), min(a.box[1], b.box[1]))
    high = (max(a.box[2], b.box[2]), max(a.box[3], b.box[3]))
    return Blob((*low, *high), a.area + b.area)


def _parts(blob: Blob, foreground: Mask, height_at: HeightAt) -> list[Blob]:
    """The people of a blob: if it is wide, it is cut where its upper edge dips between heads."""
    expected = height_at(blob.box[3]) or float(blob.height)
    body_px = BODY_ASPECT * min(expected, 1.3 * blob.height)
    if blob.width < _MIN_WIDTH_OF_TWO * body_px:
        return [blob]
    x1, y1, x2, y2 = blob.box
    mask = foreground[y1:y2, x1:x2]
    tops = np.where(mask.any(axis=0), mask.argmax(axis=0), blob.height)
    heights = (blob.height - tops).astype(np.float32)  # (W,) how high the blob reaches a column
    smooth = cv2.GaussianBlur(heights[None], (0, 0), max(body_px / 9, 0.8))[0]
    profile = np.asarray(smooth, dtype=np.float32)
    cuts = _cuts(profile, max(round(0.25 * body_px), 2), _DIP * expected)
    parts = []
    for left, right in zip([0, *cuts], [*cuts, blob.width], strict=True):
        parts += _tight(mask[:, left:right], x1 + left, y1)
    return parts


def _cuts(profile: npt.NDArray[np.float32], reach_px: int, min_dip: float) -> list[int]:
    """Columns at which to cut: the lowest between two heads that a dip separates.

    >>> _cuts(np.array([5, 9, 9, 4, 3, 8, 8, 2], dtype=np.float32), 1, 2.0)
    [4]
    """
    highest = cv2.dilate(profile[None], np.ones((1, 2 * reach_px + 1), dtype=np.uint8))[0]
    is_peak = (profile >= highest - 1e-3) & (profile > _HEAD_ABOVE * profile.max(initial=0))
    cuts: list[int] = []
    head: int | None = None
    for peak in np.flatnonzero(is_peak).tolist():
        if head is None:
            head = peak
            continue
        valley = head + int(profile[head : peak + 1].argmin())
        lower = min(profile[head], profile[peak])
        if lower - profile[valley] >= min_dip:
            cuts.append(valley)
            head = peak
        elif profile[peak] > profile[head]:
            head = peak
    return cuts


def _tight(mask: Mask, left: int, top: int) -> list[Blob]:
    """The blob of a piece of mask whose corner is at (left, top); [] if nothing is in it."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return []
    low = (left + int(columns[0]), top + int(rows[0]))
    high = (left + int(columns[-1]) + 1, top + int(rows[-1]) + 1)
    return [Blob((*low, *high), int(mask.sum()))]
