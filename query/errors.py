"""Errors of questions.

QueryError
├── UnknownIdError   no identity or tracklet has this id (or it has expired)
└── ImageError       an image to search by cannot be read, is too large, or shows nobody
"""

from __future__ import annotations


class QueryError(Exception):
    """A question cannot be answered; the text names the thing and the cure."""


class UnknownIdError(QueryError):
    """No identity or tracklet has this id, or it has expired."""


class ImageError(QueryError):
    """An image to search by cannot be read, is too large, or shows nobody."""
