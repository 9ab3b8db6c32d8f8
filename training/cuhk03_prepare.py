"""Extracting the raw CUHK03 file: the only code of this package that writes a data set."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from reid.embedder import Crop
from training.cuhk03_counts import all_crops
from training.cuhk03_folder import crop_folder
from training.cuhk03_names import Boxes
from training.cuhk03_raw import raw_crops, raw_testsets
from training.cuhk03_testsets import save_testsets
from training.errors import DataError


@dataclass(frozen=True, slots=True)
class Extracted:
    """What was extracted of one kind of crops.

    Attributes:
        folder: Where the images are.
        num_written: Images written now.
        num_kept: Images that were there already.
        num_official: Images of the published file.
    """

    folder: Path
    num_written: int
    num_kept: int
    num_official: int


def prepare_cuhk03(
    raw: Path,
    out: Path,
    boxes: Sequence[Boxes] = ("labeled", "detected"),
    on_image: Callable[[Boxes, int], None] | None = None,
) -> tuple[Extracted, ...]:
    """Write the crops as png and the classic test sets as JSON into a folder.

    Every file appears whole or not at all, and files that are there are kept: after an interruption
    it goes on where it stopped.

    Args:
        raw: The published cuhk-03.mat.
        out: The folder; it is made where it is missing.
        boxes: Which crops.
        on_image: Called after each image with the kind and the number of images so far.

    Raises:
        DataError: The raw file cannot be read, or the folder cannot be written or is full.
    """
    testsets = raw_testsets(raw)
    try:
        out.mkdir(parents=True, exist_ok=True)
        save_testsets(testsets, out)
        return tuple(_extract(raw, out, kind, on_image) for kind in boxes)
    except OSError as error:
        raise DataError(_told(error, out)) from error


def _extract(
    raw: Path, out: Path, boxes: Boxes, on_image: Callable[[Boxes, int], None] | None
) -> Extracted:
    folder = crop_folder(out, boxes)
    folder.mkdir(exist_ok=True)
    num_written = num_kept = 0
    for crop in raw_crops(raw, boxes):
        path = folder / f"{crop.name}.png"
        # An empty file is what a power cut may leave of a rename.
        if path.is_file() and path.stat().st_size:
            num_kept += 1
        else:
            _write(crop.image, path)
            num_written += 1
        if on_image is not None:
            on_image(boxes, num_written + num_kept)
    return Extracted(folder, num_written, num_kept, sum(all_crops(boxes).images))


def _write(image: Crop, path: Path) -> None:
    _, data = cv2.imencode(".png", image)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(data.tobytes())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _told(error: OSError, out: Path) -> str:
    if error.errno == errno.ENOSPC:
        return f"{out}: the disk is full; free some space and run it again: it goes on from here"
    return f"{out}: cannot be written: {error.strerror or error}; choose a folder you can write"
