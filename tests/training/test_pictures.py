from __future__ import annotations

import base64
import re
from pathlib import Path

import cv2
import numpy as np

from reid.drawn_crops import drawn_crops
from training.pictures import image_tag, picture, picture_of


def test_blurred_picture_keeps_no_detail() -> None:
    """Stripes of 1 pixel are gone, those of half the picture are there."""
    fine = np.zeros((128, 64, 3), np.uint8)
    fine[::2] = 200
    coarse = np.zeros((128, 64, 3), np.uint8)
    coarse[:64] = 200

    assert np.ptp(picture(fine, is_blurred=True)) <= 30
    assert np.ptp(picture(coarse, is_blurred=True)) >= 190
    assert (picture(fine, is_blurred=False) == fine).all()


def test_pictures_of_any_crop_have_one_size() -> None:
    for crop in (*drawn_crops(1, (300, 90)), np.zeros((1, 1, 3), np.uint8)):
        assert picture(crop, is_blurred=True).shape == (128, 64, 3)
        assert picture(crop, is_blurred=False).shape == (128, 64, 3)


def test_tag_carries_the_image() -> None:
    image = np.full((12, 6, 3), 90, np.uint8)

    html = image_tag(image, "a crop")

    data = re.search(r'src="data:image/jpeg;base64,([^"]+)"', html)
    assert data is not None
    assert 'alt="a crop" width="6" height="12"' in html
    found = cv2.imdecode(np.frombuffer(base64.b64decode(data[1]), np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    assert np.abs(found.astype(int) - 90).max() <= 2


def test_image_that_cannot_be_read_has_no_picture(tmp_path: Path) -> None:
    assert picture_of(tmp_path / "gone.png", is_blurred=True) is None
