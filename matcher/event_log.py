"""The site's append-only stream of decisions and corrections: the commit point of the store.

Events are numbered 1, 2, … by their writer. An append that is repeated with the same number either
finds its own event there, or that of another matcher, which must not happen: it stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from matcher.connection import Argument, Command, CommandRefusedError, Connection
from matcher.correction import Correction
from matcher.correction_records import decode_correction, encode_correction
from matcher.decision import Decision
from matcher.decision_records import decode_decisions, encode_decisions
from matcher.envelope import kind_of
from matcher.errors import OtherMatcherError, RecordError
from matcher.keys import SiteKeys
from matcher.reasons import Reasons

PAGE = 256
ID_IS_TAKEN = "equal or smaller than the target stream top item"
NO_STREAM = "no such key"


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """One entry of the event stream: a window of decisions, or a correction; no biometric data.

    Attributes:
        number: 1, 2, … without gaps.
        written_at: When it was written, Unix seconds.
        decisions: Of one window, in their order; empty for a correction.
        correction: None for a window of decisions.
    """

    number: int
    written_at: float
    decisions: tuple[Decision, ...] = ()
    correction: Correction | None = None


class EventLog:
    """Appends to and reads the event stream of one site."""

    def __init__(self, connection: Connection, keys: SiteKeys) -> None:
        self._connection = connection
        self._key = keys.events
        self._key_anew = keys.events_anew

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
            record: Encoded decisions, or an encoded correction.
            written_at: Unix seconds.

        Raises:
            OtherMatcherError: The number is taken by something else.
            StoreError: The store cannot be used now; repeat it.
        """
        what = kind_of(record)
        fields = ("written_at", repr(written_at), what, record)
        try:
            self._connection.execute("XADD", self._key, f"{number}-0", *fields)
        except CommandRefusedError as error:
            if ID_IS_TAKEN not in error.reply:
                raise
            rows = self._connection.execute("XRANGE", self._key, f"{number}-0", f"{number}-0")
            if not rows or _fields(rows[0]).get(what.encode()) != record:
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
                yield _event(after, _fields(row))

    def rewrite(self, renewed: Callable[[StoreEvent], StoreEvent]) -> int:
        """Writes all events anew and puts them in the place of the old ones at once.

        Args:
            renewed: Gives an event as it shall be; numbers and times of writing stay.

        Returns:
            The number of events that changed.

        Raises:
            StoreError: The store cannot be used now; repeat it. The events are as they were.
        """
        self._connection.execute("DEL", self._key_anew)
        num_changed, after = 0, 0
        while rows := self._connection.execute(
            "XRANGE", self._key, f"{after + 1}-0", "+", "COUNT", PAGE
        ):
            commands: list[Command] = []
            for row in rows:
                after = _number(row[0])
                event = _event(after, _fields(row))
                fields = row[1]
                if (anew := renewed(event)) != event or _reasons(anew) != _reasons(event):
                    fields = _written(anew)
                    num_changed += 1
                commands.append(("XADD", self._key_anew, row[0], *fields))
            self._connection.execute_all(commands)
        if after:
            self._connection.execute("RENAME", self._key_anew, self._key)
        return num_changed

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


def _event(number: int, fields: dict[bytes, bytes]) -> StoreEvent:
    written_at = float(fields[b"written_at"])
    try:
        if (record := fields.get(b"correction")) is not None:
            return StoreEvent(number, written_at, correction=decode_correction(record))
        return StoreEvent(number, written_at, decode_decisions(fields.get(b"decisions", b"")))
    except RecordError as error:
        raise RecordError(f"event {number} of the store: {error}") from error


def _written(event: StoreEvent) -> list[Argument]:
    """The fields of an event's entry."""
    if event.correction is not None:
        record = encode_correction(event.correction)
    else:
        record = encode_decisions(event.decisions)
    return ["written_at", repr(event.written_at), kind_of(record), record]


def _reasons(event: StoreEvent) -> list[Reasons | None]:
    return [decision.reasons for decision in event.decisions]


def _number(raw_id: bytes) -> int:
    return int(raw_id.partition(b"-")[0])


def _fields(row: list[Any]) -> dict[bytes, bytes]:
    return dict(zip(row[1][::2], row[1][1::2], strict=True))
