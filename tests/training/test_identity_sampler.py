from __future__ import annotations

import numpy as np
import pytest

from training.errors import DataError
from training.identity_sampler import BatchShape, Share, epoch_rows, iterations_per_epoch

SEVEN_PERSONS = np.array([3, 3, 3, 3, 3, 3, 5, 5, 5, 8, 11, 11, 12, 12, 12, 12, 20, 20, 31, 31])
"""6, 3, 1, 2, 4, 2 and 2 images."""


def persons_of(rows: np.ndarray, num_images: int) -> np.ndarray:
    return np.asarray(SEVEN_PERSONS[rows].reshape(*rows.shape[:-1], -1, num_images))


def test_every_batch_has_p_persons_with_k_images_each() -> None:
    rows = epoch_rows(SEVEN_PERSONS, BatchShape(3, 4), seed=1, epoch=0)

    assert rows.shape == (2, 12)
    for batch in persons_of(rows, 4):
        assert (batch == batch[:, :1]).all()
        assert len(set(batch[:, 0])) == 3


def test_an_epoch_is_one_pass_that_drops_the_incomplete_batch() -> None:
    rows = epoch_rows(SEVEN_PERSONS, BatchShape(3, 2), seed=1, epoch=0)

    seen = persons_of(rows, 2)[..., 0].ravel()
    assert len(seen) == len(set(seen)) == 6  # of 7 persons


def test_authors_epochs_have_47_iterations() -> None:
    assert iterations_per_epoch(np.repeat(np.arange(767), 2), BatchShape(16, 4)) == 47
    assert iterations_per_epoch(np.repeat(np.arange(427), 2), BatchShape(16, 4)) == 26


def test_images_of_a_person_differ_and_who_has_few_is_repeated_evenly() -> None:
    rows = epoch_rows(SEVEN_PERSONS, BatchShape(7, 4), seed=1, epoch=0).reshape(7, 4)

    for images in rows:
        num = int((SEVEN_PERSONS[images[0]] == SEVEN_PERSONS).sum())
        counts = np.unique(images, return_counts=True)[1]
        assert len(counts) == min(num, 4)
        assert counts.max() - counts.min() <= 1


def test_epochs_and_seeds_differ_and_the_same_ones_repeat() -> None:
    shape = BatchShape(3, 4)
    first = epoch_rows(SEVEN_PERSONS, shape, seed=1, epoch=0)

    assert (first == epoch_rows(SEVEN_PERSONS, shape, seed=1, epoch=0)).all()
    assert (first != epoch_rows(SEVEN_PERSONS, shape, seed=1, epoch=1)).any()
    assert (first != epoch_rows(SEVEN_PERSONS, shape, seed=2, epoch=0)).any()


def test_processes_share_the_persons_of_each_batch() -> None:
    shape = BatchShape(4, 3)
    whole = epoch_rows(SEVEN_PERSONS, shape, seed=1, epoch=5)
    parts = [epoch_rows(SEVEN_PERSONS, shape, seed=1, epoch=5, share=Share(r, 2)) for r in (0, 1)]

    assert (np.concatenate(parts, 1) == whole).all()
    for first, second in zip(*(persons_of(part, 3) for part in parts), strict=True):
        assert not set(first.ravel()) & set(second.ravel())


def test_longer_epochs_make_several_passes() -> None:
    rows = epoch_rows(SEVEN_PERSONS, BatchShape(3, 2, num_iterations=5), seed=1, epoch=0)

    seen = persons_of(rows, 2)[..., 0]
    assert rows.shape == (5, 6)
    for start in (0, 2):
        assert len(set(seen[start : start + 2].ravel())) == 6


def test_shorter_epochs_end_early() -> None:
    rows = epoch_rows(SEVEN_PERSONS, BatchShape(3, 2, num_iterations=1), seed=1, epoch=0)

    assert rows.shape == (1, 6)


@pytest.mark.parametrize("persons", [np.array([1, 1, 2]), np.empty(0, np.int64)])
def test_too_few_persons_are_refused(persons: np.ndarray) -> None:
    with pytest.raises(DataError, match="a batch of 3 persons from"):
        epoch_rows(persons, BatchShape(3, 2), seed=0, epoch=0)


def test_persons_that_cannot_be_divided_among_processes_are_refused() -> None:
    with pytest.raises(DataError, match="3 cannot be divided among 2"):
        epoch_rows(SEVEN_PERSONS, BatchShape(3, 2), seed=0, epoch=0, share=Share(0, 2))
