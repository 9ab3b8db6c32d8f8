from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from reid.drawn_crops import drawn_crops
from training.errors import DataError
from training.identity_sampler import Share
from training.processes import Processes
from training.recipe import Recipe
from training.run_folder import RunFolder
from training.samples import Samples, no_samples
from training.training_set import fingerprint, load_training_set

ALONE = Processes(Share(), torch.device("cpu"))
RECIPE = Recipe.model_validate({"data": ["folder:x"], "model": {"size": [32, 16]}})


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    paths = tuple(tmp_path / f"{number}.png" for number in range(4))
    for path, crop in zip(paths, drawn_crops(4, (40, 20)), strict=True):
        cv2.imwrite(str(path), crop)
    return Samples(paths, np.array([40, 7, 40, 12]), np.zeros(4, np.int64))


def test_persons_become_classes_from_zero(samples: Samples, tmp_path: Path) -> None:
    data = load_training_set(samples, RECIPE, RunFolder(tmp_path), ALONE)

    assert data.labels.tolist() == [2, 0, 2, 1]
    assert data.num_classes == 3
    assert data.images.shape == (4, 32, 16, 3)
    assert data.teacher is None


def test_no_samples_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the split `train` of the data is empty"):
        load_training_set(no_samples(), RECIPE, RunFolder(tmp_path), ALONE)


def test_a_fingerprint_is_of_names_and_persons_not_of_folders(samples: Samples) -> None:
    moved = replace(samples, paths=tuple(Path("/elsewhere") / path.name for path in samples.paths))
    relabelled = replace(samples, persons=np.array([40, 7, 40, 13]))

    assert fingerprint(moved) == fingerprint(samples)
    assert fingerprint(relabelled) != fingerprint(samples)
    assert fingerprint(samples.take([1, 0, 2, 3])) != fingerprint(samples)
