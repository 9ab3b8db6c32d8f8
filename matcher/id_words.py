"""Ids as words in a text or a record: ``P1`` is not in ``P12``."""

from __future__ import annotations

import re
from collections.abc import Iterable


def id_words(names: Iterable[str]) -> re.Pattern[bytes]:
    """Matches any of the ids, but not longer ones that begin or end like them.

    >>> words = id_words(["P1", "cam1-1-4"])
    >>> [bool(words.search(text)) for text in (b"as P1 asked", b"P12", b"cam1-1-42", b"xP1")]
    [True, False, False, False]
    """
    options = b"|".join(re.escape(name.encode()) for name in sorted(names, key=len, reverse=True))
    return re.compile(rb"(?<![A-Za-z0-9_.-])(?:" + options + rb")(?![0-9])")
