"""Embeds the people of a data set once, for the benchmarks that let them walk through a site.

    python -m benchmarks.crop_features --data cuhk03:../shared/data/cuhk03 --allow-partial \
        --weights MODEL --out features.npz

Training people are for tuning, test people (query and gallery together) for measuring; a file keeps
them apart. It lies outside the repository, like the images.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from config.schema import EmbedderSettings
from reid.embedder import Embedder, EmbedderKind, build_embedder
from training.calibration_fit import LabelledCrops
from training.datasets import open_data
from training.embedding import read_batches
from training.errors import DataError
from training.samples import Samples

Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
_COLUMNS = ("features", "persons", "views")


@dataclass(frozen=True, slots=True, eq=False)
class CropFeatures:
    """The embedded crops of a data set's people.

    Attributes:
        train: Of people who are tuned on.
        test: Of people who are measured on; none of them is among the others.
        space: The embedder's space.

    Raises:
        DataError: A person is on both sides.
    """

    train: LabelledCrops
    test: LabelledCrops
    space: str

    def __post_init__(self) -> None:
        """Refuses a person on both sides."""
        common = np.intersect1d(self.train.persons, self.test.persons)
        if len(common):
            raise DataError(f"person {common[0]} is tuned on and measured: keep the splits apart")

    def of(self, split: Split) -> LabelledCrops:
        """The crops of one side."""
        return self.train if split == "train" else self.test


def load_crop_features(file: Path) -> CropFeatures:
    """Reads what `save_crop_features` wrote.

    Raises:
        DataError: The file cannot be read, or is none of these.
    """
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        sides = {
            split: _crops(*(arrays[f"{split}_{column}"] for column in _COLUMNS)) for split in SPLITS
        }
        return CropFeatures(sides["train"], sides["test"], str(arrays["space"]))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{file} holds no crop features ({error}); write it with benchmarks/crop_features.py"
        ) from error


def save_crop_features(crops: CropFeatures, file: Path) -> None:
    """Writes an .npz file.

    Raises:
        OSError: The file cannot be written.
    """
    columns = {
        f"{split}_{column}": getattr(crops.of(split), column)
        for split in SPLITS
        for column in _COLUMNS
    }
    with file.open("wb") as stream:
        np.savez(stream, allow_pickle=False, space=np.array(crops.space, dtype=np.str_), **columns)


def embed_people(data: str, embedder: Embedder, *, allow_partial: bool = False) -> CropFeatures:
    """Embeds all images of a data set.

    Args:
        data: ``LAYOUT:PATH``, see `training.datasets`.
        embedder: Of any kind.
        allow_partial: Take a data set with missing images.

    Raises:
        DataError: The data cannot be read.
        ReidError: The embedder failed.
    """
    found = open_data(data, allow_partial=allow_partial)
    return CropFeatures(
        _embedded([found.train], embedder),
        _embedded([found.query, found.gallery], embedder),
        embedder.space,
    )


def _embedded(parts: Sequence[Samples], embedder: Embedder) -> LabelledCrops:
    batches = [embedder.embed(crops) for part in parts for crops in read_batches(part)]
    return _crops(
        np.concatenate([np.empty((0, embedder.dim), np.float32), *batches]),
        np.concatenate([part.persons for part in parts]),
        np.concatenate([part.cameras for part in parts]),
    )


def _crops(features: np.ndarray, persons: np.ndarray, views: np.ndarray) -> LabelledCrops:
    return LabelledCrops(
        features.astype(np.float32),
        persons.astype(np.int64),
        views.astype(np.int64),
        np.zeros(len(persons), np.int64),
    )


def main() -> None:
    """Embeds and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", required=True, metavar="LAYOUT:PATH")
    parser.add_argument("--allow-partial", action="store_true")
    parser.add_argument("--kind", choices=["auto", *get_args(EmbedderKind)], default="auto")
    parser.add_argument("--weights")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    settings = EmbedderSettings(kind=arguments.kind, weights=arguments.weights)
    with closing(build_embedder(settings)) as embedder:
        crops = embed_people(arguments.data, embedder, allow_partial=arguments.allow_partial)
    save_crop_features(crops, arguments.out)
    for split in SPLITS:
        side = crops.of(split)
        print(f"{split}: {len(side.persons)} crops of {len(np.unique(side.persons))} people")


if __name__ == "__main__":
    main()
