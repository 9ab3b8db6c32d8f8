"""People who are easy to tell apart, for sites small enough for a test."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.crop_features import CropFeatures
from training.calibration_fit import LabelledCrops

NUM_CROPS = 4


def drawn_people(num: int, first: int, seed: int) -> LabelledCrops:
    """`num` people, labelled from `first` on, with `NUM_CROPS` crops in each of two views."""
    rng = np.random.default_rng(seed)
    looks = rng.normal(size=(num, 1, 1, 32))
    views = looks + 0.4 * rng.normal(size=(num, 2, 1, 32))
    crops = views + 0.2 * rng.normal(size=(num, 2, NUM_CROPS, 32))
    features = crops.reshape(-1, 32) / np.linalg.norm(crops.reshape(-1, 32), axis=1, keepdims=True)
    return LabelledCrops(
        features.astype(np.float32),
        np.repeat(np.arange(first, first + num), 2 * NUM_CROPS),
        np.tile(np.repeat([0, 1], NUM_CROPS), num),
        np.zeros(2 * NUM_CROPS * num, np.int64),
    )


@pytest.fixture(scope="session")
def people() -> CropFeatures:
    """20 people to tune on (0 to 19) and 20 to measure on (100 to 119)."""
    return CropFeatures(drawn_people(20, 0, seed=1), drawn_people(20, 100, seed=2), "drawn:1")
