from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.drawn_crops import drawn_crops
from reid.preprocess import stack_crops
from training.errors import DataError
from training.image_cache import load_images, map_images

SIZE = (32, 16)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    files = [tmp_path / f"{number}.png" for number in range(5)]
    for file, crop in zip(files, drawn_crops(5, (50, 20)), strict=True):
        cv2.imwrite(str(file), crop)
    return files


def test_images_are_those_that_embedding_sees(paths: list[Path]) -> None:
    expected = stack_crops(drawn_crops(5, (50, 20)), SIZE)

    assert (load_images(paths, SIZE) == expected).all()
    assert (load_images(paths, SIZE, num_threads=3) == expected).all()


def test_a_mapped_file_holds_the_same(paths: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "images.npy"

    written = load_images(paths, SIZE, file=file)

    mapped = map_images(file)
    assert (mapped == written).all()
    assert not mapped.flags.writeable


def test_no_images_are_fine() -> None:
    assert load_images([], SIZE).shape == (0, 32, 16, 3)


def test_damaged_and_missing_images_are_counted_and_named(paths: list[Path]) -> None:
    paths[1].write_bytes(b"no image")
    paths[3].unlink()

    with pytest.raises(DataError, match="2 of 5 training images") as caught:
        load_images(paths, SIZE)

    assert str(paths[1]) in str(caught.value)
    assert str(paths[3]) in str(caught.value)
    assert str(paths[0]) not in str(caught.value)


def test_many_damaged_images_are_not_all_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="and 15 more"):
        load_images([tmp_path / f"{number}.png" for number in range(20)], SIZE)


def test_a_damaged_cache_is_told(tmp_path: Path) -> None:
    file = tmp_path / "images.npy"
    file.write_bytes(np.lib.format.MAGIC_PREFIX)

    with pytest.raises(DataError, match="delete it and start again"):
        map_images(file)
