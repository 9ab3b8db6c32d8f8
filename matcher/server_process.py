"""One private server process: how it is started, watched and ended."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from matcher.connection import Connection
from matcher.errors import StoreError, StoreUnavailableError

logger = logging.getLogger(__name__)

LOAD_WAIT_S = 900.0
"""A full store of some GB takes minutes to load."""

STOP_WAIT_S = 20.0
MAX_LOG_BYTES = 4 * 1024 * 1024
TORN_TAIL = "Truncating the AOF"

LAUNCHER = """
import ctypes, os, signal, sys
parent = int(sys.argv[1])
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
if os.getppid() != parent:
    sys.exit("the parent has gone")
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Becomes the server, after asking the kernel to end it when its parent ends, however it does."""


class ServerProcess:
    """A server on a Unix socket that keeps its data in a folder; call it from one thread."""

    def __init__(self, program: str, folder: Path, socket: Path) -> None:
        """Starts nothing yet.

        Args:
            program: Path of valkey-server or redis-server.
            folder: For the data and the log; exists.
            socket: Path of the socket, in a folder that only this user can enter.
        """
        self._program = program
        self._folder = folder
        self._log = folder / "server.log"
        self._socket = socket
        self._process: subprocess.Popen[bytes] | None = None
        # The kernel's "parent died" signal means the thread that started the child: this one
        # lives until `close`.
        self._launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-launcher")

    @property
    def pid(self) -> int | None:
        """Process id; None while it does not run as far as we know."""
        return None if self._process is None else self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs, or before it was started."""
        return None if self._process is None else self._process.poll()

    @property
    def is_alive(self) -> bool:
        """It was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts it and waits until it has loaded its data.

        Raises:
            StoreError: It does not start; the text has its last words.
        """
        if self._log.exists() and self._log.stat().st_size > MAX_LOG_BYTES:
            self._log.unlink()
        log_start = self._log.stat().st_size if self._log.exists() else 0
        self._process = self._launcher.submit(self._launch).result()
        try:
            self._wait_ready(self._process)
        except BaseException:
            self.end()
            raise
        if TORN_TAIL in _read_from(self._log, log_start):
            logger.warning(
                "the store's file had a torn end, cut off after the last whole write: see %s",
                self._log,
            )

    def end(self) -> None:
        """Ends it, gently at first; does nothing if it does not run."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            logger.warning("the store (process %d) does not end and is killed", self._process.pid)
            self._process.kill()
            self._process.wait()
        self._process = None

    def close(self) -> None:
        """Ends it for good."""
        self.end()
        self._launcher.shutdown()

    def _launch(self) -> subprocess.Popen[bytes]:
        """In a session of its own: a Ctrl-C in the terminal reaches us, and we end it last."""
        launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid())]
        return subprocess.Popen(  # noqa: S603 (our own words and paths)
            [*launcher, self._program, *self._options()],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _options(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": "always",
            "aof-load-truncated": "yes",
            "maxmemory-policy": "noeviction",
            "save": "",
            # What is deleted from a stream is gone from memory and file at once, and what is in the
            # file can be searched for: both are needed to forget somebody, and to prove it.
            "stream-node-max-entries": "1",
            "rdbcompression": "no",
            "databases": "1",
            "daemonize": "no",
            "loglevel": "warning",
            "logfile": str(self._log),
        }
        return [word for name, value in options.items() for word in (f"--{name}", value)]

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        connection = Connection(f"unix://{self._socket}", timeout_s=2.0)
        deadline = time.monotonic() + LOAD_WAIT_S
        try:
            while process.poll() is None and time.monotonic() < deadline:
                try:
                    connection.execute("PING")
                except StoreUnavailableError:
                    time.sleep(0.01)
                else:
                    return
        finally:
            connection.close()
        last_words = " | ".join(_read_from(self._log, 0).splitlines()[-3:])
        raise StoreError(
            f"the store in {self._folder} does not start: {last_words or 'no message'}. If its "
            "files are damaged, restore a backup of the folder or repair it with valkey-check-aof"
        )


def _read_from(path: Path, start: int) -> str:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read().decode(errors="replace")
    except OSError:
        return ""
