"""The erasure: how a forgotten person is taken out of the store, however often it is cut off.

What is to be erased is noted first, then every step follows from that note and may be repeated: the
ids are barred, so that late messages do not bring the person back; the event says that somebody was
forgotten; records, messages, indexes and ties in other people's records go; the events are written
anew without the person; last the answer, the cursor, and the note itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from matcher.connection import Command, Connection
from matcher.correction import Correction
from matcher.correction_records import encode_correction
from matcher.envelope import ERASURE, seal, unseal
from matcher.errors import RecordError
from matcher.event_log import EventLog
from matcher.identity_links import IdentityLinks
from matcher.keys import SiteKeys
from matcher.operator_command import Answer, answer_command
from matcher.paging import paged
from matcher.records import decode_message, decode_sighting, encode_sighting
from matcher.redaction import Redaction
from matcher.tracklet import Tracklet
from matcher.tracklet_stream import GROUP
from matcher.who_is_who import WhoIsWho

PAGE = 256


@dataclass(frozen=True, slots=True)
class Erasure:
    """The note of what is to be erased.

    Attributes:
        number: Of the event.
        identity_ids: All ids of the person.
        tracklet_ids: All tracklets.
        command_id: Of the operator's command.
        at: Unix seconds.
        record: The event's correction, encoded.
    """

    number: int
    identity_ids: tuple[str, ...]
    tracklet_ids: tuple[str, ...]
    command_id: str
    at: float
    record: bytes


class Eraser:
    """Takes people out of one site's store; used by its one matcher."""

    def __init__(
        self, connection: Connection, keys: SiteKeys, events: EventLog, links: IdentityLinks
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._events = events
        self._links = links

    def begin(
        self,
        fact: Correction,
        identity_ids: Collection[str],
        tracklet_ids: Collection[str],
        at: float,
    ) -> int:
        """Notes what is to be erased; from now on it will be. The number of its event.

        Args:
            fact: What the event says.
            identity_ids: All ids of the person.
            tracklet_ids: Those stored; others that the events give to the person are erased too.
            at: Unix seconds.

        Raises:
            StoreError: The store cannot be used now.
        """
        told = self._who_is_who().decisions.values()
        names = {d.tracklet_id for d in told if d.identity_id in identity_ids}
        number = self._events.last_number() + 1
        body = [
            number,
            list(identity_ids),
            sorted(names.union(tracklet_ids)),
            fact.command_id,
            at,
            encode_correction(fact),
        ]
        self._connection.execute("SET", self._keys.erasure, seal(ERASURE, body))
        return number

    def finish(self) -> bool:
        """Erases what is noted; True if something was.

        Raises:
            StoreError: The store cannot be used now; repeat it.
        """
        noted = self._connection.execute("GET", self._keys.erasure)
        if noted is None:
            return False
        number, identity_ids, tracklet_ids, *rest = unseal(ERASURE, noted, 6)
        self._erase(Erasure(number, tuple(identity_ids), tuple(tracklet_ids), *rest))
        return True

    def discard(self, entry_ids: Collection[str]) -> None:
        """Removes messages from the stream that came after their person was forgotten.

        Raises:
            StoreError: The store cannot be used now; repeat it.
        """
        if entry_ids:
            key = self._keys.tracklets
            self._connection.execute_all(
                [("XACK", key, GROUP, *entry_ids), ("XDEL", key, *entry_ids)]
            )

    def _erase(self, erasure: Erasure) -> None:
        names = (*erasure.identity_ids, *erasure.tracklet_ids)
        barred = [word for name in names for word in (repr(erasure.at), name)]
        self._connection.execute("ZADD", self._keys.forgotten, *barred)
        self._events.append(erasure.number, erasure.record, erasure.at)
        for page in paged(self._record_commands(erasure)):
            self._connection.execute_all(page)
        self._links.erase(names)
        self._erase_messages(frozenset(erasure.tracklet_ids))
        who = self._who_is_who()
        redaction = Redaction(
            frozenset(erasure.identity_ids),
            frozenset(erasure.tracklet_ids),
            lambda name: who.decisions[name].identity_id if name in who.decisions else None,
        )
        self._redact_sightings(redaction)
        self._events.rewrite(redaction.event)
        self._erase_answers(names)
        self._connection.execute_all(
            [
                answer_command(self._keys, erasure.command_id, Answer(erasure.number)),
                ("HSET", self._keys.cursor, "event", erasure.number),
                ("DEL", self._keys.erasure),
            ]
        )

    def _who_is_who(self) -> WhoIsWho:
        who = WhoIsWho()
        for event in self._events.read():
            who.follow(event)
        return who

    def _record_commands(self, erasure: Erasure) -> Iterator[Command]:
        for name in erasure.tracklet_ids:
            yield (
                *("DEL", self._keys.thumbnails(name)),
                *(self._keys.tracklet(name), self._keys.sighting(name)),
            )
        for name in erasure.identity_ids:
            yield "DEL", self._keys.sightings(name)
            yield "ZREM", self._keys.identities, name

    def _erase_messages(self, tracklet_ids: Collection[str]) -> None:
        """From the stream of the workers, also what nobody has read yet, and the dead letters."""
        mine = [
            entry_id
            for entry_id, fields in self._entries(self._keys.tracklets)
            if _tracklet_id(fields[1]) in tracklet_ids
        ]
        for page in paged(mine, PAGE):
            self.discard(page)
        dead = [
            entry_id
            for entry_id, fields in self._entries(self._keys.dead_letters)
            if _may_be_of(fields[-1], tracklet_ids)
        ]
        for page in paged(dead, PAGE):
            self._connection.execute("XDEL", self._keys.dead_letters, *page)

    def _redact_sightings(self, redaction: Redaction) -> None:
        members = self._connection.execute("ZRANGE", self._keys.identities, 0, -1)
        for name in map(bytes.decode, members):
            index = self._connection.execute("ZRANGE", self._keys.sightings(name), 0, -1)
            for page in paged(map(bytes.decode, index)):
                self._connection.execute_all(list(self._redacted(redaction, page)))

    def _redacted(self, redaction: Redaction, tracklet_ids: Iterable[str]) -> Iterator[Command]:
        keys = [self._keys.sighting(name) for name in tracklet_ids]
        records = self._connection.execute_all([("GET", key) for key in keys])
        for key, record in zip(keys, records, strict=True):
            if record is None:
                continue
            sighting = decode_sighting(record)
            redacted = redaction.sighting(sighting)
            if redacted != sighting:
                yield "SET", key, encode_sighting(redacted), "XX", "KEEPTTL"

    def _erase_answers(self, names: Collection[str]) -> None:
        """Refusals quote ids."""
        cursor = "0"
        while True:
            reply = self._connection.execute(
                *("SCAN", cursor, "MATCH", self._keys.answers, "COUNT", 1000)
            )
            cursor = reply[0].decode()
            for key in reply[1]:
                record = self._connection.execute("GET", key)
                if record is not None and any(name.encode() in record for name in names):
                    self._connection.execute("DEL", key)
            if cursor == "0":
                break

    def _entries(self, key: str) -> Iterator[tuple[str, list[bytes]]]:
        start = "-"
        while rows := self._connection.execute("XRANGE", key, start, "+", "COUNT", PAGE):
            start = f"({rows[-1][0].decode()}"
            for raw_id, fields in rows:
                yield raw_id.decode(), fields


def _tracklet_id(record: bytes) -> str | None:
    """Of a message that is a tracklet's; None of another."""
    try:
        message = decode_message(record)
    except RecordError:
        return None
    return message.tracklet_id if isinstance(message, Tracklet) else None


def _may_be_of(record: bytes, tracklet_ids: Collection[str]) -> bool:
    """A record, perhaps one that cannot be read, belongs to one of these tracklets, or may."""
    found = _tracklet_id(record)
    if found is not None:
        return found in tracklet_ids
    return any(name.encode() in record for name in tracklet_ids)
