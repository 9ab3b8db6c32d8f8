"""The stream between camera workers and the matcher: appended by many, read by one consumer group.

An entry is acknowledged when the store holds what follows from it; until then it is pending and is
delivered again after a crash. Entries are removed only when they are acknowledged and old.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from matcher.connection import Command, CommandRefusedError, Connection
from matcher.envelope import kind_of
from matcher.errors import RecordError
from matcher.keys import SiteKeys, camera_of
from matcher.records import Message, decode_message, decode_progress
from matcher.tracklet import Tracklet

logger = logging.getLogger(__name__)

GROUP = "matcher"
CONSUMER = "matcher"
"""One name for ever: the one active matcher of a site takes over what the last one left."""

KEEP_S = 120.0
"""Applied entries stay this long, for audits."""

READ_COUNT = 256
DEAD_LETTERS = 1000
FIRST_ID = "0-0"


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivered message.

    Attributes:
        entry_id: Its place in the stream.
        message: What the worker published.
    """

    entry_id: str
    message: Message


def check_names(keys: SiteKeys, message: Message) -> None:
    """Makes sure that a message can be filed under its names.

    Raises:
        ValueError: Its camera or tracklet has a name that no key may carry, or they disagree.
    """
    keys.progress(message.camera_id)
    if isinstance(message, Tracklet) and camera_of(message.tracklet_id) != message.camera_id:
        raise ValueError(
            f"tracklet {message.tracklet_id!r} says that it is of camera {message.camera_id!r}"
        )


def append_commands(keys: SiteKeys, record: bytes) -> list[Command]:
    """What puts one record into the stream.

    A progress is also kept beside the stream, where a restarted worker finds the newest one.
    """
    commands: list[Command] = [("XADD", keys.tracklets, "*", "record", record)]
    # A record that cannot be read (spooled by another version) is set aside by the reader.
    with contextlib.suppress(RecordError):
        if kind_of(record) == "camera progress":
            camera_id = decode_progress(record).camera_id
            commands.append(("HSET", keys.progress(camera_id), "published", record))
            commands.append(("SADD", keys.cameras, camera_id))
    return commands


def tracklets_in_stream(
    connection: Connection, keys: SiteKeys, wanted: Collection[tuple[str, int]]
) -> dict[str, Tracklet]:
    """Tracklets that are still in the stream, by id.

    Args:
        connection: To the store.
        keys: Of the site.
        wanted: (tracklet id, version); those not in the stream are missing in the result.

    Raises:
        StoreError: The store cannot be used now.
    """
    found: dict[str, Tracklet] = {}
    missing = set(wanted)
    start = "-"
    while missing and (
        rows := connection.execute("XRANGE", keys.tracklets, start, "+", "COUNT", READ_COUNT)
    ):
        start = f"({_text(rows[-1][0])}"
        for tracklet in _tracklets_in(rows):
            if (key := (tracklet.tracklet_id, tracklet.version)) in missing:
                found[tracklet.tracklet_id] = tracklet
                missing.discard(key)
    return found


