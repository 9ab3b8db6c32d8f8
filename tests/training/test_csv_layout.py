from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from training.csv_layout import read_csv
from training.errors import DataError

HEADER = "path,person,camera,split\n"


@pytest.fixture
def listed(tmp_path: Path, write_image: Callable[[Path], Path]) -> Callable[[str], Path]:
    for name in ("a", "b", "c"):
        write_image(tmp_path / "images" / f"{name}.jpg")

    def write(text: str) -> Path:
        path = tmp_path / "people.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_labels_of_text_are_numbered_and_paths_are_beside_the_file(
    listed: Callable[[str], Path],
) -> None:
    path = listed(
        HEADER
        + "images/a.jpg,mia,door,train\nimages/b.jpg,ada,door,query\n"
        + "images/c.jpg,ada,hall,gallery\n"
    )

    found = read_csv(path)

    data = found.data
    assert data.train.paths == (path.parent / "images" / "a.jpg",)
    assert data.train.persons.tolist() == [1]
    assert data.query.persons.tolist() == data.gallery.persons.tolist() == [0]
    assert (data.query.cameras.tolist(), data.gallery.cameras.tolist()) == ([0], [1])
    assert found.integrity.is_whole


def test_whole_numbers_stay_as_they_are_and_columns_may_be_in_any_order(
    listed: Callable[[str], Path],
) -> None:
    path = listed("\ufeffsplit,camera,person,path,remark\ntrain,4,0017,images/a.jpg,wet\n")

    data = read_csv(path).data

    assert (data.train.persons.tolist(), data.train.cameras.tolist()) == ([17], [4])
    assert len(data.query) == 0


def test_every_bad_row_is_told_by_its_line(listed: Callable[[str], Path]) -> None:
    path = listed(
        HEADER
        + "images/a.jpg,1,1,train\nimages/b.jpg,,1,train\nimages/c.jpg,1,1,test\nimages/c.jpg\n"
        + "images/a,b.jpg,1,1,train\n"
    )

    with pytest.raises(DataError) as caught:
        read_csv(path)

    said = str(caught.value)
    assert "4 bad rows: line 3: person empty; line 4: split 'test': give train, query, gall" in said
    assert "line 5: person and camera and split empty; line 6: more fields than" in said


def test_at_most_ten_bad_rows_are_shown(listed: Callable[[str], Path]) -> None:
    path = listed(HEADER + "images/a.jpg,1,1,test\n" * 12)

    with pytest.raises(DataError, match=r"12 bad rows: .*line 11: .*; and 2 more"):
        read_csv(path)


def test_a_missing_image_is_a_problem_and_leaves_the_labels_of_others(
    listed: Callable[[str], Path],
) -> None:
    path = listed(HEADER + "images/gone.jpg,ada,door,train\nimages/a.jpg,mia,hall,train\n")

    found = read_csv(path)

    assert found.data.train.persons.tolist() == [1]
    assert str(found.integrity.parts[0]) == "train: 1 of 2 images, 1 of 2 people"
    assert found.integrity.problems[0].startswith("line 2: ")
    assert not found.integrity.is_whole


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "must name the columns"),
        (b"path,person\n", "lacking camera, split"),
        (HEADER.encode(), "has no row below its header"),
        (b"\xff\xfe\x00\x01", "is not UTF-8 text"),
        (HEADER.encode() + b'"images/a.jpg,1,1,train\n', "line 2: not a CSV row"),
    ],
    ids=["empty", "columns", "no-rows", "binary", "open-quote"],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)

    with pytest.raises(DataError, match=said):
        read_csv(path)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_csv(tmp_path)
