"""Small real things for the pipeline's tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from detector.detections import Detections
from streams.frame import Frame

START_AT = 1_767_261_600.0

MakeDetections = Callable[..., Detections]


@pytest.fixture
def make_detections() -> MakeDetections:
    """Detections of frame INDEX at 10 a second: boxes as (x, y, width, height)."""

    def make(
        index: int, *boxes: tuple[float, float, float, float], camera_id: str = "cam1"
    ) -> Detections:
        rng = np.random.default_rng(index)
        image = rng.integers(0, 255, (240, 320, 3), dtype=np.uint8)
        xywh = np.array(boxes, dtype=np.float32).reshape(-1, 4)
        xyxy = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
        frame = Frame(camera_id, index, START_AT + index / 10, image)
        return Detections(frame, xyxy, np.full(len(xywh), 0.9, np.float32))

    return make
