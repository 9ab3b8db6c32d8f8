from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from training.errors import DataError
from training.msmt17 import read_msmt17

LISTS = {
    "train": "0000/0000_000_01_0303morning_0015_0.jpg 0\n0001/0001_000_05_0303noon_0016_0.jpg 1\n",
    "val": "0001/0001_001_15_0303noon_0017_1.jpg 1\n",
    "query": "0000/0000_000_02_0303morning_0020_0.jpg 0\n",
    "gallery": "0000/0000_001_03_0303morning_0021_0.jpg 0\n",
}
WriteImage = Callable[[Path], Path]


def write_msmt17(root: Path, train: str, test: str, write_image: WriteImage) -> None:
    for name, lines in LISTS.items():
        (root / f"list_{name}.txt").write_text(lines)
        folder = root / (train if name in ("train", "val") else test)
        for line in lines.splitlines():
            write_image(folder / line.split()[0])


@pytest.fixture
def msmt17(tmp_path: Path, write_image: WriteImage) -> Path:
    write_msmt17(tmp_path, "train", "test", write_image)
    return tmp_path


def test_val_is_part_of_train_and_test_people_are_numbered_behind(msmt17: Path) -> None:
    data = read_msmt17(msmt17).data

    assert data.train.persons.tolist() == [0, 1, 1]
    assert data.train.cameras.tolist() == [1, 5, 15]
    assert data.query.persons.tolist() == [2]
    assert data.gallery.persons.tolist() == [2]
    assert data.gallery.cameras.tolist() == [3]


def test_version_2_is_the_same_in_other_folders(tmp_path: Path, write_image: WriteImage) -> None:
    write_msmt17(tmp_path, "mask_train_v2", "mask_test_v2", write_image)

    data = read_msmt17(tmp_path).data

    assert len(data.train) == 3
    assert data.query.paths[0].parts[-3] == "mask_test_v2"


def test_a_missing_image_counts_against_the_published_number(msmt17: Path) -> None:
    (msmt17 / "train" / "0001" / "0001_001_15_0303noon_0017_1.jpg").unlink()

    train = read_msmt17(msmt17).integrity.parts[0]

    assert str(train) == "train: 2 of 32621 images, 2 of 1041 people"


@pytest.mark.parametrize(
    "line",
    ["0000/0000_000_01_a_0_0.jpg", "0000/0000_000_01_a_0_0.jpg x", "a_b_c_d.jpg 3", "a.jpg 1"],
)
def test_a_line_of_another_form_is_told_by_its_number(msmt17: Path, line: str) -> None:
    path = msmt17 / "list_query.txt"
    path.write_text(f"{LISTS['query']}\n{line}\n")

    with pytest.raises(DataError, match=r"list_query\.txt: 1 lines are not of the form.*: line 3"):
        read_msmt17(msmt17)


def test_a_missing_list_is_refused(msmt17: Path) -> None:
    (msmt17 / "list_val.txt").unlink()

    with pytest.raises(DataError, match=r"list_val\.txt: cannot be read"):
        read_msmt17(msmt17)


def test_missing_image_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds neither train and test"):
        read_msmt17(tmp_path)
