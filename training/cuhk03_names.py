"""How CUHK03 names its crops and numbers its people.

Li, Zhao, Xiao, Wang, "DeepReID: Deep Filter Pairing Neural Network for Person Re-identification",
CVPR 2014: five pairs of cameras, and in each pair its own people, seen in both views.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Boxes = Literal["labeled", "detected"]
"""Crops drawn by hand, or found by a detector; spelt as in the published files."""

PAIR_SIZES = (843, 440, 77, 58, 49)
"""People of each camera pair; 1467 in all."""

_NAME = re.compile(r"([1-5])_(\d{3})_([12])_(\d{2})")


@dataclass(frozen=True, slots=True, order=True)
class CropName:
    """Which crop this is; all numbers begin at 1.

    Attributes:
        pair: Camera pair, 1 to 5.
        person: Number of the person in the pair.
        view: 1 or 2.
        index: 1 to 10; those of view 2 begin at 6.
    """

    pair: int
    person: int
    view: int
    index: int

    def __str__(self) -> str:
        """The official name without its ending, such as 1_001_1_01."""
        return f"{self.pair}_{self.person:03d}_{self.view}_{self.index:02d}"


def parse_name(stem: str) -> CropName | None:
    """The crop of an official name without its ending; None if it is not one.

    Example:
        >>> parse_name("2_084_2_07")
        CropName(pair=2, person=84, view=2, index=7)
        >>> parse_name("0002_c1s1_000451_03")
    """
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    crop = CropName(*(int(field) for field in match.groups()))
    return crop if 1 <= crop.person <= PAIR_SIZES[crop.pair - 1] else None


def person_label(pair: int, person: int) -> int:
    """A number from 1 to 1467 that is unique over the pairs, as the new protocol has it.

    Example:
        >>> person_label(1, 843), person_label(2, 1), person_label(5, 49)
        (843, 844, 1467)
    """
    return sum(PAIR_SIZES[: pair - 1]) + person
