"""Which images make up each batch: P persons with K images each, a pure function of its arguments.

Since nothing is remembered, a run is continued by asking for the same epoch again and skipping
what was seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.errors import DataError
from training.samples import Labels

Rows = npt.NDArray[np.int64]
"""(I, B) int64: row i holds the sample numbers of iteration i."""


@dataclass(frozen=True, slots=True)
class BatchShape:
    """P x K, over all processes together.

    Attributes:
        num_persons: P >= 1.
        num_images: K >= 1, of each person.
        num_iterations: Of an epoch; None: one pass over the persons, the incomplete batch dropped.
    """

    num_persons: int
    num_images: int
    num_iterations: int | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of every batch a process takes.

    Attributes:
        rank: In [0, world_size).
        world_size: Number of processes; divides the persons of a batch.
    """

    rank: int = 0
    world_size: int = 1


def iterations_per_epoch(persons: Labels, shape: BatchShape) -> int:
    """How many batches an epoch has.

    Raises:
        DataError: There are fewer persons than a batch needs.
    """
    num_persons = len(np.unique(persons))
    if num_persons < shape.num_persons:
        raise DataError(
            f"batch.persons: a batch of {shape.num_persons} persons from {num_persons} of them; "
            f"set batch.persons to at most {num_persons}, or add data"
        )
    return shape.num_iterations or num_persons // shape.num_persons


def epoch_rows(
    persons: Labels, shape: BatchShape, *, seed: int, epoch: int, share: Share | None = None
) -> Rows:
    """(I, P / world_size * K) sample numbers of one epoch, for one process.

    Persons come in random order, none twice in a pass, so no person is in a batch twice, and each
    is with all images of an iteration on one process. Of a person K images are drawn without
    repetition; who has fewer than K shows each image before one comes again.

    Args:
        persons: (N,) person of each sample.
        shape: P, K and I.
        seed: Of the run.
        epoch: From 0.
        share: Which process asks; None: the only one.

    Raises:
        DataError: There are fewer persons than P, or P cannot be divided among the processes.
    """
    share = share or Share()
    if shape.num_persons % share.world_size:
        raise DataError(
            f"batch.persons: {shape.num_persons} cannot be divided among {share.world_size} "
            "processes; set it to a multiple of them"
        )
    num_iterations = iterations_per_epoch(persons, shape)
    rng = np.random.default_rng((seed, epoch))
    images_of = _images_by_person(persons)
    chosen = _person_order(len(images_of), shape.num_persons, num_iterations, rng)
    rows = np.array(
        [_draw(images_of[person], shape.num_images, rng) for person in chosen.ravel()], np.int64
    )
    rows = rows.reshape(num_iterations, share.world_size, -1)
    return np.ascontiguousarray(rows[:, share.rank])


def _images_by_person(persons: Labels) -> list[npt.NDArray[np.intp]]:
    order = np.argsort(persons, kind="stable")
    starts = np.flatnonzero(np.diff(persons[order])) + 1
    return np.split(order, starts)


def _person_order(
    num_persons: int, per_batch: int, num_batches: int, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """(I, P) person numbers: as many passes as are needed, each over all but the remainder."""
    per_pass = num_persons // per_batch
    passes = [
        rng.permutation(num_persons)[: per_pass * per_batch].reshape(per_pass, per_batch)
        for _ in range(-(-num_batches // per_pass))
    ]
    return np.concatenate(passes)[:num_batches]


def _draw(
    images: npt.NDArray[np.intp], num_images: int, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    rounds = [rng.permutation(images) for _ in range(-(-num_images // len(images)))]
    return np.concatenate(rounds)[:num_images]
