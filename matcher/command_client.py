"""How an operator's command reaches the site's one matcher: through the store, or by its own hand.

Where a matcher runs, it carries the command out between two windows. Where none does, whoever asks
takes the lease for a moment and does it.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable

from matcher.command_desk import CommandDesk
from matcher.command_stream import CommandStream
from matcher.connection import Connection
from matcher.errors import RefusedError, StoreError
from matcher.keys import SiteKeys
from matcher.lease import Lease
from matcher.operator_command import OperatorCommand
from matcher.store import FeatureStore
from matcher.topology import Topology

_LOOK_AGAIN_S = 0.05


class CommandClient:
    """Sends commands to one site and waits for what becomes of them."""

    def __init__(
        self,
        url: str,
        site: str,
        *,
        store: FeatureStore,
        topology: Callable[[], Topology],
    ) -> None:
        """Connects at the first command.

        Args:
            url: Of the store.
            site: Name of the site.
            store: Of the same URL and site.
            topology: Gives that of the site, if it is needed.

        Raises:
            StoreError: The URL cannot be used.
        """
        self._url = url
        self._keys = SiteKeys(site)
        self._connection = Connection(url)
        self._stream = CommandStream(self._connection, self._keys)
        self._store = store
        self._topology = topology

    def carry_out(self, command: OperatorCommand, *, timeout_s: float) -> int:
        """Sends a command; the number of the event that carried it out.

        Args:
            command: May have been sent before.
            timeout_s: Longest wait for a matcher that runs.

        Raises:
            RefusedError: It cannot be done; nothing was changed.
            StoreError: The store cannot be used now, or the matcher did not answer in time.
        """
        if self._stream.answer(command.command_id) is None:
            self._stream.send(command)
        deadline = time.monotonic() + timeout_s
        while (answer := self._stream.answer(command.command_id)) is None:
            if not self._serve():
                if time.monotonic() > deadline:
                    raise StoreError(
                        f"the site's matcher ({self._holder()}) did not answer within "
                        f"{timeout_s:.0f} s: the command waits for it; `crosscam audit` shows it "
                        "once it is done"
                    )
                time.sleep(_LOOK_AGAIN_S)
        if answer.number is None:
            raise RefusedError(answer.refusal)
        return answer.number

    def close(self) -> None:
        """Disconnects."""
        self._connection.close()

    def _serve(self) -> bool:
        """Carries out what waits, if no matcher runs; False if one does."""
        if self._holder():
            return False
        token = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        lease = Lease(self._url, self._keys.lease, token)
        try:
            if not lease.acquire():
                return False
            self._store.complete_cut_off()
            CommandDesk(self._connection, self._keys, self._store, self._topology()).work()
            return True
        finally:
            lease.release()

    def _holder(self) -> str:
        holder = self._connection.execute("GET", self._keys.lease)
        return "" if holder is None else holder.decode(errors="replace")
