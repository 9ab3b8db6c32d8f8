from __future__ import annotations

import pytest

from training.labelled_rows import data_of, number_labels


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        ([], []),
        (["3", "1", "3"], [3, 1, 3]),
        (["3", "b", "3"], [0, 1, 0]),
        (["-1", "2"], [0, 1]),
        (["9" * 30, "1"], [1, 0]),
        (["²", "1"], [1, 0]),
    ],
    ids=["none", "numbers", "mixed", "negative", "huge", "superscript"],
)
def test_labels_are_numbered_in_sorted_order_unless_all_are_whole_numbers(
    texts: list[str], labels: list[int]
) -> None:
    assert number_labels(texts).tolist() == labels


def test_no_rows_are_three_empty_parts() -> None:
    data = data_of("none", [])

    assert (len(data.train), len(data.query), len(data.gallery)) == (0, 0, 0)
