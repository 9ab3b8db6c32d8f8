"""CUHK03 under the new protocol (CUHK03-NP): 767 people to train on, 700 to test on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from training.cuhk03_counts import PARTS, Part, new_protocol
from training.cuhk03_folder import CropFolder, find_crops
from training.cuhk03_names import PAIR_SIZES, Boxes, CropName
from training.cuhk03_split_file import SplitFile, read_split_file, split_path
from training.errors import DataError
from training.integrity import Found, Integrity, PartCount, listed
from training.samples import ReidData, Samples

_PAIRS = range(1, len(PAIR_SIZES) + 1)
_SHOWN = 3


def read_new_protocol(root: Path, boxes: Boxes) -> Found:
    """CUHK03-NP of a folder that holds the extracted crops and the published split file.

    Persons are 1 to 1467 over all pairs, the camera is the view; the order is the split file's.

    Raises:
        DataError: The folder or the split file is absent or wrong, or they do not fit each other.
    """
    folder = find_crops(root, boxes)
    split = read_split_file(split_path(root, boxes), boxes)
    rows: dict[Part, list[int]] = {
        part: [row for row in split.rows[part].tolist() if split.crops[row] in folder.paths]
        for part in PARTS
    }
    if not any(rows.values()):
        raise DataError(
            f"{split.path}: none of the {len(split.crops)} images that it splits is in "
            f"{folder.folder}; take the split file and the images of the same data set"
        )
    parts = {part: _samples(split, folder, rows[part]) for part in PARTS}
    name = f"cuhk03-np-{boxes}"
    data = ReidData(name, parts["train"], parts["query"], parts["gallery"])
    counts = [
        count
        for part in PARTS
        for count in _counts(boxes, part, [split.crops[row] for row in rows[part]])
    ]
    return Found(data, Integrity(f"{name} {root}", tuple(counts), _problems(folder, split)))


def _samples(split: SplitFile, folder: CropFolder, rows: list[int]) -> Samples:
    paths = tuple(folder.paths[split.crops[row]] for row in rows)
    return Samples(paths, split.persons[rows], split.cameras[rows])


def _counts(boxes: Boxes, part: Part, crops: list[CropName]) -> Iterator[PartCount]:
    official = new_protocol(boxes, part)
    for pair, images, persons in zip(_PAIRS, official.images, official.persons, strict=True):
        people = [crop.person for crop in crops if crop.pair == pair]
        yield PartCount(f"pair {pair} {part}", len(people), len(set(people)), images, persons)


def _problems(folder: CropFolder, split: SplitFile) -> tuple[str, ...]:
    known = set(split.crops)
    unnamed = [path.name for crop, path in folder.paths.items() if crop not in known]
    unnamed += [path.name for path in folder.strangers]
    if not unnamed:
        return ()
    return (
        f"{folder.folder} has {len(unnamed)} images that {split.path.name} does not name, as if it "
        f"were the split of other images: {listed(unnamed, _SHOWN)}",
    )
