"""Errors of linking and of the store.

MatcherError
├── StoreError              the store was reached and refused, or holds what it should not
│   ├── StoreUnavailableError   the store cannot be reached now; a retry can help
│   └── OtherMatcherError       another matcher works on the site; a retry does not help
├── RefusedError            an operator's command cannot be carried out; nothing was changed
├── RecordError             stored bytes cannot be read: another version, cut off, not ours
└── SpaceError              embeddings of two spaces were about to be compared
"""

from __future__ import annotations


class MatcherError(Exception):
    """Linking or storing failed; the text names what, and the cure."""


class StoreError(MatcherError):
    """The store was reached and refused, or holds what it should not."""


class StoreUnavailableError(StoreError):
    """The store cannot be reached now; what was accepted is kept and sent later."""


class OtherMatcherError(StoreError):
    """Another matcher has taken over the site; this one knows too little to go on."""


class RefusedError(MatcherError):
    """An operator's command cannot be carried out: what it names is gone, or contradicts itself."""


class RecordError(MatcherError):
    """Stored bytes cannot be read: another version, cut off, or not ours."""


class SpaceError(MatcherError):
    """Embeddings of two spaces (models) were about to be compared."""
