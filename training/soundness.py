"""Whether a data set can be trained on or evaluated, and what is odd about it."""

from __future__ import annotations

import numpy as np

from training.errors import DataError
from training.samples import Labels, ReidData, Samples


def require_train(data: ReidData) -> None:
    """Check that there is something to train on.

    Raises:
        DataError: The train part is empty, or has a single person.
    """
    if not len(data.train):
        raise DataError(
            f"{data.name}: the train part is empty; name a data set that has one, or complete this"
        )
    if data.train.num_persons < 2:
        raise DataError(
            f"{data.name}: all {len(data.train)} images to train on are of one person; two or more "
            "are needed to learn what tells people apart"
        )


def require_test(data: ReidData) -> None:
    """Check that there is something to evaluate.

    Raises:
        DataError: Query or gallery is empty, or no query has anything to be found.
    """
    for part, samples in (("query", data.query), ("gallery", data.gallery)):
        if not len(samples):
            raise DataError(f"{data.name}: the {part} part is empty; nothing can be evaluated")
    if not _has_match(data.query, data.gallery).any():
        raise DataError(
            f"{data.name}: none of the {len(data.query)} queries has an image of the same person "
            "in another camera in the gallery; check the person and camera labels"
        )


def oddities(data: ReidData) -> tuple[str, ...]:
    """What is allowed but worth knowing, a sentence each; nothing for parts that are empty."""
    return (*_train_oddities(data.train), *_test_oddities(data))


def _train_oddities(train: Samples) -> list[str]:
    notes = []
    persons, images = np.unique(train.persons, return_counts=True)
    num_single = int((images == 1).sum())
    if num_single:
        notes.append(f"train: {num_single} of {len(persons)} people have one image only")
    num_unseen = int((_cameras_a_person(train) == 1).sum())
    if num_unseen:
        notes.append(f"train: {num_unseen} of {len(persons)} people are in one camera only")
    return notes


def _test_oddities(data: ReidData) -> list[str]:
    notes = []
    num_lost = int((~_has_match(data.query, data.gallery)).sum())
    if num_lost:
        notes.append(
            f"query: {num_lost} of {len(data.query)} have nothing to be found in another camera "
            "and are left out of every figure"
        )
    tested = np.union1d(data.query.persons, data.gallery.persons)
    num_shared = len(np.intersect1d(data.train.persons, tested))
    if num_shared:
        notes.append(
            f"{num_shared} people are in train and in query or gallery: a model trained on this "
            "data set is flattered by its figures"
        )
    return notes


def _cameras_a_person(samples: Samples) -> Labels:
    """(P,) number of cameras of each person, persons ascending."""
    seen = np.unique(np.stack([samples.persons, samples.cameras], axis=1), axis=0)
    return np.unique(seen[:, 0], return_counts=True)[1].astype(np.int64)


def _has_match(query: Samples, gallery: Samples) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(Q,) bool: the gallery has the person of this query in another camera."""
    cameras: dict[int, set[int]] = {}
    for person, camera in zip(gallery.persons.tolist(), gallery.cameras.tolist(), strict=True):
        cameras.setdefault(person, set()).add(camera)
    asked = zip(query.persons.tolist(), query.cameras.tolist(), strict=True)
    return np.array([bool(cameras.get(p, set()) - {c}) for p, c in asked], dtype=np.bool_)
