"""Official counts of CUHK03, a figure a camera pair (1 to 5).

Counted from the file lists of the new protocol (Zhong, Zheng, Cao, Li, "Re-ranking Person
Re-identification with k-reciprocal Encoding", CVPR 2017), which name every crop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from training.cuhk03_names import PAIR_SIZES, Boxes

Part = Literal["train", "query", "gallery"]
PARTS: tuple[Part, ...] = ("train", "query", "gallery")


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Images and people a camera pair, pair 1 first."""

    images: tuple[int, ...]
    persons: tuple[int, ...]


CLASSIC_TRAIN_PERSONS = 1367
CLASSIC_TEST_PERSONS = 100


def all_crops(boxes: Boxes) -> PairCounts:
    """Every crop: 14096 labelled, 14097 detected."""
    third = 649 if boxes == "labeled" else 650
    return PairCounts((8177, 4337, third, 510, 423), PAIR_SIZES)


def new_protocol(boxes: Boxes, part: Part) -> PairCounts:
    """The crops of a part: 7368 / 1400 / 5328 labelled, 7365 / 1400 / 5332 detected."""
    if boxes == "labeled":
        tested = (416, 211, 28, 24, 21)
        images = {
            "train": (4145, 2265, 408, 302, 248),
            "query": (832, 422, 56, 48, 42),
            "gallery": (3200, 1650, 185, 160, 133),
        }
    else:
        tested = (416, 212, 28, 23, 21)
        images = {
            "train": (4145, 2255, 409, 308, 248),
            "query": (832, 424, 56, 46, 42),
            "gallery": (3200, 1658, 185, 156, 133),
        }
    trained = tuple(size - test for size, test in zip(PAIR_SIZES, tested, strict=True))
    return PairCounts(images[part], trained if part == "train" else tested)
