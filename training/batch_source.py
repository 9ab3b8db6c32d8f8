"""The batch of any iteration: which images, how changed, where they are needed."""

from __future__ import annotations

import torch
from torch import Tensor

from training.augment import augment, draw, seeded_generator
from training.identity_sampler import BatchShape, Rows, epoch_rows, iterations_per_epoch
from training.processes import Processes
from training.recipe import Recipe
from training.step import Batch
from training.training_set import TrainingSet

_SHARE_OF_GPU = 0.25
"""Images are kept on a GPU if they take less than this of its free memory."""


class BatchSource:
    """Makes batches; only the order of the present epoch is remembered.

    Args:
        data: What to draw from.
        recipe: Batch, augmentation, seed.
        processes: Whose share is asked for, and where to.

    Raises:
        DataError: There are fewer persons than a batch needs, or they cannot be divided.
    """

    def __init__(self, data: TrainingSet, recipe: Recipe, processes: Processes) -> None:
        self._data = data
        self._recipe = recipe
        self._processes = processes
        self._shape = BatchShape(recipe.batch.persons, recipe.batch.images, recipe.batch.iterations)
        self.iterations_per_epoch = iterations_per_epoch(data.labels, self._shape)
        self._epoch = 0
        self._rows = self._epoch_rows(0)
        self._on_device = _kept_on(processes.device, data)

    def batch(self, iteration: int) -> Batch:
        """The batch of an iteration (from 0), a function of recipe, data, number and process."""
        epoch, position = divmod(iteration, self.iterations_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._rows = epoch, self._epoch_rows(epoch)
        rows = self._rows[position]
        device = self._processes.device
        generator = seeded_generator(self._recipe.seed, iteration, self._processes.share.rank)
        changes = draw(self._recipe.augmentation, len(rows), self._recipe.model.size, generator)
        if self._on_device is None:
            images = torch.from_numpy(self._data.images[rows]).to(device)
        else:
            images = self._on_device[torch.from_numpy(rows).to(device)]
        teacher = self._data.teacher
        return Batch(
            images=augment(images, changes),
            labels=torch.from_numpy(self._data.labels[rows]).to(device),
            teacher=None if teacher is None else torch.from_numpy(teacher[rows]).to(device),
        )

    def _epoch_rows(self, epoch: int) -> Rows:
        return epoch_rows(
            self._data.labels,
            self._shape,
            seed=self._recipe.seed,
            epoch=epoch,
            share=self._processes.share,
        )


def _kept_on(device: torch.device, data: TrainingSet) -> Tensor | None:
    """All images on a GPU that has room for them."""
    if device.type != "cuda":
        return None
    free_bytes, _ = torch.cuda.mem_get_info(device)
    if data.images.nbytes > _SHARE_OF_GPU * free_bytes:
        return None
    return torch.tensor(data.images, device=device)
