"""The sums against figures that the authors published."""

from __future__ import annotations

import pytest

from training.cuhk03_counts import PARTS, Part, all_crops, new_protocol
from training.cuhk03_names import Boxes


@pytest.mark.parametrize(
    ("boxes", "part", "images", "persons"),
    [
        ("labeled", "train", 7368, 767),
        ("labeled", "query", 1400, 700),
        ("labeled", "gallery", 5328, 700),
        ("detected", "train", 7365, 767),
        ("detected", "query", 1400, 700),
        ("detected", "gallery", 5332, 700),
    ],
)
def test_pairs_add_up_to_the_published_counts(
    boxes: Boxes, part: Part, images: int, persons: int
) -> None:
    counts = new_protocol(boxes, part)

    assert (sum(counts.images), sum(counts.persons)) == (images, persons)


@pytest.mark.parametrize("boxes", ["labeled", "detected"])
def test_parts_add_up_to_all_crops_of_each_pair(boxes: Boxes) -> None:
    parts = [new_protocol(boxes, part).images for part in PARTS]

    assert tuple(map(sum, zip(*parts, strict=True))) == all_crops(boxes).images
