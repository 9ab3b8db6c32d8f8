"""People by what moves: background subtraction for static cameras. It needs no weights file.

Blobs of foreground become people: pieces of one body above each other are joined, a blob of several
people beside each other is cut between their heads, and the height that people have at each height
of the picture, learned from clear blobs, says what is too small or too large for a person.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from detector.background import Background, BackgroundPolicy, Mask
from detector.detections import Boxes, Detections, Scores
from detector.errors import DetectorError
from detector.selection import Selection
from streams.frame import Frame, Image

MAX_CAMERAS = 64
"""Cameras whose background is kept; of more, the one seen longest ago is forgotten."""
_WORK_SIDE_PX = 480
_BODY_ASPECT = 0.40
"""Width of a walking person by height."""


class MotionDetector:
    """People as moving blobs, against a background kept per camera: its frames come in order.

    Somebody who stands still from the first frame on is part of the background until they move;
    somebody who stops later is seen for 20 more seconds.

    Args:
        selection: Which of the found people count.
        policy: How fast the background follows the picture.
    """

    def __init__(self, selection: Selection, policy: BackgroundPolicy | None = None) -> None:
        self._selection = selection
        self._policy = policy or BackgroundPolicy()
        self._scenes: OrderedDict[str, _Scene] = OrderedDict()
        self._is_closed = False

    @property
    def name(self) -> str:
        """Backend."""
        return "motion on CPU"

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """See `Detector`."""
        if self._is_closed:
            raise DetectorError(f"{self.name}: the detector is closed")
        return [self._people(frame) for frame in frames]

    def close(self) -> None:
        """See `Detector`."""
        self._is_closed = True
        self._scenes.clear()

    def _people(self, frame: Frame) -> Detections:
        scene = self._scenes.pop(frame.camera_id, None)
        if scene is None or scene.frame_size != frame.size:
            scene = _Scene(frame, self._policy)
        self._scenes[frame.camera_id] = scene
        while len(self._scenes) > MAX_CAMERAS:
            self._scenes.popitem(last=False)
        boxes, scores = scene.people(frame)
        return self._selection.people(frame, boxes, scores)


class _Scene:
    """What is known of one camera's view: its background and how tall people are in it."""

    def __init__(self, frame: Frame, policy: BackgroundPolicy) -> None:
        self.frame_size = frame.size
        self._scale = min(_WORK_SIDE_PX / max(frame.size), 1.0)
        first = _smoothed(frame.image, self._scale)
        self._background = Background(first, frame.timestamp, policy)
        self._heights = PersonHeights()

    def people(self, frame: Frame) -> tuple[Boxes, Scores]:
        image = _smoothed(frame.image, self._scale)
        foreground = _closed(self._background.foreground(image, frame.timestamp))
        size = (image.shape[1], image.shape[0])
        boxes, scores = [], []
        for blob in _joined(_blobs(foreground), self._heights):
            for part in _split(blob, foreground, self._heights):
                boxes.append(part.box)
                scores.append(_score(part, size, self._heights))
                if _is_clear(part, size):
                    self._heights.add(part.box[3], part.height)
        found = np.array(boxes, dtype=np.float32).reshape(-1, 4) / np.float32(self._scale)
        return found, np.array(scores, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Blob:
    """Connected foreground: its box (whole pixels, xyxy) and number of pixels."""

    box: tuple[int, int, int, int]
    area: int

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]


class PersonHeights:
    """How tall people are by where they stand, learned from people that were seen clearly.

    On level ground the height in the picture is a linear function of the foot's row: h = a + b y.
    """

    def __init__(self, max_samples: int = 300, min_samples: int = 15) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=max_samples)
        self._min_samples = min_samples
        self._line: tuple[float, float] | None = None

    def add(self, foot_y: float, height: float) -> None:
        """Learn from one person; both in pixels."""
        self._samples.append((foot_y, height))
        if len(self._samples) >= self._min_samples and len(self._samples) % 5 == 0:
            self._line = _robust_line(np.array(self._samples))

    def at(self, foot_y: float) -> float | None:
        """Height of a person who stands at this row; None while too few were seen."""
        if self._line is None:
            return None
        return max(self._line[0] + self._line[1] * foot_y, 4.0)


def _robust_line(samples: npt.NDArray[np.float64]) -> tuple[float, float]:
    """(a, b) of h = a + b y: least squares, twice without the samples far from the line."""
    kept = samples
    a, b = float(np.median(samples[:, 1])), 0.0
    for _ in range(3):
        y, height = kept[:, 0], kept[:, 1]
        spread = y.std()
        if spread > 3:
            b = float(np.clip(((y - y.mean()) * (height - height.mean())).mean() / spread**2, 0, 2))
        a = float(np.median(height - b * y))
        off = np.abs(samples[:, 1] - a - b * samples[:, 0])
        kept = samples[off <= np.quantile(off, 0.7)]
    return a, b


def _smoothed(image: Image, scale: float) -> Image:
    size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
    small = image if scale == 1.0 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (3, 3), 0), dtype=np.uint8)


def _closed(foreground: Mask) -> Mask:
    mask = foreground.astype(np.uint8)
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), dtype=np.uint8))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((7, 3), dtype=np.uint8))
    return np.asarray(closed, dtype=bool)


def _blobs(foreground: Mask, min_area: int = 24) -> list[_Blob]:
    num, _, stats, _ = cv2.connectedComponentsWithStats(foreground.astype(np.uint8))
    return [
        _Blob((int(x), int(y), int(x + w), int(y + h)), int(area))
        for x, y, w, h, area in stats[1:num]
        if area >= min_area
    ]


