"""The user's own images in folders: DIR/{train,query,gallery}/PERSON/..., the camera in a name.

Below a person's folder lie either a folder a camera, `PERSON/CAMERA/ANY.jpg`, or images whose name
begins with the camera and an underscore, `PERSON/CAMERA_ANY.jpg`; both may be mixed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from reid.embed_files import IMAGE_SUFFIXES
from training.errors import DataError
from training.integrity import Found, Integrity, counted, listed
from training.labelled_rows import Row, Split, data_of

_SHOWN = 10


def read_folder(folder: Path) -> Found:
    """The images of a folder, sorted by path; a part whose folder is absent is empty.

    Person and camera are any text (see `labelled_rows.number_labels`), the same in all parts.

    Raises:
        DataError: No part's folder is there or no image in them, or the place or name of an image
            does not tell its person and camera.
    """
    splits: list[Split] = [split for split in get_args(Split) if (folder / split).is_dir()]
    if not splits:
        raise DataError(
            f"{folder}: has none of the folders {', '.join(get_args(Split))}; expected "
            f"{folder}/train/PERSON/CAMERA/IMAGE.jpg and the like"
        )
    rows: list[Row] = []
    faults: list[str] = []
    for split in splits:
        for path in _images(folder / split):
            row = _row(path, folder / split, split)
            if row is None:
                faults.append(str(path.relative_to(folder)))
            else:
                rows.append(row)
    if faults:
        raise DataError(
            f"{folder}: {len(faults)} images do not lie at PERSON/CAMERA/IMAGE or "
            f"PERSON/CAMERA_IMAGE: {listed(faults, _SHOWN)}"
        )
    if not rows:
        raise DataError(f"{folder}: no image; looked for {', '.join(IMAGE_SUFFIXES)}")
    data = data_of(f"folder {folder}", rows)
    counts = (
        counted("train", data.train),
        counted("query", data.query),
        counted("gallery", data.gallery),
    )
    return Found(data, Integrity(data.name, counts))


def _images(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            yield path


def _row(path: Path, part: Path, split: Split) -> Row | None:
    match path.relative_to(part).parts:
        case (person, camera, _):
            return Row(path, person, camera, split)
        case (person, name) if "_" in name[1:]:
            return Row(path, person, name.split("_")[0], split)
        case _:
            return None
