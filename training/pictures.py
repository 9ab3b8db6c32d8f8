"""Small pictures of crops inside a page, with the people blurred unless that is turned off."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np

from reid.embedder import Crop
from training.errors import DataError
from training.images import read_image

HEIGHT_PX, WIDTH_PX = 128, 64
_CELLS_HEIGHT, _CELLS_WIDTH = 14, 7
"""What is left of a blurred person: colours of clothes, no face."""
_QUALITY = 82


def picture_of(path: Path, *, is_blurred: bool) -> Crop | None:
    """An image file at the size of a picture; None if it cannot be read."""
    try:
        crop = read_image(path)
    except DataError:
        return None
    return picture(crop, is_blurred=is_blurred)


def picture(crop: Crop, *, is_blurred: bool) -> Crop:
    """(128, 64, 3) uint8 BGR; blurred by averaging 14 x 7 cells, which cannot be undone."""
    if is_blurred:
        cells = cv2.resize(crop, (_CELLS_WIDTH, _CELLS_HEIGHT), interpolation=cv2.INTER_AREA)
        resized = cv2.resize(cells, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    else:
        resized = cv2.resize(crop, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def image_tag(image: Crop, text: str = "") -> str:
    """An HTML image that carries its JPEG data.

    Args:
        image: (h, w, 3) uint8 BGR.
        text: What it shows, as escaped HTML.
    """
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    encoded = base64.b64encode(data.tobytes()).decode("ascii")
    height, width = image.shape[:2]
    return (
        f'<img alt="{text}" width="{width}" height="{height}" '
        f'src="data:image/jpeg;base64,{encoded}">'
    )