def _joined(blobs: list[_Blob], heights: PersonHeights) -> list[_Blob]:
    """Blobs with the pieces of one body put together, from the lowest up."""
    waiting = sorted(blobs, key=lambda blob: (-blob.area, blob.box))
    joined: list[_Blob] = []
    for blob in waiting:
        for position, other in enumerate(joined):
            if _are_one_body(blob, other, heights):
                joined[position] = _union(blob, other)
                break
        else:
            joined.append(blob)
    return joined


def _are_one_body(a: _Blob, b: _Blob, heights: PersonHeights) -> bool:
    """Whether two pieces lie above each other, close, and are together no taller than a person."""
    shared = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    if shared < 0.5 * min(a.width, b.width):
        return False
    whole = _union(a, b)
    gap = max(a.box[1], b.box[1]) - min(a.box[3], b.box[3])
    expected = heights.at(whole.box[3])
    if expected is None:
        return gap < 0.15 * whole.height and whole.width < 0.7 * whole.height
    return gap < 0.35 * expected and whole.height < 1.25 * expected


def _union(a: _Blob, b: _Blob) -> _Blob:
    low = (min(a.box[0], b.box[0]), min(a.box[1], b.box[1]))
    high = (max(a.box[2], b.box[2]), max(a.box[3], b.box[3]))
    return _Blob((*low, *high), a.area + b.area)


def _split(blob: _Blob, foreground: Mask, heights: PersonHeights) -> list[_Blob]:
    """The people of a blob that is wider than one: cut at the lowest column between two heads."""
    expected = heights.at(blob.box[3]) or float(blob.height)
    body = _BODY_ASPECT * min(expected, 1.3 * blob.height)
    if blob.width < 1.7 * body:
        return [blob]
    x1, y1, x2, y2 = blob.box
    columns = foreground[y1:y2, x1:x2]
    tops = np.where(columns.any(axis=0), columns.argmax(axis=0), blob.height)
    profile = cv2.GaussianBlur(
        (blob.height - tops).astype(np.float32)[None], (0, 0), max(body / 6, 0.8)
    )[0]
    cuts = _cuts(profile, max(round(0.6 * body), 2), 0.08 * expected)
    parts = []
    for left, right in zip([0, *cuts], [*cuts, blob.width], strict=True):
        parts += _tight(columns[:, left:right], x1 + left, y1)
    return parts


def _cuts(profile: npt.NDArray[np.float32], reach: int, min_depth: float) -> list[int]:
    """Columns between heads: heads are the highest columns within `reach` that a dip separates."""
    padded = cv2.dilate(profile[None], np.ones((1, 2 * reach + 1), dtype=np.uint8))[0]
    peaks = np.flatnonzero((profile >= padded - 1e-3) & (profile > 0.4 * profile.max()))
    cuts: list[int] = []
    head: int | None = None
    for peak in peaks.tolist():
        if head is not None:
            valley = head + int(profile[head : peak + 1].argmin())
            is_dip = min(profile[head], profile[peak]) - profile[valley] >= min_depth
            if not is_dip:
                head = peak if profile[peak] > profile[head] else head
                continue
            cuts.append(valley)
        head = peak
    return cuts


def _tight(mask: Mask, left: int, top: int) -> list[_Blob]:
    """The box of a piece of mask, whose corner is at (left, top); [] if it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return []
    low = (left + int(columns[0]), top + int(rows[0]))
    high = (left + int(columns[-1]) + 1, top + int(rows[-1]) + 1)
    return [_Blob((*low, *high), int(mask.sum()))]


def _is_clear(blob: _Blob, size: tuple[int, int]) -> bool:
    """Whether the blob shows one whole person, so that its height can be learned from."""
    x1, y1, x2, y2 = blob.box
    is_whole = x1 > 1 and y1 > 1 and x2 < size[0] - 1 and y2 < size[1] - 1
    aspect = blob.width / blob.height
    fill = blob.area / (blob.width * blob.height)
    return is_whole and 0.22 < aspect < 0.6 and fill > 0.4 and blob.height > 0.06 * size[1]


def _score(blob: _Blob, size: tuple[int, int], heights: PersonHeights) -> float:
    """How much a blob is like a person, in [0, 1]: its shape, fill and height."""
    fill = blob.area / (blob.width * blob.height)
    aspect = blob.width / blob.height
    x1, y1, x2, y2 = blob.box
    is_cut = x1 <= 1 or y1 <= 1 or x2 >= size[0] - 1 or y2 >= size[1] - 1
    shape = _plateau(aspect, 0.12, 0.24, 0.6, 1.3)
    expected = heights.at(blob.box[3])
    tall = 0.8 if expected is None else _plateau(blob.height / expected, 0.3, 0.75, 1.3, 2.2)
    if is_cut:
        shape, tall = max(shape, 0.7), max(tall, 0.6)
    return float(0.95 * shape * tall * _plateau(fill, 0.15, 0.4, 1.0, 1.5))


def _plateau(value: float, zero: float, full: float, full_to: float, zero_from: float) -> float:
    """A trapezoid: 0 up to `zero`, 1 from `full` to `full_to`, 0 again from `zero_from`."""
    return float(np.interp(value, [zero, full, full_to, zero_from], [0.0, 1.0, 1.0, 0.0]))
