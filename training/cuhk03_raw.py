"""The raw `cuhk-03.mat` (MATLAB 7.3, that is HDF5); the one place that meets h5py.

MATLAB stores arrays with their axes reversed, and a cell array as an array of references: `labeled`
and `detected` are 5 cells (camera pairs), each a cell array of people x 10 (columns 1-5 are view 1,
6-10 view 2), each cell an RGB image or empty. `testsets` is 20 cells of people x 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reid.embedder import Crop
from training.cuhk03_names import PAIR_SIZES, Boxes, CropName
from training.cuhk03_testsets import TestSet, checked_testsets
from training.errors import DataError

try:
    import h5py
except ModuleNotFoundError as error:
    raise DataError("the raw CUHK03 file needs h5py: pip install 'crosscam[train]'") from error

_CELLS_A_PERSON = 10
_CELLS_A_VIEW = 5


@dataclass(frozen=True, slots=True, eq=False)
class RawCrop:
    """A crop of the raw file.

    Attributes:
        name: Which it is.
        image: (h, w, 3) uint8 BGR.
    """

    name: CropName
    image: Crop


def raw_crops(path: Path, boxes: Boxes) -> Iterator[RawCrop]:
    """The crops by pair, person and index, one at a time in memory; empty cells are left out.

    Raises:
        DataError: The file is absent, damaged, or not of this structure.
    """
    with _opened(path) as raw:
        pairs = _references(path, raw, boxes)
        if len(pairs) != len(PAIR_SIZES):
            raise _wrong(path, f"{boxes} has {len(pairs)} camera pairs, not {len(PAIR_SIZES)}")
        for pair, reference in enumerate(pairs, 1):
            yield from _pair_crops(path, raw, pair, _dereferenced(raw, reference))


def raw_testsets(path: Path) -> tuple[TestSet, ...]:
    """The test sets of the classic protocol, 20 in the published file.

    Raises:
        DataError: The file is absent, damaged, or not of this structure.
    """
    with _opened(path) as raw:
        values = [_dereferenced(raw, cell) for cell in _references(path, raw, "testsets")]
        return checked_testsets(path, [np.atleast_2d(testset).tolist() for testset in values])


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if not path.is_file():
        raise DataError(f"{path}: no such file; give the published cuhk-03.mat")
    try:
        with h5py.File(path, "r") as raw:
            yield raw
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"{path}: cannot be read as HDF5 ({error}); give the published cuhk-03.mat, whole"
        ) from error


def _references(path: Path, raw: Any, name: str) -> list[Any]:
    if name not in raw:
        raise _wrong(path, f"no {name!r} in it, only {', '.join(sorted(raw)[:5]) or 'nothing'}")
    return list(_cells(path, name, raw[name][()]).ravel())


def _cells(path: Path, name: str, values: Any) -> Any:
    if h5py.check_ref_dtype(values.dtype) is not h5py.Reference:
        raise _wrong(path, f"{name} is no cell array")
    return values


def _dereferenced(raw: Any, reference: Any) -> Any:
    """The array behind a reference with its axes as in MATLAB; empty where there is none."""
    if not reference:
        return np.empty(0)
    stored = raw[reference]
    # An empty MATLAB array is stored as its shape, with this mark.
    return np.empty(0) if stored.attrs.get("MATLAB_empty", 0) else stored[()].T


def _pair_crops(path: Path, raw: Any, pair: int, values: Any) -> Iterator[RawCrop]:
    cells = _cells(path, f"pair {pair}", values)
    if cells.ndim != 2 or cells.shape[1] != _CELLS_A_PERSON:
        raise _wrong(path, f"pair {pair} is {cells.shape}, not people x {_CELLS_A_PERSON}")
    if len(cells) > PAIR_SIZES[pair - 1]:
        raise _wrong(path, f"pair {pair} has {len(cells)} people, over {PAIR_SIZES[pair - 1]}")
    for (row, column), reference in np.ndenumerate(cells):
        image = _dereferenced(raw, reference)
        name = CropName(pair, row + 1, 1 if column < _CELLS_A_VIEW else 2, column + 1)
        if image.ndim < 3 or image.size == 0:
            continue
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise _wrong(path, f"{name} is {image.shape} {image.dtype}, not an RGB image")
        yield RawCrop(name, np.ascontiguousarray(image[:, :, ::-1]))


def _wrong(path: Path, found: str) -> DataError:
    return DataError(f"{path}: not the published cuhk-03.mat: {found}")
