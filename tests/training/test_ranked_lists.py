from __future__ import annotations

from pathlib import Path

import numpy as np

from training.evaluate import Scored, score
from training.features import FeatureSet
from training.ranked_lists import best_and_worst, ranked_lists_html
from training.ranking import Labelling


def scored(paths: tuple[Path, ...] = ()) -> Scored:
    """Query 0 finds at rank 1, query 1 at rank 3, query 2 has nothing to find."""
    labels = Labelling(*map(np.array, ([1, 2, 9], [1, 2, 3, 4], [0] * 3, [1] * 4)))
    query = np.array([[1, 0], [1, 0], [1, 0]], np.float32)
    gallery = np.array([[1, 0], [1, 0.2], [1, 0.1], [0, 1]], np.float32)
    return score(FeatureSet(query, gallery, labels, gallery_paths=paths))


def test_best_and_worst_are_by_average_precision() -> None:
    best, worst = best_and_worst(scored())

    assert [each.query for each in best] == [0, 1]
    assert [each.query for each in worst] == [1, 0]
    assert worst[0].gallery == (0, 2, 1, 3)
    assert worst[0].average_precision == 1 / 3


def test_few_are_taken_from_each_end() -> None:
    best, worst = best_and_worst(scored(), 1)

    assert ([each.query for each in best], [each.query for each in worst]) == ([0], [1])


def test_hits_are_marked_by_more_than_colour() -> None:
    found = scored()

    html = ranked_lists_html(best_and_worst(found)[1], found, is_blurred=True)

    assert html.count('class="card query"') == 2
    assert html.count('class="card hit"') == 2
    assert html.count('class="card miss"') == 6
    assert html.count("✓") == 2
    assert "AP 33.3 %" in html


def test_missing_images_are_said_to_be_missing() -> None:
    found = scored(tuple(Path(f"/nowhere/{n}.png") for n in range(4)))

    html = ranked_lists_html(best_and_worst(found, 1)[0], found, is_blurred=True)

    assert html.count("no image") == 5
