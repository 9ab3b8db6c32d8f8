"""People by what moves: background subtraction for static cameras. It needs no weights file.

What is before the background is made into one blob a person; the height that people have where they
stand, learned from clear blobs, says what is too small or too large for one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import cv2
import numpy as np

from detector.background import Background, BackgroundPolicy
from detector.blobs import Blob, person_blobs
from detector.detections import Boxes, Detections, Scores
from detector.errors import DetectorError
from detector.person_heights import PersonHeights
from detector.selection import Selection
from streams.frame import Frame, Image

MAX_CAMERAS = 64
"""Cameras whose background is kept; of more, the one seen longest ago is forgotten."""
_WORK_SIDE_PX = 480
"""Longer side of the picture that is looked at."""
_BEST_SCORE = 0.95


class MotionDetector:
    """People as moving blobs, against a background kept per camera: its frames come in order.

    Somebody who stands still from the first frame on is part of the background until they move;
    somebody who stops later is seen for `BackgroundPolicy.hold_s` more.

    Args:
        selection: Which of the found people count.
        policy: What is foreground, and how fast the background follows the picture.
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
        if len(self._scenes) > MAX_CAMERAS:
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
        """(N, 4) xyxy pixels of the frame and (N,) scores."""
        image = _smoothed(frame.image, self._scale)
        size = (image.shape[1], image.shape[0])
        foreground = self._background.foreground(image, frame.timestamp)
        blobs = person_blobs(foreground, self._heights.at)
        scores = [_score(blob, size, self._heights.at(blob.box[3])) for blob in blobs]
        for blob in blobs:
            if _is_clear(blob, size):
                self._heights.add(blob.box[3], blob.height)
        boxes = np.array([blob.box for blob in blobs], dtype=np.float32).reshape(-1, 4)
        return boxes / np.float32(self._scale), np.array(scores, dtype=np.float32)


def _smoothed(image: Image, scale: float) -> Image:
    size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
    small = image if scale == 1.0 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (3, 3), 0), dtype=np.uint8)


def _is_clear(blob: Blob, size: tuple[int, int]) -> bool:
    """Whether the blob shows one whole person, so that a height can be learned from it."""
    is_shaped = 0.22 < blob.width / blob.height < 0.6 and blob.fill > 0.4
    return is_shaped and not _is_cut(blob, size) and blob.height > 0.06 * size[1]


def _is_cut(blob: Blob, size: tuple[int, int]) -> bool:
    """Whether the blob touches the edge of the picture."""
    x1, y1, x2, y2 = blob.box
    return x1 <= 1 or y1 <= 1 or x2 >= size[0] - 1 or y2 >= size[1] - 1


def _score(blob: Blob, size: tuple[int, int], expected_height: float | None) -> float:
    """How much a blob is like a person, in [0, 1]: the product of its shape, height and fill.

    Each factor is 1 over the range that people have, and falls linearly to 0 beside it; at the edge
    of the picture, where only a part is seen, shape and height count less.
    """
    shape = _trapezoid(blob.width / blob.height, 0.12, 0.24, 0.6, 1.3)
    fill = _trapezoid(blob.fill, 0.15, 0.4, 1.0, 1.5)
    tall = 0.8
    if expected_height is not None:
        tall = _trapezoid(blob.height / expected_height, 0.3, 0.75, 1.3, 2.2)
    if _is_cut(blob, size):
        shape, tall = max(shape, 0.7), max(tall, 0.6)
    return _BEST_SCORE * shape * tall * fill


def _trapezoid(value: float, zero: float, full: float, full_to: float, zero_from: float) -> float:
    """0 up to `zero`, 1 from `full` to `full_to`, 0 again from `zero_from`."""
    return float(np.interp(value, [zero, full, full_to, zero_from], [0.0, 1.0, 1.0, 0.0]))
