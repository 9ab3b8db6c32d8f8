"""MSMT17 from its list files, in the folders of version 1 or version 2.

Wei et al., "Person Transfer GAN to Bridge Domain Gap for Person Re-identification", CVPR 2018. A
line of a list is `0000/0000_000_01_0303morning_0015_0.jpg 0`: a path and the person; the third
field of the file name is the camera. Both versions list the same images; version 2 has the
faces masked.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from training.errors import DataError
from training.integrity import Found, Integrity, PartCount, listed, present
from training.samples import ReidData, Samples

_FOLDERS = (("train", "test"), ("mask_train_v2", "mask_test_v2"))
_OFFICIAL = {"train": (32621, 1041), "query": (11659, 3060), "gallery": (82161, 3060)}
_SHOWN = 5


def read_msmt17(folder: Path) -> Found:
    """MSMT17; list_val is part of train, as in the paper's 32621 images of 1041 people.

    The lists number the people of train and of test from 0 each: those of test are moved up behind
    those of train.

    Raises:
        DataError: A list or the image folders are absent, or a list has lines of another form.
    """
    train_folder, test_folder = _image_folders(folder)
    train = _listed_samples([folder / "list_train.txt", folder / "list_val.txt"], train_folder, 0)
    first = 1 + int(train.persons.max(initial=-1))
    query = _listed_samples([folder / "list_query.txt"], test_folder, first)
    gallery = _listed_samples([folder / "list_gallery.txt"], test_folder, first)
    data = ReidData("msmt17", present(train), present(query), present(gallery))
    parts = {"train": data.train, "query": data.query, "gallery": data.gallery}
    counts = tuple(
        PartCount(part, len(samples), samples.num_persons, *_OFFICIAL[part])
        for part, samples in parts.items()
    )
    return Found(data, Integrity(f"msmt17 {folder}", counts))


def _image_folders(folder: Path) -> tuple[Path, Path]:
    for train, test in _FOLDERS:
        if (folder / train).is_dir() and (folder / test).is_dir():
            return folder / train, folder / test
    raise DataError(
        f"{folder}: holds neither train and test (version 1) nor mask_train_v2 and mask_test_v2 "
        "(version 2); name the folder that holds them and the list files"
    )


def _listed_samples(lists: list[Path], images: Path, first: int) -> Samples:
    crops = [crop for path in lists for crop in _lines(path)]
    return Samples(
        tuple(images / name for name, _, _ in crops),
        np.array([first + person for _, person, _ in crops], np.int64),
        np.array([camera for _, _, camera in crops], np.int64),
    )


def _lines(path: Path) -> Iterator[tuple[str, int, int]]:
    """Image, person and camera of each line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read: {error.strerror or error}; MSMT17 comes with four list files"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not a text file") from error
    crops = [(number, _crop(line)) for number, line in enumerate(lines, 1) if line.strip()]
    faults = [f"line {number}" for number, crop in crops if crop is None]
    if faults:
        raise DataError(
            f"{path}: {len(faults)} lines are not of the form "
            f"'0000/0000_000_01_0303morning_0015_0.jpg 0': {listed(faults, _SHOWN)}"
        )
    return (crop for _, crop in crops if crop is not None)


def _crop(line: str) -> tuple[str, int, int] | None:
    name, _, person = line.strip().rpartition(" ")
    fields = name.rpartition("/")[2].split("_")
    if len(fields) < 3 or not (person.isdecimal() and fields[2].isdecimal()):
        return None
    return name, int(person), int(fields[2])
