"""Errors of re-identification models.

ReidError
├── CheckpointError   a weights file is unreadable, or of another model, variant or input size
├── BackendError      the library or device that a backend needs is absent or does not work here
└── ExportError       an exported model does not agree with the one it was made from
"""

from __future__ import annotations


class ReidError(Exception):
    """A model could not be built, loaded, exported or run; the text names it and the cure."""


class CheckpointError(ReidError):
    """A weights file is unreadable, or does not fit the model that was asked for."""


class BackendError(ReidError):
    """The library or device that a backend needs is absent or does not work on this machine."""


class ExportError(ReidError):
    """An exported model does not agree with the one it was made from."""
