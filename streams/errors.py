"""Errors of the cameras.

StreamError
├── SourceOpenError       the source cannot be opened (missing, refused, wrong password, no video)
├── SourceLostError       it was open and is no more: a live stream ended, a read timed out
└── SourceCorruptError    a file whose content ends or breaks before it should
"""

from __future__ import annotations


class StreamError(Exception):
    """A camera could not be opened or read; the text names it and the cure, never credentials."""


class SourceOpenError(StreamError):
    """The source cannot be opened now; `is_permanent` says whether a retry can help."""

    def __init__(self, message: str, *, is_permanent: bool = False) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent


class SourceLostError(StreamError):
    """An open source stopped delivering: the live stream ended or a read ran into its timeout."""


class SourceCorruptError(StreamError):
    """A file is damaged or cut off; what could be decoded has been delivered."""
