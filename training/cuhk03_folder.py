"""The extracted crops of CUHK03: ROOT/images_labeled and ROOT/images_detected, png or jpg."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.cuhk03_names import Boxes, CropName, parse_name
from training.errors import DataError

_SUFFIXES = (".jpeg", ".jpg", ".png")


@dataclass(frozen=True, slots=True)
class CropFolder:
    """The crops of one folder.

    Attributes:
        folder: Where they are.
        paths: The file of each crop, sorted by crop; a png is taken before a jpg of the same crop.
        strangers: Images whose names are not of CUHK03.
    """

    folder: Path
    paths: Mapping[CropName, Path]
    strangers: tuple[Path, ...]


def crop_folder(root: Path, boxes: Boxes) -> Path:
    """Where the crops of a kind lie below the data set's folder."""
    return root / f"images_{boxes}"


def find_crops(root: Path, boxes: Boxes) -> CropFolder:
    """The crops that are extracted below a folder.

    Raises:
        DataError: There is no such folder, or no crop in it.
    """
    folder = crop_folder(root, boxes)
    if root.is_file():
        raise DataError(
            f"{root}: is a file; extract it by `crosscam data prepare cuhk03 --raw {root} --out "
            "DIR` and name DIR"
        )
    if not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder; name the folder that holds it, or make it by `crosscam "
            f"data prepare cuhk03 --raw cuhk-03.mat --out {root}`"
        )
    paths: dict[CropName, Path] = {}
    strangers: list[Path] = []
    images = (path for path in sorted(folder.iterdir()) if path.suffix.lower() in _SUFFIXES)
    for path in images:
        crop = parse_name(path.stem)
        if crop is None:
            strangers.append(path)
        else:
            paths[crop] = path
    if not paths:
        raise DataError(f"{folder}: no image with a name such as 1_001_1_01.png in it")
    return CropFolder(folder, dict(sorted(paths.items())), tuple(strangers))
