"""A child process of `crosscam run` that is restarted when it dies."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

_MAX_PAUSE_S = 10.0
_STEADY_S = 30.0
EXIT_USER_ERROR = 2
"""Exit code of a child whose mistake a restart cannot cure; its last line of stderr says what."""


@dataclass(slots=True, eq=False)
class Child:
    """One command of ours in a process (and process group) of its own.

    The child's standard input is a pipe from us: when we die, by whatever cause, it reads the end
    of the file and stops cleanly. Each line of its standard output is a JSON status.

    Attributes:
        name: For logs and the log file.
        arguments: Arguments of the `crosscam` command.
        log_file: Where its standard error goes.
        status: The last status that it printed.
        num_restarts: How often it was started again.
    """

    name: str
    arguments: Sequence[str]
    log_file: Path
    status: Any = None
    num_restarts: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _started_at: float = 0.0
    _pause_s: float = 0.25
    _restart_at: float | None = None
    _stops: bool = False
    _exit_code: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How it ended for good; None while it runs or is about to be restarted."""
        return self._exit_code

    def start(self) -> None:
        """Start the process."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "crosscam.cli", *self.arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self._started_at = time.monotonic()
        self._restart_at = None
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()

    def check(self) -> None:
        """Restart the process if it died; called every fraction of a second."""
        if self._process is None or self._exit_code is not None:
            return
        code = self._process.poll()
        if code is None:
            return
        self._let_go()
        if self._stops or code in (0, EXIT_USER_ERROR):
            was_starting = self._stops and code == -signal.SIGTERM  # before it could listen to us
            self._exit_code = 0 if was_starting else code
            return
        now = time.monotonic()
        if self._restart_at is None:
            if now - self._started_at > _STEADY_S:
                self._pause_s = 0.25
            logger.warning("%s ended with code %s; starting it again", self.name, code)
            self._restart_at = now + self._pause_s
            self._pause_s = min(2 * self._pause_s, _MAX_PAUSE_S)
        if now >= self._restart_at:
            self.num_restarts += 1
            self.start()

    def stop(self) -> None:
        """Ask the process to end cleanly; returns at once."""
        self._stops = True
        if self._process is None or self._restart_at is not None:
            self._exit_code = 0 if self._exit_code is None else self._exit_code
        elif self._process.poll() is None:
            self._process.terminate()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; False if it still runs after `timeout_s`."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        self.check()
        return True

    def kill(self) -> None:
        """End the process and its own children at once."""
        self._stops = True
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        self._let_go()

    def last_words(self) -> str:
        """The last line of the log file."""
        try:
            lines = self.log_file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1] if lines else ""

    def _let_go(self) -> None:
        """Close our end of an ended process's standard input."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Take statuses in until the process closes its standard output."""
        assert process.stdout is not None  # noqa: S101 - we asked for the pipe
        with process.stdout:
            for line in process.stdout:
                try:
                    status = json.loads(line)
                except ValueError:
                    continue
                with self._lock:
                    self.status = status
