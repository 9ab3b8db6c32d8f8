"""A lock on a file between processes; the kernel frees it when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from matcher.errors import StoreError


class FileLock:
    """One open lock file. The file stays; only the lock on it comes and goes."""

    def __init__(self, path: Path) -> None:
        """Opens the file, creating it (and no folder).

        Raises:
            StoreError: The file cannot be opened.
        """
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be opened ({error.strerror}): choose a writable data folder"
            ) from error

    def try_exclusive(self, role: str) -> bool:
        """Takes the lock alone, unless somebody has it; notes who we are in the file.

        Raises:
            StoreError: The file system has no locks.
        """
        if not self._try(fcntl.LOCK_EX):
            return False
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps({"pid": os.getpid(), "role": role}).encode(), 0)
        return True

    def wait_exclusive(self) -> None:
        """Takes the lock alone, when everybody else has let go."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Takes the lock together with other sharers, unless somebody has it alone.

        Raises:
            StoreError: The file system has no locks.
        """
        return self._try(fcntl.LOCK_SH)

    def release(self) -> None:
        """Lets go; the lock can be taken again."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def holder(self) -> tuple[int, str]:
        """Process id and role that the last exclusive holder noted; (0, "") if nobody ever did."""
        try:
            note = json.loads(self._path.read_bytes() or b"{}")
        except (OSError, ValueError):
            note = {}
        return int(note.get("pid", 0)), str(note.get("role", ""))

    def close(self) -> None:
        """Lets go for good."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise StoreError(
                f"{self._path} cannot be locked ({error.strerror}): choose a folder on a local disk"
            ) from error
        return True
