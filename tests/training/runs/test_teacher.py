from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from reid.checkpoint import describe, save_safetensors
from reid.drawn_crops import drawn_crops
from reid.embedder import Crop
from reid.errors import CheckpointError
from reid.histogram import open_histogram_embedder
from reid.model import RGAResNet50
from training.identity_sampler import Share
from training.processes import Processes
from training.recipe import Recipe
from training.run_folder import RunFolder
from training.teacher import embed_all, teacher_features

ALONE = Processes(Share(), torch.device("cpu"))


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for file, crop in zip(files, _crops(), strict=True):
        cv2.imwrite(str(file), crop)
    return files


def _crops() -> list[Crop]:
    return list(drawn_crops(3, (32, 16)))


def recipe(weights: Path) -> Recipe:
    teacher = {"embedder": "torch", "weights": str(weights)}
    return Recipe.model_validate({"data": ["folder:x"], "losses": {"distillation": teacher}})


def test_features_are_those_of_the_unchanged_images(paths: list[Path]) -> None:
    embedder = open_histogram_embedder()

    features = embed_all(embedder, paths)

    assert np.array_equal(features, embedder.embed(_crops()))
    assert embed_all(embedder, []).shape == (0, embedder.dim)


def test_without_a_teacher_there_are_none(paths: list[Path], tmp_path: Path) -> None:
    plain = Recipe(data=("folder:x",))

    assert teacher_features(paths, plain, RunFolder(tmp_path), ALONE) is None


def test_features_are_computed_once_for_the_same_images_and_teacher(
    paths: list[Path], tmp_path: Path, warm_model: RGAResNet50
) -> None:
    weights, folder = tmp_path / "teacher.safetensors", RunFolder(tmp_path)
    save_safetensors(weights, warm_model, describe(warm_model))
    first = teacher_features(paths, recipe(weights), folder, ALONE)
    written = folder.teacher.stat().st_mtime_ns

    again = teacher_features(paths, recipe(weights), folder, ALONE)
    unchanged = folder.teacher.stat().st_mtime_ns == written
    fewer = teacher_features(paths[:2], recipe(weights), folder, ALONE)

    assert first is not None
    assert again is not None
    assert fewer is not None
    assert first.shape == (3, 2048)
    assert np.array_equal(first, again)
    assert unchanged
    assert fewer.shape == (2, 2048)


def test_a_missing_teacher_is_told(paths: list[Path], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        teacher_features(paths, recipe(tmp_path / "none.pth"), RunFolder(tmp_path), ALONE)
