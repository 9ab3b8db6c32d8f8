from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from training.errors import DataError
from training.folder_layout import read_folder

WriteImage = Callable[[Path], Path]


def test_the_camera_is_a_folder_or_the_beginning_of_a_name(
    tmp_path: Path, write_image: WriteImage
) -> None:
    write_image(tmp_path / "train" / "mia" / "door" / "1.jpg")
    write_image(tmp_path / "train" / "mia" / "hall_2.png")
    write_image(tmp_path / "gallery" / "ada" / "hall" / "3_4.jpg")

    found = read_folder(tmp_path)

    assert found.data.train.persons.tolist() == [1, 1]
    assert found.data.train.cameras.tolist() == [0, 1]
    assert found.data.gallery.persons.tolist() == [0]
    assert found.data.gallery.cameras.tolist() == [1]
    assert len(found.data.query) == 0
    assert found.integrity.is_whole


def test_images_elsewhere_are_refused_by_name(tmp_path: Path, write_image: WriteImage) -> None:
    write_image(tmp_path / "train" / "1" / "2" / "good.jpg")
    write_image(tmp_path / "train" / "stray.jpg")
    write_image(tmp_path / "query" / "1" / "nocamera.jpg")
    write_image(tmp_path / "query" / "1" / "2" / "3" / "deep.jpg")

    with pytest.raises(DataError) as caught:
        read_folder(tmp_path)

    said = str(caught.value)
    assert "3 images do not lie at" in said
    assert said.endswith("train/stray.jpg; query/1/2/3/deep.jpg; query/1/nocamera.jpg")


def test_a_folder_without_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has none of the folders train, query, gallery"):
        read_folder(tmp_path)


def test_parts_without_an_image_are_refused(tmp_path: Path) -> None:
    (tmp_path / "train" / "1").mkdir(parents=True)

    with pytest.raises(DataError, match="no image; looked for"):
        read_folder(tmp_path)
