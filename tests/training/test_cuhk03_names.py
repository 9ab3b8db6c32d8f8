from __future__ import annotations

import pytest

from training.cuhk03_names import PAIR_SIZES, CropName, parse_name, person_label


def test_a_name_is_written_as_it_was_read() -> None:
    assert str(CropName(2, 84, 2, 7)) == "2_084_2_07"
    assert parse_name("2_084_2_07") == CropName(2, 84, 2, 7)


@pytest.mark.parametrize(
    "stem",
    ["", "6_001_1_01", "1_844_1_01", "5_050_1_01", "1_000_1_01", "1_001_3_01", "1_001_1_01_x"],
)
def test_other_names_are_no_crops(stem: str) -> None:
    assert parse_name(stem) is None


def test_person_labels_are_1_to_1467_each_once() -> None:
    labels = [
        person_label(pair, person)
        for pair, size in enumerate(PAIR_SIZES, 1)
        for person in range(1, size + 1)
    ]

    assert labels == list(range(1, 1468))
