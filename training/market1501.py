"""Market-1501 in its published folders.

Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015. A name such as
`0002_c1s1_000451_03.jpg` begins with the person (-1 is junk, 0000 a distractor) and the camera.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from training.errors import DataError
from training.integrity import Found, Integrity, PartCount, listed
from training.samples import ReidData, Samples

_NAME = re.compile(r"(-1|\d{4})_c(\d)s\d_\d+_\d+\.jpg(\.jpg)?")
"""In some copies of the data set names end in .jpg twice."""
_JUNK = -1
_SHOWN = 5
_OFFICIAL = {
    "bounding_box_train": (12936, 751),
    "query": (3368, 750),
    "bounding_box_test": (15913, 751),
}
"""Images and people. Of the 19732 files of bounding_box_test the 3819 of junk are not counted; the
2798 distractors are, as one person (0)."""


def read_market1501(folder: Path) -> Found:
    """Market-1501; junk is left out of the gallery, distractors are in it as person 0.

    Raises:
        DataError: One of the three folders is absent, or has no image of such a name.
    """
    parts = {name: _read_part(folder / name) for name in _OFFICIAL}
    data = ReidData(
        "market1501", parts["bounding_box_train"], parts["query"], parts["bounding_box_test"]
    )
    counts = tuple(
        PartCount(name, len(samples), samples.num_persons, *_OFFICIAL[name])
        for name, samples in parts.items()
    )
    strange = [str(path) for name in _OFFICIAL for path in _strange(folder / name)]
    problems = (f"names not of this data set: {listed(strange, _SHOWN)}",) if strange else ()
    return Found(data, Integrity(f"market1501 {folder}", counts, problems))


def _read_part(folder: Path) -> Samples:
    if not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder; name the folder that holds {', '.join(_OFFICIAL)}"
        )
    named = [(path, _NAME.fullmatch(path.name)) for path in sorted(folder.iterdir())]
    known = [(path, int(name[1]), int(name[2])) for path, name in named if name]
    kept = [crop for crop in known if crop[1] != _JUNK]
    if not kept:
        raise DataError(f"{folder}: no image with a name such as 0002_c1s1_000451_03.jpg")
    paths, persons, cameras = zip(*kept, strict=True)
    return Samples(paths, np.array(persons, np.int64), np.array(cameras, np.int64))


def _strange(folder: Path) -> list[Path]:
    images = (path for path in sorted(folder.iterdir()) if path.suffix == ".jpg")
    return [path for path in images if not _NAME.fullmatch(path.name)]
