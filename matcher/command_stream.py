"""The stream in which operators' commands wait for the site's one matcher.

A command stays there until its answer is kept, so it outlives whoever is killed meanwhile.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from matcher.connection import Connection
from matcher.errors import RecordError
from matcher.keys import SiteKeys
from matcher.operator_command import (
    Answer,
    OperatorCommand,
    answer_command,
    decode_answer,
    decode_command,
    encode_command,
)

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 64


class WaitingCommand(NamedTuple):
    """A command and its place in the stream."""

    entry_id: str
    command: OperatorCommand


class CommandStream:
    """Sends commands and takes them up. Every call may be repeated."""

    def __init__(self, connection: Connection, keys: SiteKeys) -> None:
        self._connection = connection
        self._keys = keys

    def send(self, command: OperatorCommand) -> None:
        """Appends a command.

        Raises:
            StoreError: The store cannot be used now.
        """
        record = encode_command(command)
        self._connection.execute("XADD", self._keys.commands, "*", "record", record)

    def answer(self, command_id: str) -> Answer | None:
        """What became of a command; None while it waits.

        Raises:
            StoreError: The store cannot be used now.
        """
        record = self._connection.execute("GET", self._keys.answer(command_id))
        return None if record is None else decode_answer(record)

    def waiting(self) -> list[WaitingCommand]:
        """The oldest commands in their order; those that cannot be read are dropped.

        Raises:
            StoreError: The store cannot be used now.
        """
        rows = self._connection.execute(
            "XRANGE", self._keys.commands, "-", "+", "COUNT", MOST_AT_ONCE
        )
        found = []
        for raw_id, fields in rows:
            entry_id = raw_id.decode()
            try:
                found.append(WaitingCommand(entry_id, decode_command(fields[1])))
            except (RecordError, ValueError) as error:
                logger.warning("operator command %s cannot be read: %s", entry_id, error)
                self.remove(entry_id)
        return found

    def refuse(self, command_id: str, reason: str) -> None:
        """Answers that a command is not carried out.

        Raises:
            StoreError: The store cannot be used now.
        """
        self._connection.execute(*answer_command(self._keys, command_id, Answer(None, reason)))

    def remove(self, entry_id: str) -> None:
        """Takes a command out that is answered.

        Raises:
            StoreError: The store cannot be used now.
        """
        self._connection.execute("XDEL", self._keys.commands, entry_id)
