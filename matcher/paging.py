"""Many keys, asked for in pages: one round trip each, and a bounded reply."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

PAGE = 512


def paged(items: Iterable[Item], size: int = PAGE) -> Iterator[tuple[Item, ...]]:
    """The items in groups of `size`, the last one smaller; nothing for no items.

    >>> list(paged("abcde", 2))
    [('a', 'b'), ('c', 'd'), ('e',)]
    """
    iterator = iter(items)
    while page := tuple(itertools.islice(iterator, size)):
        yield page
