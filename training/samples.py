"""Labelled images: what every reader gives, and all that training and evaluation see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.errors import DataError

Labels = npt.NDArray[np.int64]
"""(N,) int64."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Some labelled images, as columns of equal length N; N = 0 is allowed.

    Attributes:
        paths: The image files, in the order of the data set.
        persons: (N,) int64 person labels >= 0, as the data set numbers them (not contiguous).
        cameras: (N,) int64 camera (or view) labels >= 0.

    Raises:
        DataError: The columns differ in length, or a label is negative.
    """

    paths: tuple[Path, ...]
    persons: Labels
    cameras: Labels

    def __post_init__(self) -> None:
        """Checks the columns and makes them not writeable."""
        for name in ("persons", "cameras"):
            labels = np.array(getattr(self, name), dtype=np.int64)
            if labels.shape != (len(self.paths),):
                raise DataError(f"{len(self.paths)} paths, but {name} is {labels.shape}")
            if labels.size and labels.min() < 0:
                raise DataError(f"{name}: labels are 0 or above, got {labels.min()}")
            labels.setflags(write=False)
            object.__setattr__(self, name, labels)

    def __len__(self) -> int:
        """N."""
        return len(self.paths)

    @property
    def num_persons(self) -> int:
        """How many people there are."""
        return len(np.unique(self.persons))

    def take(self, rows: Sequence[int] | npt.NDArray[np.intp]) -> Samples:
        """Some of the samples, in the order of `rows`."""
        rows = np.asarray(rows, dtype=np.intp)
        paths = tuple(self.paths[row] for row in rows)
        return Samples(paths, self.persons[rows], self.cameras[rows])


def no_samples() -> Samples:
    """N = 0."""
    return Samples((), np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class ReidData:
    """A data set with its split.

    Attributes:
        name: For people, such as "cuhk03-np-labeled".
        train: Images of people that are only trained on.
        query: What is asked about.
        gallery: What is searched.
        notes: What a reader had to leave out or found odd, a sentence each.
    """

    name: str
    train: Samples
    query: Samples
    gallery: Samples
    notes: tuple[str, ...] = field(default=())
