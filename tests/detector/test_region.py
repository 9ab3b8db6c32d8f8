from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from detector.detections import Detections
from detector.region import Region, RegionDetector
from streams.frame import Frame

LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
BOTTOM = ((0.0, 0.8), (1.0, 0.8), (1.0, 1.0), (0.0, 1.0))
PEOPLE = np.array(
    [[10, 10, 30, 50], [150, 10, 170, 50], [10, 50, 30, 100], [190, 60, 200, 100]], dtype=np.float32
)
"""Left and high, right and high, left at the lower edge, right at the lower edge."""


class FourPeople:
    """Finds the same four people in every frame of 200 x 100."""

    def __init__(self) -> None:
        self.num_closed = 0

    @property
    def name(self) -> str:
        return "four people"

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        scores = np.array([0.9, 0.8, 0.7, 0.6], dtype=np.float32)
        return [Detections(frame, PEOPLE.copy(), scores.copy()) for frame in frames]

    def close(self) -> None:
        self.num_closed += 1


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        (Region(), [True, True, True, True]),
        (Region(include=(LEFT,)), [True, False, True, False]),
        (Region(include=(LEFT, BOTTOM)), [True, False, True, True]),
        (Region(exclude=(BOTTOM,)), [True, True, False, False]),
        (Region(include=(LEFT,), exclude=(BOTTOM,)), [True, False, False, False]),
    ],
    ids=["everywhere", "left", "left or bottom", "not bottom", "left, not bottom"],
)
def test_people_count_by_where_they_stand(region: Region, expected: list[bool]) -> None:
    assert region.contains(PEOPLE, (200, 100)).tolist() == expected


def test_nobody_is_in_no_region() -> None:
    assert Region(include=(LEFT,)).contains(PEOPLE[:0], (200, 100)).shape == (0,)


def test_each_camera_has_its_own_region() -> None:
    detector = RegionDetector(FourPeople(), {"cam1": Region(include=(LEFT,))})
    image = np.zeros((100, 200, 3), dtype=np.uint8)

    first, second = detector.detect([Frame("cam1", 0, 0.0, image), Frame("cam2", 0, 0.0, image)])

    assert first.scores.tolist() == pytest.approx([0.9, 0.7])
    assert len(second) == 4


def test_the_wrapped_detector_is_named_and_closed() -> None:
    inner = FourPeople()
    detector = RegionDetector(inner, {})

    detector.close()

    assert detector.name == "four people"
    assert inner.num_closed == 1
