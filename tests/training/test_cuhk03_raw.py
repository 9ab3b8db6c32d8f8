from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from training.errors import DataError

if TYPE_CHECKING:
    from tests.training.conftest import RawCuhk03

h5py = pytest.importorskip("h5py", reason="needs h5py: pip install 'crosscam[train]'")

from training.cuhk03_raw import raw_crops, raw_testsets  # noqa: E402


def test_crops_come_by_pair_person_and_column_without_the_empty_cells(
    raw_cuhk03: RawCuhk03,
) -> None:
    names = [str(crop.name) for crop in raw_crops(raw_cuhk03.path, "labeled")]

    assert names == [
        "1_001_1_01", "1_001_1_02", "1_001_2_06", "1_002_1_01", "1_002_2_06", "1_002_2_07",
        "2_001_1_01", "2_001_2_06", "5_001_1_05", "5_001_2_10",
    ]  # fmt: skip


def test_an_image_is_turned_upright_and_its_colours_to_bgr(raw_cuhk03: RawCuhk03) -> None:
    crops = {str(crop.name): crop.image for crop in raw_crops(raw_cuhk03.path, "detected")}

    rgb = raw_cuhk03.image("detected", 3, 2, 7)
    assert crops["3_002_2_07"].shape == (5, 3, 3)
    np.testing.assert_array_equal(crops["3_002_2_07"], rgb[:, :, ::-1])


def test_testsets_are_pair_and_person(raw_cuhk03: RawCuhk03) -> None:
    testsets = raw_testsets(raw_cuhk03.path)

    assert len(testsets) == 20
    assert testsets[0] == ((1, 2), (5, 1))
    assert testsets[19] == ((1, 1), (2, 1))


def no_cells(file: Any) -> None:
    file["labeled"] = np.zeros((1, 5))


def one_pair(file: Any) -> None:
    pair = file.create_dataset("pair", data=np.zeros((10, 1)))
    file["labeled"] = np.array([[pair.ref]], dtype=h5py.ref_dtype)


def nine_columns(file: Any) -> None:
    cell = file.create_dataset("cell", data=np.zeros((3, 3, 5), np.uint8)).ref
    pair = file.create_dataset("pair", data=np.array([[cell]] * 9, dtype=h5py.ref_dtype)).ref
    file["labeled"] = np.array([[pair] * 5], dtype=h5py.ref_dtype)


def float_images(file: Any) -> None:
    cell = file.create_dataset("cell", data=np.zeros((3, 3, 5))).ref
    pair = file.create_dataset("pair", data=np.array([[cell]] * 10, dtype=h5py.ref_dtype)).ref
    file["labeled"] = np.array([[pair] * 5], dtype=h5py.ref_dtype)


@pytest.mark.parametrize(
    ("fill", "said"),
    [
        (lambda _file: None, "no 'labeled' in it"),
        (no_cells, "labeled is no cell array"),
        (one_pair, "has 1 camera pairs, not 5"),
        (nine_columns, r"pair 1 is \(1, 9\), not people x 10"),
        (float_images, r"1_001_1_01 is \(5, 3, 3\) float64, not an RGB image"),
    ],
    ids=["nothing", "no-cells", "one-pair", "nine-columns", "float-images"],
)
def test_a_file_of_another_structure_is_refused_by_what_is_wrong(
    tmp_path: Path, fill: Callable[[Any], None], said: str
) -> None:
    path = tmp_path / "other.mat"
    with h5py.File(path, "w") as file:
        fill(file)

    with pytest.raises(DataError, match=said):
        list(raw_crops(path, "labeled"))


def test_a_file_that_is_cut_off_is_refused(raw_cuhk03: RawCuhk03, tmp_path: Path) -> None:
    path = tmp_path / "cut.mat"
    path.write_bytes(raw_cuhk03.path.read_bytes()[:3000])

    with pytest.raises(DataError, match=r"cut\.mat: cannot be read as HDF5"):
        raw_testsets(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        raw_testsets(tmp_path / "cuhk-03.mat")
