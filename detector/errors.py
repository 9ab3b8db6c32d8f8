"""Errors of detection.

DetectorError
├── WeightsError      weights are missing, unreadable, of another kind, or fail their checksum
└── BackendError      the library that a backend needs is absent or does not work here
"""

from __future__ import annotations


class DetectorError(Exception):
    """A detector could not be built or run; the text names it and the cure."""


class WeightsError(DetectorError):
    """Weights are missing, unreadable, of another kind, or fail their checksum."""


class BackendError(DetectorError):
    """The library that a backend needs is absent or does not work on this machine."""
