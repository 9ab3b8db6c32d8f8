from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from training.errors import DataError
from training.market1501 import read_market1501

NAMES = {
    "bounding_box_train": ["0002_c1s1_000451_03.jpg", "0002_c2s1_000301_01.jpg.jpg"],
    "query": ["0001_c1s1_001051_00.jpg"],
    "bounding_box_test": [
        "-1_c1s1_000401_03.jpg",
        "0000_c3s1_000151_01.jpg",
        "0001_c6s1_001051_00.jpg",
    ],
}


@pytest.fixture
def market(tmp_path: Path, write_image: Callable[[Path], Path]) -> Path:
    for folder, names in NAMES.items():
        for name in names:
            write_image(tmp_path / folder / name)
    (tmp_path / "query" / "Thumbs.db").write_bytes(b"")
    return tmp_path


def test_junk_is_left_out_and_distractors_stay_in_the_gallery(market: Path) -> None:
    found = read_market1501(market)

    assert found.data.gallery.persons.tolist() == [0, 1]
    assert found.data.gallery.cameras.tolist() == [3, 6]
    assert found.data.train.persons.tolist() == [2, 2]
    assert found.data.train.cameras.tolist() == [1, 2]
    assert found.integrity.problems == ()


def test_counts_are_against_the_published_ones(market: Path) -> None:
    train, query, gallery = read_market1501(market).integrity.parts

    assert str(train) == "bounding_box_train: 2 of 12936 images, 1 of 751 people"
    assert str(query) == "query: 1 of 3368 images, 1 of 750 people"
    assert str(gallery) == "bounding_box_test: 2 of 15913 images, 2 of 751 people"


def test_an_image_of_another_name_is_a_problem(
    market: Path, write_image: Callable[[Path], Path]
) -> None:
    write_image(market / "query" / "portrait.jpg")

    (problem,) = read_market1501(market).integrity.problems

    assert problem.endswith("query/portrait.jpg")


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="bounding_box_train: no such folder"):
        read_market1501(tmp_path)


def test_a_folder_of_junk_alone_is_refused(market: Path) -> None:
    for name in NAMES["bounding_box_test"][1:]:
        (market / "bounding_box_test" / name).unlink()

    with pytest.raises(DataError, match=r"no image with a name such as 0002_c1s1"):
        read_market1501(market)
