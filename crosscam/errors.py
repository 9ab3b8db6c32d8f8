"""Errors of the application.

AppError   a command cannot do what was asked; the text names the thing and the cure
"""

from __future__ import annotations


class AppError(Exception):
    """A command cannot do what was asked; the text names the thing and the cure."""
