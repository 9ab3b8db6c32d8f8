from __future__ import annotations

import numpy as np
import pytest

from detector.person_heights import PersonHeights


def test_a_few_people_say_nothing() -> None:
    heights = PersonHeights(min_samples=15)
    for y in range(14):
        heights.add(y, 50)

    assert heights.at(10) is None


def test_the_line_is_learned_in_spite_of_a_fifth_of_nonsense() -> None:
    rng = np.random.default_rng(0)
    heights = PersonHeights()
    for i in range(200):
        y = rng.uniform(100, 300)
        heights.add(y, rng.uniform(10, 300) if i % 5 == 0 else 20 + 0.4 * y + rng.normal(0, 2))

    assert heights.at(100) == pytest.approx(60, rel=0.1)
    assert heights.at(300) == pytest.approx(140, rel=0.1)


def test_people_on_one_row_give_their_median() -> None:
    heights = PersonHeights()
    for height in [50.0, 52.0, 48.0] * 10:
        heights.add(200, height)

    assert heights.at(200) == pytest.approx(50, abs=2)
    assert heights.at(100) == pytest.approx(50, abs=2)


def test_an_old_scale_is_forgotten_after_the_camera_was_moved() -> None:
    heights = PersonHeights(max_samples=50)
    for height in [100.0] * 50 + [40.0] * 50:
        heights.add(200, height)

    assert heights.at(200) == pytest.approx(40)
