from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.crop_features import CropFeatures, load_crop_features, save_crop_features
from training.errors import DataError


def test_what_is_saved_is_loaded_again(people: CropFeatures, tmp_path: Path) -> None:
    save_crop_features(people, tmp_path / "people.npz")

    loaded = load_crop_features(tmp_path / "people.npz")

    assert loaded.space == "drawn:1"
    assert np.array_equal(loaded.of("test").persons, people.test.persons)
    assert np.array_equal(loaded.of("train").features, people.train.features)


def test_a_person_of_both_splits_is_refused(people: CropFeatures) -> None:
    with pytest.raises(DataError, match="person 0 is tuned on and measured"):
        CropFeatures(people.train, people.train, "drawn:1")


@pytest.mark.parametrize("content", [None, b"no zip"], ids=["missing", "damaged"])
def test_a_file_that_is_none_is_told_by_name(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "people.npz"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(DataError, match=r"people\.npz holds no crop features"):
        load_crop_features(file)


def test_a_file_without_a_column_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "people.npz", space=np.array("drawn:1"))

    with pytest.raises(DataError, match="train_features"):
        load_crop_features(tmp_path / "people.npz")
