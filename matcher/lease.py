"""The lease that lets one matcher of a site be active and the others wait."""

from __future__ import annotations

import logging
import threading
from typing import Any

from matcher.connection import Connection
from matcher.errors import StoreError

logger = logging.getLogger(__name__)

LEASE_S = 5.0
"""A matcher that died is followed by the next one after at most this long."""


class Lease:
    """Holds a key that expires, and renews it from a thread of its own while it is held.

    A holder that sleeps for longer than `LEASE_S` may lose it without noticing at once; what it
    then commits is stopped by the number of its next event, not by the lease.
    """

    def __init__(self, url: str, key: str, token: str) -> None:
        """Takes nothing yet.

        Args:
            url: Of the store.
            key: Of the lease.
            token: Names this holder; unlike any other's.

        Raises:
            StoreError: The URL cannot be used.
        """
        self._connection = Connection(url, timeout_s=LEASE_S / 2)
        self._key = key
        self._token = token.encode()
        self._is_held = False
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_held(self) -> bool:
        """The lease was ours when last looked at."""
        return self._is_held

    def acquire(self) -> bool:
        """Takes the lease if it is free or already ours.

        Raises:
            StoreError: The store cannot be used now.
        """
        if not self._is_held and not self._take():
            return False
        self._is_held = True
        if self._thread is None:
            self._thread = threading.Thread(target=self._renew_on, name="lease", daemon=True)
            self._thread.start()
        return True

    def holder(self) -> str:
        """Who has it now; empty if nobody.

        Raises:
            StoreError: The store cannot be used now.
        """
        return _text(self._connection.execute("GET", self._key))

    def release(self) -> None:
        """Gives the lease back, so that the next matcher need not wait."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._is_held:
            self._is_held = False
            try:
                if self._connection.execute("GET", self._key) == self._token:
                    self._connection.execute("DEL", self._key)
            except StoreError:
                logger.debug("the lease could not be given back; it ends by itself")
        self._connection.close()

    def _take(self) -> bool:
        reply = self._connection.execute("SET", self._key, self._token, "NX", "PX", _milliseconds())
        # An earlier try may have succeeded with its answer lost.
        return reply is not None or self._connection.execute("GET", self._key) == self._token

    def _renew_on(self) -> None:
        while not self._ended.wait(LEASE_S / 4):
            try:
                holder = self._connection.execute("GET", self._key)
                if holder == self._token:
                    self._connection.execute("PEXPIRE", self._key, _milliseconds())
                elif self._is_held:
                    # Nobody's: it ran out while the store was away. Another's: we are out.
                    self._is_held = holder is None and self._take()
                    if not self._is_held:
                        logger.error("another matcher has the lease: %s", _text(holder))
            except StoreError as error:
                logger.debug("the lease is not renewed: %s", error)


def _milliseconds() -> int:
    return round(LEASE_S * 1000)


def _text(raw: Any) -> str:
    return raw.decode(errors="replace") if isinstance(raw, bytes) else ""
