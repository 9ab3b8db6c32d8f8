"""Reading the images of a data set, and finding those that are damaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

import reid.embed_files
from reid.embedder import Crop
from reid.errors import ReidError
from training.errors import DataError
from training.samples import Samples


@dataclass(frozen=True, slots=True)
class CorruptImage:
    """An image that cannot be used.

    Attributes:
        row: Its place in the samples.
        path: The file.
        reason: What is wrong and what to do, with the file's name.
    """

    row: int
    path: Path
    reason: str


def read_image(path: Path) -> Crop:
    """An image file as (h, w, 3) uint8 BGR; an older OpenCV fills a cut-off JPEG with grey.

    Raises:
        DataError: The file is missing, no image, damaged, or too large.
    """
    try:
        return reid.embed_files.read_image(path)
    except ReidError as error:
        raise DataError(str(error)) from error


def find_corrupt(
    samples: Samples, on_image: Callable[[int], None] | None = None
) -> tuple[CorruptImage, ...]:
    """The samples whose image does not decode to the end, in order; every file is read.

    Args:
        samples: What to check; with N = 0 nothing is found.
        on_image: Called after each image with the number of images checked.
    """
    found = []
    for row, path in enumerate(samples.paths):
        reason = _fault(path)
        if reason is not None:
            found.append(CorruptImage(row, path, reason))
        if on_image is not None:
            on_image(row + 1)
    return tuple(found)


def _fault(path: Path) -> str | None:
    try:
        read_image(path)
        # OpenCV 4.10 fills the missing part of a JPEG with grey; Pillow refuses it.
        with Image.open(path) as image:
            image.load()
    except DataError as error:
        return str(error)
    except (OSError, ValueError, SyntaxError) as error:
        return f"image {path}: damaged ({error}); copy it again, or leave it out"
    return None
