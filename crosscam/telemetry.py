"""Logging of the processes: one line an event on standard error, credentials taken out."""

from __future__ import annotations

import logging
import sys

from streams.address import redacted


class _Redacting(logging.Formatter):
    """Formats a record, traceback included, and takes the credentials out of every URL in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one text without credentials."""
        return redacted(super().format(record))


def set_up_logging(level: str) -> None:
    """Send log lines of at least this level to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
