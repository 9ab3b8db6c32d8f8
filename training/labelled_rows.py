"""Images with labels as text, as the user's own layouts have them, made into a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from training.samples import Labels, ReidData, Samples

Split = Literal["train", "query", "gallery"]
_MOST_DIGITS = 18
"""More do not surely fit in an int64."""


@dataclass(frozen=True, slots=True)
class Row:
    """One image with its labels as they were written."""

    path: Path
    person: str
    camera: str
    split: Split


def data_of(name: str, rows: Sequence[Row]) -> ReidData:
    """The rows as a data set; a label means the same in all three parts, order is kept."""
    persons = number_labels([row.person for row in rows])
    cameras = number_labels([row.camera for row in rows])

    def part(split: Split) -> Samples:
        chosen = [index for index, row in enumerate(rows) if row.split == split]
        paths = tuple(rows[index].path for index in chosen)
        return Samples(paths, persons[chosen], cameras[chosen])

    return ReidData(name, part("train"), part("query"), part("gallery"))


def number_labels(texts: Sequence[str]) -> Labels:
    """(N,) int64 for N labels: whole numbers stay, other labels are numbered in sorted order.

    Example:
        >>> number_labels(["7", "0012", "7"]).tolist()
        [7, 12, 7]
        >>> number_labels(["mia", "7", "ada"]).tolist()
        [2, 0, 1]
    """
    if all(text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS for text in texts):
        return np.array([int(text) for text in texts], dtype=np.int64)
    number = {text: index for index, text in enumerate(sorted(set(texts)))}
    return np.array([number[text] for text in texts], dtype=np.int64)
