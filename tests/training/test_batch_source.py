from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from reid.preprocess import normalise
from training.batch_source import BatchSource
from training.errors import DataError
from training.identity_sampler import Share
from training.processes import Processes
from training.recipe import Recipe
from training.training_set import TrainingSet

CPU = torch.device("cpu")
ALONE = Processes(Share(), CPU)
LABELS = np.repeat(np.arange(6), (3, 4, 4, 1, 2, 4))


def data() -> TrainingSet:
    images = np.random.default_rng(0).integers(0, 256, (18, 32, 16, 3), np.uint8)
    return TrainingSet(images, LABELS, np.arange(18, dtype=np.float32)[:, None], "noise")


def recipe(**values: Any) -> Recipe:
    return Recipe.model_validate(
        {
            "data": ["folder:x"],
            "model": {"size": [32, 16]},
            "batch": {"persons": 2, "images": 2},
            **values,
        }
    )


def test_a_batch_is_a_function_of_its_number() -> None:
    first, second = (BatchSource(data(), recipe(), ALONE) for _ in range(2))
    in_order = [first.batch(iteration) for iteration in range(5)]

    for iteration in (4, 0, 3):
        again = second.batch(iteration)
        assert torch.equal(again.images, in_order[iteration].images)
        assert torch.equal(again.labels, in_order[iteration].labels)


def test_images_labels_and_teacher_belong_together() -> None:
    off = {"augmentation": {"flip": 0, "crop": 0, "erasing": 0}}
    everything = data()

    batch = BatchSource(everything, recipe(**off), ALONE).batch(1)

    assert batch.teacher is not None
    rows = batch.teacher[:, 0].long().numpy()
    assert (LABELS[rows] == batch.labels.numpy()).all()
    expected = torch.from_numpy(normalise(everything.images[rows]))
    assert torch.allclose(batch.images, expected, atol=2e-5)


def test_processes_augment_differently() -> None:
    parts = [
        BatchSource(data(), recipe(), Processes(Share(rank, 2), CPU)).batch(0) for rank in (0, 1)
    ]

    assert parts[0].images.shape == (2, 3, 32, 16)
    assert set(parts[0].labels.tolist()).isdisjoint(parts[1].labels.tolist())


def test_an_epoch_is_one_pass_over_the_persons() -> None:
    source = BatchSource(data(), recipe(), ALONE)

    seen = torch.cat([source.batch(iteration).labels for iteration in range(3)])

    assert source.iterations_per_epoch == 3
    assert sorted(set(seen.tolist())) == [0, 1, 2, 3, 4, 5]


def test_too_few_persons_are_told() -> None:
    with pytest.raises(DataError, match=r"set batch\.persons to at most 6"):
        BatchSource(data(), recipe(batch={"persons": 7, "images": 2}), ALONE)
