"""Fits what similarities of an embedder say about "same person", for `matcher.calibration`.

    python benchmarks/fit_calibration.py cuhk03 --data ../shared/data/cuhk03 --weights MODEL.xml
    python benchmarks/fit_calibration.py drawn --kind histogram

How pairs are made and fitted: `training.calibration_fit`.

`cuhk03` uses the training identities of the labelled CUHK03-NP split only; `drawn` uses drawn sites
of other seeds than the demo's. Half of the people are fitted, the other half says how well it
holds; the figures printed last are fitted on all. Prints one JSON line per figure; `--out` writes
the file that `matcher.calibration` names.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import numpy.typing as npt
from scipy.io import loadmat

from config.schema import EmbedderSettings
from reid.embedder import Crop, Embedder, EmbedderKind, build_embedder
from streams.synthetic import SyntheticSite, render_frames
from training.calibration_fit import (
    LabelledCrops,
    fit_calibration,
    tracklet_pairs,
    write_calibration,
)

SPLIT = "cuhk03_new_protocol_config_labeled.mat"
DRAWN_SEEDS = range(101, 109)
ARRAYS = ("features", "persons", "views", "sites")


def cuhk03_crops(data: Path) -> Iterator[tuple[Crop, int, int, int]]:
    """Crops of the training identities, with person, view and site."""
    split = loadmat(data / SPLIT)
    names = [str(name[0]) for name in split["filelist"].ravel()]
    for index in split["train_idx"].ravel() - 1:
        path = data / "images_labeled" / Path(names[index]).with_suffix(".jpg")
        if not path.exists():  # the research data have one of the five camera pairs
            continue
        image = cv2.imread(str(path))
        if image is None:
            raise SystemExit(f"{path} cannot be read as an image")
        yield (
            image.astype(np.uint8),
            int(split["labels"][index, 0]),
            int(split["camId"][index, 0]),
            0,
        )


def drawn_crops() -> Iterator[tuple[Crop, int, int, int]]:
    """Crops of people in drawn sites, two a second, with person, view and site."""
    for seed in DRAWN_SEEDS:
        site = SyntheticSite(fps=2.0, seed=seed)
        for view in range(site.num_cameras):
            for image, boxes in render_frames(site, view):
                for box in boxes:
                    x1, y1, x2, y2 = (round(value) for value in box.box)
                    if box.visibility > 0.7 and y2 - y1 >= 32 and x2 > x1:
                        person = 1000 * seed + box.person_id
                        yield np.ascontiguousarray(image[y1:y2, x1:x2]), person, view, seed


def embedded(crops: Iterator[tuple[Crop, int, int, int]], embedder: Embedder) -> LabelledCrops:
    """All crops, embedded in batches."""
    features, labels = [], []
    batch: list[Crop] = []
    for crop, *label in crops:
        batch.append(crop)
        labels.append(label)
        if len(batch) == 32:
            features.append(embedder.embed(batch))
            batch = []
    features.append(embedder.embed(batch))
    columns = np.array(labels, dtype=np.int64)
    return LabelledCrops(np.concatenate(features), columns[:, 0], columns[:, 1], columns[:, 2])


def half(crops: LabelledCrops, parity: int) -> LabelledCrops:
    """Every second person."""
    _, number = np.unique(crops.persons, return_inverse=True)
    return crops.take(number % 2 == parity)


def report(figure: str, **values: object) -> None:
    """One JSON line."""
    print(json.dumps({"figure": figure, **values}))


def held_out(crops: LabelledCrops, num_crops: int) -> None:
    """How a calibration of half of the people holds for the other half."""
    calibration = fit_calibration(tracklet_pairs(half(crops, 0), num_crops))
    pairs = tracklet_pairs(half(crops, 1), num_crops)
    for rate in (0.01, 0.001):
        least = calibration.threshold(rate)
        report(
            "held out",
            wanted_false_match_rate=rate,
            false_match_rate=float(np.mean(calibration.probability(pairs.different) >= least)),
            true_match_rate=float(np.mean(calibration.probability(pairs.same) >= least)),
            num_same=len(pairs.same),
            num_different=len(pairs.different),
        )


def more_chances(crops: LabelledCrops, num_crops: int) -> None:
    """How much oftener different people reach the 1 % similarity with two exemplars."""
    one = halves_of_views(crops, num_crops, 0)
    other = halves_of_views(crops, num_crops, 1)
    both = sorted(one.keys() & other.keys())
    queries = np.stack([one[key] for key in both])
    persons = np.array([person for person, _ in both])
    first = queries @ queries.T
    second = queries @ np.stack([other[key] for key in both]).T
    is_other = persons[:, None] != persons[None, :]
    least = np.quantile(first[is_other], 0.99)
    rate = float(np.mean(np.maximum(first, second)[is_other] >= least))
    report("two exemplars of a view", false_matches_times=rate / 0.01)


def halves_of_views(
    crops: LabelledCrops, num_crops: int, parity: int
) -> dict[tuple[int, int], npt.NDArray[np.float32]]:
    """A tracklet of every second crop, by person and view."""
    features = {}
    for person, view in {*zip(crops.persons.tolist(), crops.views.tolist(), strict=True)}:
        rows = np.flatnonzero((crops.persons == person) & (crops.views == view))
        if len(rows) >= 4:
            mean = crops.features[rows[parity::2][:num_crops]].mean(axis=0)
            features[person, view] = mean / np.linalg.norm(mean)
    return features


def load_or_embed(arguments: argparse.Namespace) -> LabelledCrops:
    """Features from the file if it exists, else computed and kept there."""
    cache: Path | None = arguments.features
    if cache is not None and cache.exists():
        with np.load(cache) as arrays:
            return LabelledCrops(*(arrays[name] for name in ARRAYS))
    settings = EmbedderSettings(kind=arguments.kind, weights=arguments.weights)
    embedder = build_embedder(settings)
    report("embedder", name=embedder.name, space=embedder.space)
    source = drawn_crops() if arguments.source == "drawn" else cuhk03_crops(arguments.data)
    crops = embedded(source, embedder)
    if cache is not None:
        np.savez(cache, allow_pickle=False, **{name: getattr(crops, name) for name in ARRAYS})
    return crops


def main() -> None:
    """Fits and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("source", choices=["cuhk03", "drawn"])
    parser.add_argument("--data", type=Path, help="CUHK03 folder with images and split")
    parser.add_argument("--kind", choices=get_args(EmbedderKind), default="auto")
    parser.add_argument("--weights")
    parser.add_argument("--features", type=Path, help="npz that keeps the features between runs")
    parser.add_argument("--crops", type=int, default=3, help="crops of a tracklet")
    parser.add_argument("--out", type=Path, help="JSON file for matcher.calibration")
    arguments = parser.parse_args()
    if arguments.source == "cuhk03" and arguments.data is None:
        parser.error("cuhk03 needs --data")
    crops = load_or_embed(arguments)
    held_out(crops, arguments.crops)
    more_chances(crops, arguments.crops)
    calibration = fit_calibration(tracklet_pairs(crops, arguments.crops))
    report("calibration", num_crops=len(crops.persons), **asdict(calibration))
    if arguments.out is not None:
        write_calibration(calibration, arguments.out)


if __name__ == "__main__":
    main()
