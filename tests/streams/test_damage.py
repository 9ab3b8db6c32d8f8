from __future__ import annotations

import pytest

from streams.damage import Damage, Declared


def test_the_first_error_is_kept_and_all_are_counted() -> None:
    damage = Damage()
    assert str(damage) == ""
    damage.note("invalid data", 7)
    damage.note(None, 9)
    assert str(damage) == ", 2 errors, the first: invalid data near frame 7"


@pytest.mark.parametrize(
    ("declared", "num_read", "read_s", "is_cut"),
    [
        (Declared(100, 4.0, 0.04), 100, 3.96, False),
        (Declared(100, 4.0, 0.04), 98, 3.88, False),
        (Declared(100, 4.0, 0.04), 60, 2.36, True),
        (Declared(937, 1.56, 1 / 600), 40, 1.56, False),
        (Declared(10, 9.0, 0.04), 10, 4.0, False),
        (Declared(None, 4.0, 0.04), 60, 2.36, True),
        (Declared(None, 4.0, 0.04), 100, 3.96, False),
        (Declared(100, None, 0.04), 1, 0.0, False),
        (Declared(None, None, 0.04), 0, 0.0, False),
    ],
    ids=[
        "whole",
        "two fewer",
        "cut",
        "avi with left-out frames",
        "long last frame",
        "cut, time only",
        "whole, time only",
        "no length",
        "says nothing",
    ],
)
def test_what_is_cut_off(declared: Declared, num_read: int, read_s: float, is_cut: bool) -> None:
    assert bool(declared.what_is_missing(num_read, read_s)) == is_cut
