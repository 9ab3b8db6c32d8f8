"""Heartbeats: a process that works touches a file; a health check looks at its age."""

from __future__ import annotations

import time
from pathlib import Path

_FOLDER = "health"
_MAX_AGE_S = 60.0


class Heartbeat:
    """The heartbeat of one process in a run's folder."""

    def __init__(self, data: Path, name: str) -> None:
        self._file = data / _FOLDER / name
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self.beat()

    def beat(self) -> None:
        """Say that the process works; called about once a second."""
        self._file.touch()

    def end(self) -> None:
        """The process ended cleanly."""
        self._file.unlink(missing_ok=True)


def silent_processes(data: Path, now: float | None = None) -> list[str]:
    """What is wrong with the processes of a run's folder; empty if all work.

    Args:
        data: The run's folder.
        now: Unix seconds; the clock if None.
    """
    files = sorted((data / _FOLDER).glob("*"))
    if not files:
        return ["no process of crosscam works on this folder"]
    moment = time.time() if now is None else now
    ages = {file.name: moment - file.stat().st_mtime for file in files}
    return [
        f"{name} has not been heard of for {age:.0f} s"
        for name, age in ages.items()
        if age > _MAX_AGE_S
    ]
