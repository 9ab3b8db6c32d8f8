"""The selection: from a backend's raw boxes to the detections that the contract promises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.boxes import clip, nms
from detector.detections import Boxes, Detections, Scores
from streams.frame import Frame


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the found people count.

    Attributes:
        min_score: Least score, in [0, 1].
        max_iou: Of two boxes that overlap by more than this, the weaker is dropped.
        min_height_px: Least height of a box in pixels of the frame, after clipping to it.
    """

    min_score: float = 0.25
    max_iou: float = 0.6
    min_height_px: float = 32.0

    def people(self, frame: Frame, boxes: Boxes, scores: Scores) -> Detections:
        """Detections from a backend's candidates: clipped, thinned out, best score first.

        Candidates that are not finite or have no area inside the frame are dropped; scores above 1
        count as 1.

        Args:
            frame: The frame in which they were found.
            boxes: (N, 4) xyxy pixels of the frame, any order.
            scores: (N,).
        """
        boxes = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
        scores = np.asarray(scores, dtype=np.float32).reshape(-1)
        is_sound = np.isfinite(boxes).all(axis=1) & (scores >= self.min_score)
        boxes, scores = clip(boxes[is_sound], frame.size), scores[is_sound].clip(0, 1)
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        is_large = (width > 0) & (height > 0) & (height >= self.min_height_px)
        boxes, scores = boxes[is_large], scores[is_large]
        kept = nms(boxes, scores, self.max_iou)
        return Detections(frame, boxes[kept], scores[kept])
