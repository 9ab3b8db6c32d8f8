"""The desk where operators' commands are carried out, one after the other, each once.

Only the holder of the site's lease works here: the match service between two windows, or a command
of its own where no matcher runs.
"""

from __future__ import annotations

import logging

from matcher.command_stream import CommandStream
from matcher.connection import Connection
from matcher.correction_plan import plan_correction, plan_forgetting
from matcher.errors import RefusedError, StoreError
from matcher.keys import SiteKeys
from matcher.operator_command import OperatorCommand
from matcher.store import FeatureStore
from matcher.topology import Topology

logger = logging.getLogger(__name__)


class CommandDesk:
    """Carries out what waits in the stream of commands."""

    def __init__(
        self, connection: Connection, keys: SiteKeys, store: FeatureStore, topology: Topology
    ) -> None:
        self._stream = CommandStream(connection, keys)
        self._store = store
        self._topology = topology
        self._is_cut_off = False

    def complete(self) -> bool:
        """Finishes what an error cut off; to be called before anything else is stored.

        Raises:
            StoreError: The store cannot be used now; repeat it.
        """
        if not self._is_cut_off:
            return False
        self._store.complete_cut_off()
        self._is_cut_off = False
        return True

    def work(self) -> int:
        """Carries out or refuses every waiting command; the number of those carried out.

        Raises:
            OtherMatcherError: Another matcher writes to the site.
            StoreError: The store cannot be used now; call `complete`, then this again.
        """
        num_done = 0
        for entry_id, command in self._stream.waiting():
            if self._stream.answer(command.command_id) is None:
                num_done += self._carry_out(command)
            self._stream.remove(entry_id)
        return num_done

    def _carry_out(self, command: OperatorCommand) -> bool:
        try:
            number = self._store_it(command)
        except RefusedError as error:
            logger.info("operator command %s is refused: %s", command.kind, error)
            self._stream.refuse(command.command_id, str(error))
            return False
        except StoreError:
            self._is_cut_off = True
            raise
        logger.info("event %d: %s by %s", number, command.kind, command.by)
        return True

    def _store_it(self, command: OperatorCommand) -> int:
        if command.kind == "forget":
            fact, ids = plan_forgetting(command, self._store)
            return self._store.forget(fact, ids)
        return self._store.correct(plan_correction(command, self._store, self._topology))
