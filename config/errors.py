"""Errors of settings.

ConfigError   a site file cannot be used; carries every problem found, each with file, line and key
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a site file.

    Attributes:
        file: The site file.
        line: 1-based line, or None where the file as a whole is meant.
        key: Dotted key, e.g. ``cameras.0.url``; empty for the file as a whole.
        value: The value found, shortened, without credentials; empty where it does not help.
        expected: What was expected there, or what to do.
        suggestion: The nearest known key or choice; empty if none is near.
    """

    file: Path
    line: int | None
    key: str
    value: str
    expected: str
    suggestion: str = ""

    def __str__(self) -> str:
        """One line for people: file, line, key, value, what was expected, the nearest key."""
        place = str(self.file) if self.line is None else f"{self.file}:{self.line}"
        key = f" {self.key}" if self.key else ""
        value = f" = {self.value}" if self.value else ""
        suggestion = f" (did you mean {self.suggestion!r}?)" if self.suggestion else ""
        return f"{place}:{key}{value}: {self.expected}{suggestion}"


class ConfigError(Exception):
    """A site file cannot be used; `problems` holds every mistake, in order of line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.line or 0, p.key)))
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"{count} in the settings:\n{lines}")
