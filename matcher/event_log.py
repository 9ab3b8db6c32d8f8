"""The site's append-only stream of decisions: the commit point of the store.

Events are numbered 1, 2, … by their writer. An append that is repeated with the same number either
finds its own event there, or that of another matcher, which must not happen: it stops.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from matcher.connection import CommandRefusedError, Connection
from matcher.decision import Decision
from matcher.decision_records import decode_decisions
from matcher.errors import OtherMatcherError, RecordError
from matcher.keys import SiteKeys

PAGE = 256
ID_IS_TAKEN = "equal or smaller than the target stream top item"
NO_STREAM = "no such key"


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """One entry of the event stream.

    Attributes:
        number: 1, 2, … without gaps.
        written_at: When it was written, Unix seconds.
        decisions: Of one window, in their order; no biometric data.
    """

    number: int
    written_at: float
    decisions: tuple[Decision, ...]


class EventLog:
    """Appends to and reads the event stream of one site."""

    def __init__(self, connection: Connection, keys: SiteKeys) -> None:
        self._connection = connection
        self._key = keys.events

    def last_number(self) -> int:
        """Number of the newest event; 0 if there never was one.

        Raises:
            StoreError: The store cannot be used now.
        """
        try:
            reply = self._connection.execute("XINFO", "STREAM", self._key)
        except CommandRefusedError as error:
            if error.reply.startswith(NO_STREAM):
                return 0
            raise
        facts = dict(zip(reply[::2], reply[1::2], strict=True))
        return _number(facts[b"last-generated-id"])

    def append(self, number: int, record: bytes, written_at: float) -> None:
        """Writes the event with this number; may be repeated.

        Args:
            number: One more than the last.
            record: Encoded decisions.
            written_at: Unix seconds.

        Raises:
            OtherMatcherError: The number is taken by other decisions.
            StoreError: The store cannot be used now; repeat it.
        """
        fields = ("written_at", repr(written_at), "decisions", record)
        try:
            self._connection.execute("XADD", self._key, f"{number}-0", *fields)
        except CommandRefusedError as error:
            if ID_IS_TAKEN not in error.reply:
                raise
            rows = self._connection.execute("XRANGE", self._key, f"{number}-0", f"{number}-0")
            if not rows or _fields(rows[0])[b"decisions"] != record:
                raise OtherMatcherError(
                    f"event {number} was written by another matcher: only one may run on a site; "
                    "start this one again when the other has ended"
                ) from error

    def read(self, after: int = 0) -> Iterator[StoreEvent]:
        """Events with a higher number, in order, as far as they are kept.

        Raises:
            RecordError: An event was written by another version.
            StoreError: The store cannot be used now.
        """
        while rows := self._connection.execute(
            "XRANGE", self._key, f"{after + 1}-0", "+", "COUNT", PAGE
        ):
            for row in rows:
                after = _number(row[0])
                fields = _fields(row)
                try:
                    decisions = decode_decisions(fields[b"decisions"])
                except RecordError as error:
                    raise RecordError(f"event {after} of the store: {error}") from error
                yield StoreEvent(after, float(fields[b"written_at"]), decisions)

    def first_since(self, moment: float) -> int:
        """Number of the first kept event written at or after a moment; one past the last if none.

        Raises:
            StoreError: The store cannot be used now.
        """
        oldest = self._connection.execute("XRANGE", self._key, "-", "+", "COUNT", 1)
        if not oldest:
            return self.last_number() + 1
        low, high = _number(oldest[0][0]), self.last_number() + 1
        while low < high:  # numbers have no gaps, so the stream can be bisected
            middle = (low + high) // 2
            rows = self._connection.execute("XRANGE", self._key, f"{middle}-0", "+", "COUNT", 1)
            if rows and float(_fields(rows[0])[b"written_at"]) < moment:
                low = middle + 1
            else:
                high = middle
        return low

    def trim(self, before: float) -> int:
        """Removes events written before a moment; their number.

        Raises:
            StoreError: The store cannot be used now.
        """
        minimum = f"{self.first_since(before)}-0"
        return int(self._connection.execute("XTRIM", self._key, "MINID", "=", minimum))


def _number(raw_id: bytes) -> int:
    return int(raw_id.partition(b"-")[0])


def _fields(row: list[Any]) -> dict[bytes, bytes]:
    return dict(zip(row[1][::2], row[1][1::2], strict=True))
