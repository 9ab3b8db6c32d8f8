from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from training.datasets import open_data
from training.errors import DataError

if TYPE_CHECKING:
    from tests.training.conftest import RawCuhk03

pytest.importorskip("h5py", reason="needs h5py: pip install 'crosscam[train]'")

from training.cuhk03_prepare import prepare_cuhk03


def test_images_are_written_without_loss_and_test_sets_as_json(
    raw_cuhk03: RawCuhk03, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "cuhk03"

    labeled, detected = prepare_cuhk03(raw_cuhk03.path, out)

    assert (labeled.num_written, detected.num_written) == (10, 4)
    assert (labeled.num_official, detected.num_official) == (14096, 14097)
    image = cv2.imread(str(out / "images_labeled" / "1_002_2_07.png"))
    assert image is not None
    np.testing.assert_array_equal(image[:, :, ::-1], raw_cuhk03.image("labeled", 1, 2, 7))
    stored = json.loads((out / "cuhk03_testsets.json").read_text())
    assert stored["testsets"][0] == [[1, 2], [5, 1]]
    assert not list(out.rglob(".*"))


def test_the_classic_reader_reads_what_was_prepared(raw_cuhk03: RawCuhk03, tmp_path: Path) -> None:
    prepare_cuhk03(raw_cuhk03.path, tmp_path)

    data = open_data(f"cuhk03-classic-labeled@0:{tmp_path}", allow_partial=True)

    assert sorted(set(data.train.persons)) == [1, 844]
    assert data.query.persons.tolist() == [2, 1419]
    assert data.gallery.persons.tolist() == [2, 2, 1419]


def test_it_goes_on_where_it_was_stopped(raw_cuhk03: RawCuhk03, tmp_path: Path) -> None:
    prepare_cuhk03(raw_cuhk03.path, tmp_path, ["labeled"])
    images = tmp_path / "images_labeled"
    (images / "1_002_2_07.png").unlink()
    (images / "2_001_1_01.png").write_bytes(b"")
    (images / ".2_001_2_06.png.partial").write_bytes(b"left by a kill")
    (images / "2_001_2_06.png").unlink()
    seen: list[int] = []

    (again,) = prepare_cuhk03(
        raw_cuhk03.path, tmp_path, ["labeled"], lambda _boxes, number: seen.append(number)
    )

    assert (again.num_written, again.num_kept) == (3, 7)
    assert seen == list(range(1, 11))
    assert len(list(images.iterdir())) == 10


def test_a_full_disk_is_told_and_leaves_no_part_of_an_image(
    raw_cuhk03: RawCuhk03, tmp_path: Path
) -> None:
    images = tmp_path / "images_labeled"
    images.mkdir()
    # Writing there fails as on a full disk.
    (images / ".1_001_2_06.png.partial").symlink_to("/dev/full")

    with pytest.raises(DataError, match="the disk is full; free some space and run it again"):
        prepare_cuhk03(raw_cuhk03.path, tmp_path, ["labeled"])

    assert sorted(path.name for path in images.iterdir()) == ["1_001_1_01.png", "1_001_1_02.png"]


def test_a_folder_that_cannot_be_made_is_told(raw_cuhk03: RawCuhk03, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DataError, match="cannot be written"):
        prepare_cuhk03(raw_cuhk03.path, tmp_path / "file")


def test_a_wrong_raw_file_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "cuhk-03.mat").write_text("not HDF5")

    with pytest.raises(DataError, match="cannot be read as HDF5"):
        prepare_cuhk03(tmp_path / "cuhk-03.mat", tmp_path / "out")

    assert not (tmp_path / "out").exists()
