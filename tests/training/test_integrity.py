from __future__ import annotations

import pytest

from training.errors import DataError
from training.integrity import Found, Integrity, PartCount, accepted, integrity_table, listed
from training.samples import ReidData, no_samples

DATA = ReidData("toy", no_samples(), no_samples(), no_samples(), ("odd",))
WHOLE = PartCount("train", 4, 2, 4, 2)
SHORT = PartCount("query", 3, 2, 4, 2)


def test_whole_data_is_accepted_as_it_is() -> None:
    found = Found(DATA, Integrity("toy", (WHOLE, PartCount("gallery", 7, 3))))

    assert accepted(found, allow_partial=False) is DATA


@pytest.mark.parametrize(
    ("integrity", "said"),
    [
        (Integrity("toy", (WHOLE, SHORT)), "query: 3 of 4 images, 2 of 2 people"),
        (Integrity("toy", (PartCount("train", 5, 2, 4, 2),)), "train: 5 of 4 images"),
        (Integrity("toy", (WHOLE,), ("stray images",)), "stray images"),
    ],
    ids=["missing", "too-much", "problem"],
)
def test_other_data_is_refused_with_the_cure_or_carries_a_note(
    integrity: Integrity, said: str
) -> None:
    found = Found(DATA, integrity)

    with pytest.raises(DataError, match=f"toy is not whole: {said}.*--allow-partial"):
        accepted(found, allow_partial=False)
    odd, note = accepted(found, allow_partial=True).notes
    assert odd == "odd"
    assert said in note


def test_the_table_has_a_line_a_part_and_a_line_a_problem() -> None:
    lines = integrity_table(
        Integrity("toy", (WHOLE, SHORT, PartCount("gallery", 7, 3)), ("stray",))
    ).splitlines()

    assert lines[1].split() == ["train", "4", "4", "2", "2"]
    assert lines[2].split() == ["query", "3", "4", "2", "2", "differs"]
    assert lines[3].split() == ["gallery", "7", "-", "3", "-"]
    assert lines[4] == "problem: stray"


def test_a_table_of_nothing_is_its_heading() -> None:
    assert integrity_table(Integrity("toy", ())) == "part  images  expected  people  expected"
    assert listed([], 3) == ""
