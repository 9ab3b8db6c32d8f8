"""CUHK03 under its classic protocol: 20 splits, each with 1367 people to train on and 100 to test.

Query is view 1 and gallery view 2, as in Li et al. (CVPR 2014); figures are single-gallery-shot and
the mean over the 20 splits. Some toolboxes ask with both views; their figures differ slightly.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.cuhk03_counts import CLASSIC_TEST_PERSONS, CLASSIC_TRAIN_PERSONS, all_crops
from training.cuhk03_folder import CropFolder, find_crops
from training.cuhk03_names import PAIR_SIZES, Boxes, CropName, person_label
from training.cuhk03_testsets import TestSet, find_testsets
from training.errors import DataError
from training.integrity import Found, Integrity, PartCount, listed
from training.samples import ReidData, Samples

_PAIRS = range(1, len(PAIR_SIZES) + 1)
_SHOWN = 3


def read_classic(root: Path, boxes: Boxes, split: int) -> Found:
    """A classic split of a folder that holds the extracted crops and the stored test sets.

    Persons are 1 to 1467 over all pairs, the camera is the view; the order is by name.

    Args:
        root: The folder that holds images_labeled or images_detected.
        boxes: Which crops.
        split: 0 to 19.

    Raises:
        DataError: Crops or test sets are absent or disagree, or there is no such split.
    """
    folder = find_crops(root, boxes)
    tested = frozenset(_chosen(find_testsets(root), split, root))
    crops = list(folder.paths)
    test = [crop for crop in crops if (crop.pair, crop.person) in tested]
    train = [crop for crop in crops if (crop.pair, crop.person) not in tested]
    data = ReidData(
        f"cuhk03-classic-{boxes}@{split}",
        _samples(folder, train),
        _samples(folder, [crop for crop in test if crop.view == 1]),
        _samples(folder, [crop for crop in test if crop.view == 2]),
    )
    problems: tuple[str, ...] = ()
    if folder.strangers:
        names = listed([path.name for path in folder.strangers], _SHOWN)
        problems = (f"{folder.folder} has images not of CUHK03: {names}",)
    integrity = Integrity(f"{data.name} {root}", _counts(boxes, crops, data), problems)
    return Found(data, integrity)


def _chosen(testsets: tuple[TestSet, ...], split: int, root: Path) -> TestSet:
    if not 0 <= split < len(testsets):
        raise DataError(f"{root}: no split {split}; give 0 to {len(testsets) - 1}")
    return testsets[split]


def _samples(folder: CropFolder, crops: list[CropName]) -> Samples:
    return Samples(
        tuple(folder.paths[crop] for crop in crops),
        np.array([person_label(crop.pair, crop.person) for crop in crops], np.int64),
        np.array([crop.view for crop in crops], np.int64),
    )


def _counts(boxes: Boxes, crops: list[CropName], data: ReidData) -> tuple[PartCount, ...]:
    """Images a pair, and people a part: how many images a part has is each split's own."""
    official = all_crops(boxes)
    pairs = []
    for pair, images, persons in zip(_PAIRS, official.images, official.persons, strict=True):
        people = [crop.person for crop in crops if crop.pair == pair]
        pairs.append(PartCount(f"pair {pair}", len(people), len(set(people)), images, persons))
    parts = (
        ("train", data.train, CLASSIC_TRAIN_PERSONS),
        ("query", data.query, CLASSIC_TEST_PERSONS),
        ("gallery", data.gallery, CLASSIC_TEST_PERSONS),
    )
    return (
        *pairs,
        *(PartCount(part, len(s), s.num_persons, None, persons) for part, s, persons in parts),
    )