class TrackletReader:
    """Reads a site's stream as its one matcher."""

    def __init__(self, connection: Connection, keys: SiteKeys, *, dead_letters_s: float) -> None:
        self._connection = connection
        self._keys = keys
        self._dead_letters_ms = max(1, round(dead_letters_s * 1000))
        self._next_pending: str | None = FIRST_ID
        self.num_poison = 0
        """Entries that could not be read and were put aside."""

    def open(self) -> None:
        """Makes the group if it is missing and takes over what other consumers left pending.

        The entries that were delivered before and not acknowledged are read first, again.

        Raises:
            StoreError: The store cannot be used now.
        """
        try:
            self._connection.execute(
                "XGROUP", "CREATE", self._keys.tracklets, GROUP, FIRST_ID, "MKSTREAM"
            )
        except CommandRefusedError as error:
            if not error.reply.startswith("BUSYGROUP"):
                raise
        cursor = FIRST_ID
        while True:
            reply = self._connection.execute(
                "XAUTOCLAIM",
                self._keys.tracklets,
                GROUP,
                CONSUMER,
                0,
                cursor,
                "COUNT",
                1000,
                "JUSTID",
            )
            cursor = _text(reply[0])
            if cursor == FIRST_ID:
                break
        self._next_pending = FIRST_ID

    @property
    def has_pending(self) -> bool:
        """Entries of before `open` are still to be read."""
        return self._next_pending is not None

    def read(self, block_s: float) -> list[Entry]:
        """The next entries in order of the stream; empty if none came within `block_s`.

        Entries that cannot be read are put aside and counted, and are not among them.

        Raises:
            StoreError: The store cannot be used now; no entry is lost by that.
        """
        if self._next_pending is not None:
            rows = self._read_rows(self._next_pending)
            self._next_pending = _text(rows[-1][0]) if rows else None
            if rows:
                return self._readable(rows)
        options = ("BLOCK", round(block_s * 1000)) if block_s > 0 else ()
        return self._readable(self._read_rows(">", *options))

    def rewind(self) -> None:
        """Gives all pending entries again, from the next `read` on; to be called after any error.

        The server may have delivered what never came here; others are given although they are still
        being worked on.
        """
        self._next_pending = FIRST_ID

    def acknowledge(self, entry_ids: Sequence[str]) -> None:
        """Says that the store holds what follows from these entries; may be repeated.

        Raises:
            StoreError: The store cannot be used now; the entries stay pending.
        """
        commands: list[Command] = [
            ("XACK", self._keys.tracklets, GROUP, *entry_ids[start : start + 1000])
            for start in range(0, len(entry_ids), 1000)
        ]
        self._connection.execute_all(commands)

    def set_aside(self, entry_id: str, record: bytes, reason: str) -> None:
        """Moves an entry that can never be applied to the dead letters.

        Raises:
            StoreError: The store cannot be used now; the entry stays pending.
        """
        self._connection.execute_all(
            [
                (
                    "XADD",
                    self._keys.dead_letters,
                    "MAXLEN",
                    "~",
                    DEAD_LETTERS,
                    "*",
                    *("entry", entry_id),
                    *("reason", reason[:500]),
                    *("record", record),
                ),
                ("PEXPIRE", self._keys.dead_letters, self._dead_letters_ms),
                ("XACK", self._keys.tracklets, GROUP, entry_id),
            ]
        )
        self.num_poison += 1
        logger.error("message %s cannot be applied and is put aside: %s", entry_id, reason)

    def trim(self) -> int:
        """Removes entries that are applied and older than `KEEP_S`; their number.

        Raises:
            StoreError: The store cannot be used now.
        """
        seconds, _ = self._connection.execute("TIME")
        bounds = [(int(seconds) * 1000 - round(KEEP_S * 1000), 0)]
        pending = self._connection.execute("XPENDING", self._keys.tracklets, GROUP)
        if pending[1] is not None:
            bounds.append(_order(_text(pending[1])))
        bounds.append(_order(self._last_delivered()))
        lowest = min(bounds)
        if lowest <= (0, 0):
            return 0
        bound = ("MINID", "~", f"{lowest[0]}-{lowest[1]}")
        # Without a limit of its own, "~" removes 100 nodes at most, which may be single entries.
        return int(self._connection.execute("XTRIM", self._keys.tracklets, *bound, "LIMIT", 0))

    def _last_delivered(self) -> str:
        for group in self._connection.execute("XINFO", "GROUPS", self._keys.tracklets):
            fields = {
                _text(name): value for name, value in zip(group[::2], group[1::2], strict=True)
            }
            if _text(fields["name"]) == GROUP:
                return _text(fields["last-delivered-id"])
        return FIRST_ID

    def _read_rows(self, after: str, *options: str | int) -> list[Any]:
        reply = self._connection.execute(
            *("XREADGROUP", "GROUP", GROUP, CONSUMER, "COUNT", READ_COUNT),
            *options,
            *("STREAMS", self._keys.tracklets, after),
        )
        return reply[0][1] if reply else []

    def _readable(self, rows: Iterable[Any]) -> list[Entry]:
        entries = []
        for raw_id, fields in rows:
            entry_id = _text(raw_id)
            if fields is None:  # pending, but removed from the stream
                self.acknowledge([entry_id])
                continue
            record = dict(zip(fields[::2], fields[1::2], strict=True)).get(b"record", b"")
            try:
                message = decode_message(record)
                check_names(self._keys, message)
                entries.append(Entry(entry_id, message))
            except (RecordError, ValueError) as error:
                self.set_aside(entry_id, record, str(error))
        return entries


def _tracklets_in(rows: Iterable[Any]) -> Iterator[Tracklet]:
    for _, fields in rows:
        with contextlib.suppress(RecordError):  # the reader sets it aside
            if isinstance(message := decode_message(fields[1]), Tracklet):
                yield message


def _order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def _text(raw: bytes) -> str:
    return raw.decode()
