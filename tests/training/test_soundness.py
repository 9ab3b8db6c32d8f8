from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.errors import DataError
from training.samples import ReidData, Samples, no_samples
from training.soundness import oddities, require_test, require_train


def samples(*labels: tuple[int, int]) -> Samples:
    """Samples of (person, camera)."""
    paths = tuple(Path(f"{index}.jpg") for index in range(len(labels)))
    columns = np.array(labels, np.int64).reshape(-1, 2)
    return Samples(paths, columns[:, 0], columns[:, 1])


def data(train: Samples, query: Samples, gallery: Samples) -> ReidData:
    return ReidData("toy", train, query, gallery)


GOOD = data(samples((1, 1), (1, 2), (2, 1), (2, 2)), samples((3, 1)), samples((3, 2), (4, 1)))
EMPTY = data(no_samples(), no_samples(), no_samples())


def test_sound_data_passes_without_a_note() -> None:
    require_train(GOOD)
    require_test(GOOD)

    assert oddities(GOOD) == ()


def test_people_with_one_image_or_one_camera_are_counted() -> None:
    train = samples((1, 1), (2, 1), (2, 1), (9, 1), (9, 2))

    notes = oddities(data(train, GOOD.query, GOOD.gallery))

    assert notes == (
        "train: 1 of 3 people have one image only",
        "train: 2 of 3 people are in one camera only",
    )


def test_queries_without_anything_to_find_are_counted() -> None:
    query = samples((3, 1), (3, 2), (4, 1), (9, 1))

    (note,) = oddities(data(GOOD.train, query, GOOD.gallery))

    assert note.startswith("query: 3 of 4 have nothing to be found")


def test_people_of_train_that_are_tested_on_are_counted() -> None:
    (note,) = oddities(data(GOOD.train, samples((1, 1)), samples((1, 2), (2, 1))))

    assert note.startswith("2 people are in train and in query or gallery")


def test_empty_data_has_no_oddities_but_is_of_no_use() -> None:
    assert oddities(EMPTY) == ()
    with pytest.raises(DataError, match="toy: the train part is empty"):
        require_train(EMPTY)
    with pytest.raises(DataError, match="toy: the query part is empty"):
        require_test(EMPTY)


def test_a_single_person_cannot_be_trained_on() -> None:
    with pytest.raises(DataError, match="all 2 images to train on are of one person"):
        require_train(data(samples((1, 1), (1, 2)), no_samples(), no_samples()))


def test_an_empty_gallery_or_one_without_any_match_is_refused() -> None:
    with pytest.raises(DataError, match="the gallery part is empty"):
        require_test(data(GOOD.train, GOOD.query, no_samples()))
    with pytest.raises(DataError, match="none of the 1 queries"):
        require_test(data(GOOD.train, GOOD.query, samples((3, 1), (4, 2))))
