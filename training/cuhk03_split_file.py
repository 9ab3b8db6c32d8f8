"""The .mat file that defines the new protocol of CUHK03; the one place that meets scipy.io."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import scipy.io.matlab

from training.cuhk03_counts import PARTS, Part, new_protocol
from training.cuhk03_names import Boxes, CropName, parse_name
from training.errors import DataError
from training.samples import Labels

_ARRAYS = ("filelist", "labels", "camId", "train_idx", "query_idx", "gallery_idx")
_DAMAGED = (
    ValueError, TypeError, NotImplementedError, IndexError, KeyError, EOFError, zlib.error,
    struct.error, scipy.io.matlab.MatReadError,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class SplitFile:
    """The new protocol as its file tells it.

    Attributes:
        path: The file.
        crops: The M crops it names.
        persons: (M,) int64 person labels.
        cameras: (M,) int64 camera labels: the view, 1 or 2.
        rows: The crops of each part, as places in the columns above.
    """

    path: Path
    crops: tuple[CropName, ...]
    persons: Labels
    cameras: Labels
    rows: dict[Part, Labels]


def split_path(root: Path, boxes: Boxes) -> Path:
    """Where the split file lies, under its published name."""
    return root / f"cuhk03_new_protocol_config_{boxes}.mat"


def read_split_file(path: Path, boxes: Boxes) -> SplitFile:
    """The split of labelled or detected crops.

    Raises:
        DataError: The file is absent, damaged, of another kind, or splits the other crops.
    """
    arrays = _arrays(path)
    crops = _crops(path, arrays["filelist"])
    persons = arrays["labels"].astype(np.int64).ravel()
    cameras = arrays["camId"].astype(np.int64).ravel()
    if not len(crops) == len(persons) == len(cameras):
        raise _wrong(
            path, f"{len(crops)} names, {len(persons)} labels and {len(cameras)} cameras differ"
        )
    rows = {part: _rows(path, part, arrays[f"{part}_idx"], len(crops)) for part in PARTS}
    tested = np.concatenate([persons[rows["query"]], persons[rows["gallery"]]])
    if np.isin(persons[rows["train"]], tested).any():
        raise _wrong(path, "people of train are in query or gallery, too")
    _check_kind(path, boxes, rows)
    return SplitFile(path, crops, persons, cameras, rows)


def _arrays(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(
            f"{path}: no such file; it defines the CUHK03-NP split: get it from the authors "
            "(github.com/zhunzhong07/person-re-ranking) and put it there"
        )
    try:
        arrays: dict[str, Any] = scipy.io.loadmat(str(path), variable_names=_ARRAYS)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except _DAMAGED as error:
        raise _wrong(path, f"not a MATLAB file that can be read ({error})") from error
    lacking = [name for name in _ARRAYS if name not in arrays]
    if lacking:
        raise _wrong(path, f"lacks the arrays {', '.join(lacking)}")
    for name in _ARRAYS[1:]:
        if arrays[name].dtype.kind not in "iuf" or (arrays[name] % 1).any():
            raise _wrong(path, f"{name} does not consist of whole numbers")
    return arrays


def _crops(path: Path, cells: Any) -> tuple[CropName, ...]:
    texts = [str(np.ravel(cell)[0]) if np.size(cell) else "" for cell in np.ravel(cells)]
    crops = [parse_name(text.rpartition(".")[0]) for text in texts]
    strange = [text for text, crop in zip(texts, crops, strict=True) if crop is None]
    if strange:
        raise _wrong(path, f"names {len(strange)} images not of CUHK03, such as {strange[0]!r}")
    return tuple(crop for crop in crops if crop is not None)


def _rows(path: Path, part: Part, numbers: Any, num_crops: int) -> Labels:
    rows: Labels = numbers.astype(np.int64).ravel() - 1  # MATLAB counts from 1
    if rows.size == 0:
        raise _wrong(path, f"{part}_idx is empty")
    if rows.min() < 0 or rows.max() >= num_crops:
        raise _wrong(path, f"{part}_idx goes beyond its {num_crops} images")
    return rows


def _check_kind(path: Path, boxes: Boxes, rows: dict[Part, Labels]) -> None:
    """The files of both kinds name nearly the same crops: only the sizes tell them apart."""
    other: Boxes = "detected" if boxes == "labeled" else "labeled"
    sizes = {part: len(chosen) for part, chosen in rows.items()}
    if sizes == {part: sum(new_protocol(other, part).images) for part in PARTS}:
        raise _wrong(
            path, f"this is the split of the {other} crops, under the name of the {boxes} ones"
        )


def _wrong(path: Path, found: str) -> DataError:
    return DataError(
        f"{path}: not the split file of these images: {found}. Get the published file of this name "
        "(github.com/zhunzhong07/person-re-ranking)"
    )
