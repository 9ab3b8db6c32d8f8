"""People by their outlines: OpenCV's HOG detector and its built-in SVM. It needs no weights file.

N. Dalal, B. Triggs: Histograms of Oriented Gradients for Human Detection, CVPR 2005. The window is
64 x 128 with a person of about 96 pixels in it; boxes are shrunk to the person. OpenCV 5 does not
have it any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from detector.detections import Boxes, Detections
from detector.errors import BackendError, DetectorError
from detector.selection import Selection
from streams.frame import Frame, Image

_WINDOW = (64, 128)
_PERSON_IN_WINDOW = (0.55, 0.80)
"""Share of the window's (width, height) that its person fills."""
_MIN_SVM_MARGIN = 0.0
_MARGIN_AT_HALF = 0.5
"""The margin of the SVM that becomes the score 0.5."""


class HogDetector:
    """People by HOG and a linear SVM; upright, unoccluded people from about `min_person_px` up.

    Args:
        selection: Which of the found people count.
        min_person_px: Height of the smallest person that is looked for; smaller costs more time.
        max_side_px: Frames are looked at with at most this longer side, before `min_person_px` is
            met.

    Raises:
        BackendError: This OpenCV has no HOG detector.
    """

    def __init__(
        self, selection: Selection, *, min_person_px: float = 64.0, max_side_px: int = 960
    ) -> None:
        if not hasattr(cv2, "HOGDescriptor"):
            raise BackendError(
                f"detector kind hog needs OpenCV 4, but this is {cv2.__version__}: "
                "pip install 'opencv-python<5', or set detector.kind: motion"
            )
        self._selection = selection
        self._min_person_px = min_person_px
        self._max_side_px = max_side_px
        self._hog: Any = cv2.HOGDescriptor()
        # The stub of setSVMDetector wants a matrix type that the getter's own stub does not give.
        people_svm: Any = cv2.HOGDescriptor.getDefaultPeopleDetector()
        self._hog.setSVMDetector(people_svm)

    @property
    def name(self) -> str:
        """Backend and weights."""
        return "hog people on CPU"

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """See `Detector`."""
        if self._hog is None:
            raise DetectorError(f"{self.name}: the detector is closed")
        return [self._people(frame) for frame in frames]

    def close(self) -> None:
        """See `Detector`."""
        self._hog = None

    def _people(self, frame: Frame) -> Detections:
        scale = self._scale(frame.size)
        image = _scaled(frame.image, scale)
        windows, margins = np.empty((0, 4)), np.empty(0)
        if image.shape[1] >= _WINDOW[0] and image.shape[0] >= _WINDOW[1]:
            windows, margins = self._hog.detectMultiScale(
                image, hitThreshold=_MIN_SVM_MARGIN, winStride=(8, 8), scale=1.08, groupThreshold=0
            )
        boxes = _person_boxes(np.asarray(windows, dtype=np.float32).reshape(-1, 4)) / scale
        scores = 1 / (1 + np.exp(-4 * (np.asarray(margins).reshape(-1) - _MARGIN_AT_HALF)))
        return self._selection.people(frame, boxes.astype(np.float32), scores.astype(np.float32))

    def _scale(self, frame_size: tuple[int, int]) -> float:
        """Factor that makes the smallest person as large as the one in the window."""
        person_px = _WINDOW[1] * _PERSON_IN_WINDOW[1]
        return min(person_px / self._min_person_px, self._max_side_px / max(frame_size))


def _scaled(image: Image, scale: float) -> Image:
    size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _person_boxes(windows_xywh: Boxes) -> Boxes:
    """(N, 4) xyxy of the person inside each window."""
    centre = windows_xywh[:, :2] + windows_xywh[:, 2:] / 2
    half = windows_xywh[:, 2:] * np.array(_PERSON_IN_WINDOW, dtype=np.float32) / 2
    return np.concatenate([centre - half, centre + half], axis=1)
