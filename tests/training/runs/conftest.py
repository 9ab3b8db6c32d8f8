"""A few drawn people and a recipe that trains on them in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from reid.drawn_crops import drawn_crops
from reid.model import RGAResNet50
from reid.preprocess import preprocess
from training.recipe import Recipe
from training.samples import ReidData, Samples

NUM_IMAGES = (3, 4, 4, 1, 2, 4)
"""Of each of 6 persons."""

MakeRecipe = Callable[..., Recipe]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Models this small are slower on several threads."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> ReidData:
    """A data set whose csv file is beside its images; query and gallery are of two cameras."""
    folder = tmp_path_factory.mktemp("people")
    persons = np.repeat(np.arange(len(NUM_IMAGES)), NUM_IMAGES)
    paths = tuple(folder / f"{number:02d}.png" for number in range(len(persons)))
    for path, crop in zip(paths, drawn_crops(len(paths), (32, 16)), strict=True):
        cv2.imwrite(str(path), crop)
    samples = Samples(paths, persons, np.arange(len(persons)) % 2)
    query = samples.take(np.flatnonzero(samples.cameras == 0))
    gallery = samples.take(np.flatnonzero(samples.cameras == 1))
    lines = ["path,person,camera,split"]
    for split, part in (("train", samples), ("query", query), ("gallery", gallery)):
        lines += [
            f"{path.name},{person},{camera},{split}"
            for path, person, camera in zip(part.paths, part.persons, part.cameras, strict=True)
        ]
    (folder / "people.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ReidData("people", samples, query, gallery)


@pytest.fixture(scope="session")
def warm_model() -> RGAResNet50:
    """Random convolutions, and BatchNorm that has seen drawn crops: features are not all zeros."""
    torch.manual_seed(0)
    model = RGAResNet50(size=(32, 16), open_gates=True).train()
    for layer in model.modules():
        if isinstance(layer, _BatchNorm):
            layer.momentum = None  # the plain mean over what is seen
    with torch.no_grad():
        model(torch.from_numpy(preprocess(drawn_crops(16, (32, 16)), (32, 16))))
    return model.eval()


@pytest.fixture(scope="session")
def make_recipe() -> MakeRecipe:
    """`make_recipe(out, **values)`: 2 epochs of 3 iterations of 2 x 2 images of 32x16."""

    def make(out: Path, **values: Any) -> Recipe:
        small = {
            "data": ["csv:people.csv"],
            "out": out,
            "model": {"size": [32, 16]},
            "batch": {"persons": 2, "images": 2},
            "epochs": 2,
            "optimiser": {"rate": 1e-3},
            "schedule": {"warmup_iterations": 2},
            "evaluation": {"interval_epochs": 0},
            "device": "cpu",
            "num_threads": 1,
        }
        return Recipe.model_validate({**small, **values})

    return make
