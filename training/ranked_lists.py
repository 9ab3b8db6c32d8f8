"""Ranked lists of the queries that go best and worst, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.average_precision import average_precision_step
from training.evaluate import Scored
from training.pictures import image_tag, picture_of
from training.ranking import ranked_gallery

NUM_LISTS = 6
NUM_SHOWN = 10


@dataclass(frozen=True, slots=True)
class RankedList:
    """A query and what stands first in the gallery for it.

    Attributes:
        query: Its row.
        average_precision: Step, in [0, 1].
        gallery: Gallery rows, nearest first.
    """

    query: int
    average_precision: float
    gallery: tuple[int, ...]


def best_and_worst(
    scored: Scored, num: int = NUM_LISTS
) -> tuple[tuple[RankedList, ...], tuple[RankedList, ...]]:
    """Up to `num` lists of the greatest average precision, and of the least, worst first.

    Equals stand in the order of the queries; no list is among both unless there are too few.
    """
    precision = average_precision_step(scored.ranking)
    order = np.argsort(precision, kind="stable")
    worst = [_list(scored, int(place), float(precision[place])) for place in order[:num]]
    from_best = np.argsort(-precision, kind="stable")[:num]
    best = [_list(scored, int(place), float(precision[place])) for place in from_best]
    return tuple(best), tuple(worst)


def ranked_lists_html(lists: Sequence[RankedList], scored: Scored, *, is_blurred: bool) -> str:
    """The lists, a row each: the query, then the gallery; a hit is marked by a tick and colour."""
    rows = (_list_html(each, scored, is_blurred=is_blurred) for each in lists)
    return f'<div class="lists">{"".join(rows)}</div>'


def _list(scored: Scored, place: int, precision: float) -> RankedList:
    query = int(scored.ranking.queries[place])
    rows = ranked_gallery(scored.distances, scored.features.labels, query, NUM_SHOWN)
    return RankedList(query, precision, tuple(rows.tolist()))


def _list_html(ranked: RankedList, scored: Scored, *, is_blurred: bool) -> str:
    labels, features = scored.features.labels, scored.features
    person = int(labels.query_ids[ranked.query])
    query = _card(
        _path(features.query_paths, ranked.query),
        f"person {person}<br>camera {labels.query_cameras[ranked.query]}"
        f"<br>AP {100 * ranked.average_precision:.1f} %",
        "query",
        is_blurred=is_blurred,
    )
    cards = []
    for row in ranked.gallery:
        is_hit = int(labels.gallery_ids[row]) == person
        caption = (
            f"{'✓' if is_hit else '✗'} {labels.gallery_ids[row]}"
            f"<br>camera {labels.gallery_cameras[row]}"
            f"<br>{float(scored.distances[ranked.query, row]):.3f}"
        )
        path = _path(features.gallery_paths, row)
        cards.append(_card(path, caption, "hit" if is_hit else "miss", is_blurred=is_blurred))
    return f'<div class="list">{query}{"".join(cards)}</div>'


def _card(path: Path | None, caption: str, kind: str, *, is_blurred: bool) -> str:
    image = None if path is None else picture_of(path, is_blurred=is_blurred)
    shown = '<span class="absent">no image</span>' if image is None else image_tag(image)
    return f'<figure class="card {kind}">{shown}<figcaption>{caption}</figcaption></figure>'


def _path(paths: Sequence[Path], row: int) -> Path | None:
    return paths[row] if paths else None
