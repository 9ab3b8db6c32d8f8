"""Puts presentation times right that a container stored in the order of decoding.

AVI, and MP4 written by some tools, keep no presentation times: with B-frames the decoder gives the
images in the right order, each with the time of another one nearby. The k-th image in order then
has the k-th smallest time.
"""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def in_presentation_order(
    timed: Iterable[tuple[Item, float | None]], *, depth: int, reach_s: float
) -> Iterator[tuple[Item, float | None]]:
    """The items as they come, with the times of any `depth` + 1 neighbours sorted among them.

    Only times that lie at most `reach_s` back are taken from a neighbour: a clock that really jumps
    back stays as it is. Times in order come out unchanged.

    Args:
        timed: Items in order of presentation with their times in seconds; None: not known.
        depth: Items that are read ahead; 0 changes nothing.
        reach_s: Seconds that a time may lie behind the item's own.

    Example:
        >>> shuffled = [("a", 0.0), ("b", 3.0), ("c", 2.0), ("d", 1.0), ("e", 4.0)]
        >>> [time for _, time in in_presentation_order(shuffled, depth=3, reach_s=3.0)]
        [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    window: deque[tuple[Item, float | None]] = deque()
    times: list[float] = []
    for item, time_s in timed:
        window.append((item, time_s))
        if time_s is not None:
            bisect.insort(times, time_s)
        if len(window) > depth:
            yield _first(window, times, reach_s)
    while window:
        yield _first(window, times, reach_s)


def _first(
    window: deque[tuple[Item, float | None]], times: list[float], reach_s: float
) -> tuple[Item, float | None]:
    item, own_s = window.popleft()
    if own_s is None:
        return item, None
    place = bisect.bisect_left(times, own_s - reach_s)
    return item, times.pop(min(place, len(times) - 1))
