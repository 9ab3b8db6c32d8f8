"""Small CUHK03 data sets, in the structures of the published files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import scipy.io

NP_NAMES = (
    "1_001_1_01", "1_001_2_06", "2_001_1_01", "2_001_2_06",
    "1_002_1_01", "1_002_2_06", "5_049_1_02", "5_049_2_07",
)  # fmt: skip
_RAW_CELLS = {
    "labeled": {(1, 1): [1, 2, 6], (1, 2): [1, 6, 7], (2, 1): [1, 6], (5, 1): [5, 10]},
    "detected": {(1, 1): [1, 6], (3, 2): [2, 7]},
}
"""Cells with an image: (pair, person) to columns, all from 1."""
_RAW_TESTSETS = [[(1, 2), (5, 1)]] + [[(1, 1), (2, 1)]] * 19


@dataclass(frozen=True)
class RawCuhk03:
    """A small cuhk-03.mat: people 1 and 2 of pair 1 and some of others, see `_RAW_CELLS`."""

    path: Path

    def image(self, boxes: str, pair: int, person: int, column: int) -> npt.NDArray[np.uint8]:
        """(5, 3, 3) RGB that is different for each cell and not symmetric in anything."""
        seed = (boxes == "detected", pair, person, column)
        return np.random.default_rng(seed).integers(0, 256, (5, 3, 3), np.uint8)


@pytest.fixture(scope="session")
def raw_cuhk03(tmp_path_factory: pytest.TempPathFactory) -> RawCuhk03:
    h5py = pytest.importorskip("h5py", reason="needs h5py: pip install 'crosscam[train]'")
    raw = RawCuhk03(tmp_path_factory.mktemp("raw") / "cuhk-03.mat")
    with h5py.File(raw.path, "w") as file:
        _write_raw(h5py, file, raw)
    return raw


def _write_raw(h5py: Any, file: Any, raw: RawCuhk03) -> None:
    """As MATLAB 7.3 does it: cells are references, axes are reversed, an empty array is marked."""
    hidden = file.create_group("#refs#")

    def stored(values: npt.ArrayLike) -> Any:
        return hidden.create_dataset(f"a{len(hidden)}", data=values).ref

    def cells(rows: list[list[Any]]) -> npt.NDArray[np.object_]:
        return np.array(rows, dtype=h5py.ref_dtype).T

    def image(boxes: str, pair: int, person: int, column: int) -> Any:
        if column in _RAW_CELLS[boxes].get((pair, person), []):
            return stored(raw.image(boxes, pair, person, column).T)
        empty = stored(np.zeros(2, np.uint64))
        file[empty].attrs["MATLAB_empty"] = np.uint8(1)
        return empty

    for boxes, people in _RAW_CELLS.items():
        pairs = []
        for pair in range(1, 6):
            num_persons = max([person for group, person in people if group == pair], default=1)
            rows = [
                [image(boxes, pair, person, column) for column in range(1, 11)]
                for person in range(1, num_persons + 1)
            ]
            pairs.append([stored(cells(rows))])
        file.create_dataset(boxes, data=cells(pairs))
    sets = [[stored(np.array(people, np.float64).T)] for people in _RAW_TESTSETS]
    file.create_dataset("testsets", data=cells(sets))


@pytest.fixture(scope="session")
def write_split() -> Callable[..., None]:
    """Writes a new-protocol file: 1_001 and 2_001 to train on, the others to test on.

    Arrays can be changed by name; None leaves one out.
    """

    def write(path: Path, **changed: npt.ArrayLike | None) -> None:
        content: dict[str, Any] = {
            "filelist": np.array([[f"{name}.png"] for name in NP_NAMES], dtype=object),
            "labels": np.array([[1, 1, 844, 844, 2, 2, 1467, 1467]], np.uint16).T,
            "camId": np.array([[1, 2, 1, 2, 1, 2, 1, 2]], np.uint8).T,
            "train_idx": np.array([[1, 2, 3, 4]], np.uint16).T,
            "query_idx": np.array([[5, 7]], np.uint16).T,
            "gallery_idx": np.array([[6, 8]], np.uint16).T,
            **changed,
        }
        kept = {name: values for name, values in content.items() if values is not None}
        scipy.io.savemat(str(path), kept)

    return write


@pytest.fixture(scope="session")
def write_image() -> Callable[[Path], Path]:
    """Writes a small image, in the format of the file's ending."""

    def write(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((8, 4, 3), 90, np.uint8))
        return path

    return write


@pytest.fixture
def np_cuhk03(
    tmp_path: Path, write_split: Callable[..., None], write_image: Callable[[Path], Path]
) -> Path:
    """A folder with labelled crops (one is a jpg) and their new-protocol split."""
    for name in NP_NAMES:
        suffix = ".jpg" if name == "1_001_1_01" else ".png"
        write_image(tmp_path / "images_labeled" / f"{name}{suffix}")
    write_split(tmp_path / "cuhk03_new_protocol_config_labeled.mat")
    return tmp_path
