from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from training.cuhk03_classic import read_classic
from training.errors import DataError

if TYPE_CHECKING:
    from tests.training.conftest import RawCuhk03

TESTSETS = [[[1, 2], [5, 49]]] + [[[2, 1]]] * 19


@pytest.fixture
def classic(np_cuhk03: Path) -> Path:
    (np_cuhk03 / "cuhk03_testsets.json").write_text(json.dumps({"testsets": TESTSETS}))
    return np_cuhk03


def test_query_is_view_1_and_gallery_view_2_of_the_test_people(classic: Path) -> None:
    data = read_classic(classic, "labeled", 0).data

    assert [path.stem for path in data.query.paths] == ["1_002_1_01", "5_049_1_02"]
    assert [path.stem for path in data.gallery.paths] == ["1_002_2_06", "5_049_2_07"]
    assert data.train.persons.tolist() == [1, 1, 844, 844]
    assert data.gallery.cameras.tolist() == [2, 2]


def test_another_split_has_other_test_people(classic: Path) -> None:
    data = read_classic(classic, "labeled", 19).data

    assert data.query.persons.tolist() == [844]
    assert data.train.num_persons == 3


@pytest.mark.parametrize("split", [-1, 20])
def test_there_are_splits_0_to_19(classic: Path, split: int) -> None:
    with pytest.raises(DataError, match=f"no split {split}; give 0 to 19"):
        read_classic(classic, "labeled", split)


def test_counts_are_images_a_pair_and_people_a_part(classic: Path) -> None:
    parts = read_classic(classic, "labeled", 0).integrity.parts

    assert str(parts[0]) == "pair 1: 4 of 8177 images, 2 of 843 people"
    assert str(parts[5]) == "train: 4 images, 2 of 1367 people"
    assert str(parts[7]) == "gallery: 2 images, 2 of 100 people"


def test_images_of_other_names_are_a_problem(classic: Path) -> None:
    folder = classic / "images_labeled"
    shutil.copy(folder / "1_001_2_06.png", folder / "copy.png")

    (problem,) = read_classic(classic, "labeled", 0).integrity.problems

    assert problem.endswith("images not of CUHK03: copy.png")


def test_test_sets_of_a_raw_file_beside_the_crops_are_taken(
    np_cuhk03: Path, raw_cuhk03: RawCuhk03
) -> None:
    shutil.copy(raw_cuhk03.path, np_cuhk03 / "cuhk-03.mat")

    data = read_classic(np_cuhk03, "labeled", 1).data

    assert data.query.persons.tolist() == [1, 844]


def test_missing_test_sets_are_told_with_how_to_make_them(np_cuhk03: Path) -> None:
    with pytest.raises(DataError, match=r"cuhk03_testsets\.json: no such file.*data prepare"):
        read_classic(np_cuhk03, "labeled", 0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "damaged"),
        ("{}", "damaged"),
        ('{"testsets": [[1, 2]]}', r"not lists of \[pair, person\]"),
        ('{"testsets": [[[1, 844]]]}', "name person 844 of pair 1: there is none"),
    ],
    ids=["cut", "empty", "flat", "no-such-person"],
)
def test_wrong_test_sets_are_refused(np_cuhk03: Path, content: str, said: str) -> None:
    (np_cuhk03 / "cuhk03_testsets.json").write_text(content)

    with pytest.raises(DataError, match=said):
        read_classic(np_cuhk03, "labeled", 0)


def test_a_raw_file_in_place_of_a_folder_is_told_with_what_to_do(tmp_path: Path) -> None:
    raw = tmp_path / "cuhk-03.mat"
    raw.write_bytes(b"")

    with pytest.raises(DataError, match="data prepare cuhk03 --raw"):
        read_classic(raw, "labeled", 0)
