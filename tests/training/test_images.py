from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.errors import DataError
from training.images import find_corrupt, read_image
from training.samples import Samples, no_samples

WriteImage = Callable[[Path], Path]


def test_an_image_is_read_as_bgr(tmp_path: Path, write_image: WriteImage) -> None:
    image = read_image(write_image(tmp_path / "a.png"))

    assert image.shape == (8, 4, 3)
    assert image.dtype == np.uint8


def test_an_image_that_cannot_be_read_is_an_error_of_the_data(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")

    with pytest.raises(DataError, match=r"a\.png: not an image"):
        read_image(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"gone\.png: cannot be read"):
        read_image(tmp_path / "gone.png")


def test_damaged_missing_and_cut_images_are_found_in_order(
    tmp_path: Path, write_image: WriteImage
) -> None:
    good = write_image(tmp_path / "good.jpg")
    text = tmp_path / "text.jpg"
    text.write_text("no image")
    cut = tmp_path / "cut.jpg"
    cv2.imwrite(str(cut), np.random.default_rng(0).integers(0, 256, (64, 32, 3), np.uint8))
    cut.write_bytes(cut.read_bytes()[:-500])
    gone = tmp_path / "gone.jpg"
    paths = (good, text, cut, good, gone)
    samples = Samples(paths, np.zeros(5, np.int64), np.zeros(5, np.int64))
    seen: list[int] = []

    found = find_corrupt(samples, seen.append)

    assert [(image.row, image.path) for image in found] == [(1, text), (2, cut), (4, gone)]
    assert "cut.jpg: damaged" in found[1].reason
    assert seen == [1, 2, 3, 4, 5]


def test_nothing_is_corrupt_in_nothing() -> None:
    assert find_corrupt(no_samples()) == ()
