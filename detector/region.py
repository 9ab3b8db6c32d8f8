"""Regions of a camera in which people count: by where they stand, in fractions of the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from detector.detections import Boxes, Detections
from detector.detector import Detector
from streams.frame import Frame

Corners = Sequence[tuple[float, float]]
"""A polygon: at least three (x, y) in fractions of width and height."""


@dataclass(frozen=True, slots=True)
class Region:
    """Where people of one camera count.

    Attributes:
        include: Polygons in which a foot point must lie; empty: everywhere.
        exclude: Polygons in which it must not.
    """

    include: tuple[Corners, ...] = ()
    exclude: tuple[Corners, ...] = ()

    def contains(self, boxes: Boxes, frame_size: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """(N,) whether each box stands in the region, by its lower edge's middle; borders count.

        Args:
            boxes: (N, 4) xyxy pixels.
            frame_size: (width, height) of the frame in pixels.

        >>> left_half = Region(include=(((0, 0), (0.5, 0), (0.5, 1), (0, 1)),))
        >>> left_half.contains(np.float32([[0, 0, 9, 50], [80, 0, 90, 50]]), (100, 50)).tolist()
        [True, False]
        """
        feet = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1)
        feet = feet / np.array(frame_size, dtype=np.float32)  # (N, 2) fractions
        included = [_is_in_any(self.include, foot) for foot in feet] if self.include else None
        excluded = np.array([_is_in_any(self.exclude, foot) for foot in feet], dtype=bool)
        return ~excluded if included is None else np.array(included, dtype=bool) & ~excluded


def _is_in_any(polygons: tuple[Corners, ...], foot: npt.NDArray[np.float32]) -> bool:
    point = (float(foot[0]), float(foot[1]))
    return any(
        cv2.pointPolygonTest(np.array(corners, dtype=np.float32), point, False) >= 0
        for corners in polygons
    )


class RegionDetector:
    """A detector that gives only the people inside their camera's region.

    Args:
        detector: The one that finds them; closed with this one.
        regions: Camera id → region; a camera without one is not restricted.
    """

    def __init__(self, detector: Detector, regions: Mapping[str, Region]) -> None:
        self._detector = detector
        self._regions = dict(regions)

    @property
    def name(self) -> str:
        """That of the wrapped detector."""
        return self._detector.name

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """See `Detector`."""
        return [self._inside(detections) for detections in self._detector.detect(frames)]

    def close(self) -> None:
        """See `Detector`."""
        self._detector.close()

    def _inside(self, detections: Detections) -> Detections:
        frame: Frame = detections.frame
        region = self._regions.get(frame.camera_id)
        if region is None or len(detections) == 0:
            return detections
        kept = region.contains(detections.boxes, frame.size)
        return Detections(frame, detections.boxes[kept], detections.scores[kept])
