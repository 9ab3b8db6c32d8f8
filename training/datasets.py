"""The seam of data: `LAYOUT:PATH` names a data set, and the factory that reads it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, assert_never, get_args

import numpy as np

from training.csv_layout import read_csv
from training.cuhk03_classic import read_classic
from training.cuhk03_names import Boxes
from training.cuhk03_new_protocol import read_new_protocol
from training.errors import DataError
from training.folder_layout import read_folder
from training.integrity import Found, accepted
from training.market1501 import read_market1501
from training.msmt17 import read_msmt17
from training.samples import ReidData, Samples, no_samples
from training.soundness import oddities

Layout = Literal[
    "cuhk03-np-labeled",
    "cuhk03-np-detected",
    "cuhk03-classic-labeled",
    "cuhk03-classic-detected",
    "market1501",
    "msmt17",
    "csv",
    "folder",
]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
_ALIASES: dict[str, Layout] = {"cuhk03": "cuhk03-np-labeled"}
_SPLIT_LAYOUTS: tuple[Layout, ...] = ("cuhk03-classic-labeled", "cuhk03-classic-detected")


@dataclass(frozen=True, slots=True)
class DataName:
    """Which data set is meant.

    Attributes:
        layout: How it is laid out.
        path: Where it is: for CUHK03 the folder that holds images_labeled and images_detected.
        split: Which of the classic splits; 0 for other layouts.
    """

    layout: Layout
    path: Path
    split: int = 0


def parse_name(spec: str) -> DataName:
    """The parts of `LAYOUT:PATH`, or `LAYOUT@SPLIT:PATH` for the classic CUHK03 splits.

    Raises:
        DataError: It is not of that form, or there is no such layout.

    Example:
        >>> parse_name("cuhk03-classic-labeled@3:data")
        DataName(layout='cuhk03-classic-labeled', path=PosixPath('data'), split=3)
    """
    head, colon, path = spec.partition(":")
    name, at, split = head.partition("@")
    layout = _layout(name, spec)
    if not colon or not path:
        raise DataError(f"data {spec!r}: no path in it; give LAYOUT:PATH, such as {layout}:data")
    if at and layout not in _SPLIT_LAYOUTS:
        raise DataError(f"data {spec!r}: {layout} has one split; leave out @{split}")
    if at and not split.isdecimal():
        raise DataError(f"data {spec!r}: the split {split!r} is no number; give 0 to 19")
    return DataName(layout, Path(path).expanduser(), int(split or 0))


def inspect_data(spec: str) -> Found:
    """What is there of the data set `LAYOUT:PATH`, whole or not.

    Raises:
        DataError: It cannot be read at all.
    """
    name = parse_name(spec)
    if not name.path.exists():
        raise DataError(f"data {spec!r}: {name.path} does not exist")
    found = _read(name)
    notes = (*found.data.notes, *oddities(found.data))
    return replace(found, data=replace(found.data, notes=notes))


def open_data(spec: str, *, allow_partial: bool = False) -> ReidData:
    """The data set `LAYOUT:PATH`; what is odd about it is in its notes.

    Raises:
        DataError: It cannot be read, or is not whole and `allow_partial` is not set.
    """
    return accepted(inspect_data(spec), allow_partial=allow_partial)


def join_training(parts: Sequence[ReidData]) -> Samples:
    """The train parts one after another; people and cameras of different sets stay different.

    The labels of each set are moved up behind those of the sets before it; N = 0 where all train
    parts, or `parts`, are empty.
    """
    joined = no_samples()
    for samples in (part.train for part in parts):
        persons = samples.persons + 1 + joined.persons.max(initial=-1)
        cameras = samples.cameras + 1 + joined.cameras.max(initial=-1)
        joined = Samples(
            (*joined.paths, *samples.paths),
            np.concatenate([joined.persons, persons]),
            np.concatenate([joined.cameras, cameras]),
        )
    return joined


def _layout(name: str, spec: str) -> Layout:
    if name in LAYOUTS:
        return name
    if name in _ALIASES:
        return _ALIASES[name]
    near = difflib.get_close_matches(name, [*LAYOUTS, *_ALIASES], n=1, cutoff=0.4)
    meant = f", did you mean {near[0]!r}?" if near else "."
    raise DataError(f"data {spec!r}: no layout {name!r}{meant} Layouts: {', '.join(LAYOUTS)}")


def _read(name: DataName) -> Found:
    match name.layout:
        case "cuhk03-np-labeled" | "cuhk03-np-detected":
            return read_new_protocol(name.path, _boxes(name.layout))
        case "cuhk03-classic-labeled" | "cuhk03-classic-detected":
            return read_classic(name.path, _boxes(name.layout), name.split)
        case "market1501":
            return read_market1501(name.path)
        case "msmt17":
            return read_msmt17(name.path)
        case "csv":
            return read_csv(name.path)
        case "folder":
            return read_folder(name.path)
        case _:
            assert_never(name.layout)


def _boxes(layout: Layout) -> Boxes:
    return "detected" if layout.endswith("-detected") else "labeled"
