"""Who-is-who as the store keeps it: what one event changes, as steps that may be repeated.

The order makes a cut at any point harmless: records of tracklets, then indexes of identities, then
the sightings, and last the cursor. A sighting tells to which identity a tracklet belonged before
the event, so it is overwritten only when the indexes are right.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from matcher.connection import Command, Connection
from matcher.correction import Correction
from matcher.decision import Decision
from matcher.identity_links import IdentityLinks
from matcher.keys import SiteKeys
from matcher.operator_command import Answer, answer_command
from matcher.records import decode_sighting, encode_sighting, encode_thumbnails, encode_tracklet
from matcher.retention import Retention
from matcher.sighting import Sighting
from matcher.tracklet import Tracklet
from matcher.who_is_who import heir

IDENTITY_NUMBER = re.compile(r"P([0-9]+)")


@dataclass(frozen=True, slots=True)
class Placement:
    """What one event says of one tracklet.

    Attributes:
        sighting: To be stored.
        former_identity_id: Where the tracklet belonged before; None for a new one.
        tracklet: With the thumbnails; None if the event says nothing new of it but its identity.
    """

    sighting: Sighting
    former_identity_id: str | None
    tracklet: Tracklet | None = None


def identity_number(identity_id: str) -> int:
    """The number in an identity's name, 0 if it has none.

    >>> identity_number("P17")
    17
    """
    match = IDENTITY_NUMBER.fullmatch(identity_id)
    return int(match[1]) if match else 0


class Projection:
    """Applies events to the store's records and indexes."""

    def __init__(self, connection: Connection, keys: SiteKeys, retention: Retention) -> None:
        self._connection = connection
        self._keys = keys
        self._links = IdentityLinks(connection, keys)
        self._identities_ms = max(1, round(retention.identities_s * 1000))
        self._thumbnails_ms = max(1, round(retention.thumbnails_s * 1000))

    def cursor(self) -> tuple[int, int]:
        """Number of the last applied event (0: none), and the next identity's number.

        Raises:
            StoreError: The store cannot be used now.
        """
        event, identity = self._connection.execute(
            "HMGET", self._keys.cursor, "event", "next_identity"
        )
        return int(event or 0), int(identity or 1)

    def apply(
        self, number: int, decisions: Sequence[Decision], tracklets: Mapping[str, Tracklet]
    ) -> None:
        """Brings the records up to a window; may be repeated until the next event is applied.

        Args:
            number: Of the event.
            decisions: Of the event.
            tracklets: By tracklet id; a decision whose tracklet is missing, because its time was
                up, is left out.

        Raises:
            StoreError: The store cannot be used now; repeat it.
        """
        latest = {d.tracklet_id: d for d in decisions if d.tracklet_id in tracklets}
        former = self._sightings(list(latest))
        placements = [
            _placement(decision, tracklets[tracklet_id], former.get(tracklet_id))
            for tracklet_id, decision in latest.items()
        ]
        self._connection.execute_all(
            [
                *self._record_commands(placements),
                *self._index_commands(placements),
                *self._departure_commands(placements, with_heirs=True),
                *self._sighting_commands(placements),
                self._cursor_command(number, [decision.identity_id for decision in decisions]),
            ]
        )

    def correct(self, number: int, correction: Correction) -> None:
        """Brings the records up to a correction; may be repeated until the next event is applied.

        Tracklets whose time is up are left out. Being corrected prolongs nobody's time.

        Args:
            number: Of the event.
            correction: Of the event.

        Raises:
            StoreError: The store cannot be used now; repeat it.
        """
        moves = {move.tracklet_id: move for move in correction.effects.moves}
        placements = [
            Placement(
                replace(known, identity_id=moves[name].to_id, corrected_by=number),
                known.identity_id,
            )
            for name, known in self._sightings(list(moves)).items()
            if known.identity_id in (moves[name].from_id, moves[name].to_id)
        ]
        self._connection.execute_all(
            [
                *self._index_commands(placements),
                *self._departure_commands(placements, with_heirs=False),
                *self._sighting_commands(placements),
                *self._links.commands(number, correction.effects),
                *self._answer_commands(number, correction),
                self._cursor_command(number, [move.to_id for move in moves.values()]),
            ]
        )

    def _answer_commands(self, number: int, correction: Correction) -> Iterator[Command]:
        if correction.command_id:
            yield answer_command(self._keys, correction.command_id, Answer(number))

    def _cursor_command(self, number: int, identity_ids: Iterable[str]) -> Command:
        _, next_identity = self.cursor()
        highest = max(map(identity_number, identity_ids), default=0)
        values = ("event", number, "next_identity", max(next_identity, highest + 1))
        return "HSET", self._keys.cursor, *values

    def _record_commands(self, placements: Iterable[Placement]) -> Iterable[Command]:
        for placement in placements:
            tracklet = placement.tracklet
            if tracklet is None:
                continue
            # Thumbnails first: where there is a tracklet, its thumbnails are there too.
            if tracklet.thumbnails:
                record = encode_thumbnails(tracklet.thumbnails)
                key = self._keys.thumbnails(tracklet.tracklet_id)
                yield "SET", key, record, "PX", self._thumbnails_ms
            record = encode_tracklet(tracklet, with_thumbnails=False)
            key = self._keys.tracklet(tracklet.tracklet_id)
            yield "SET", key, record, "PX", self._identities_ms

    def _index_commands(self, placements: Iterable[Placement]) -> Iterable[Command]:
        for placement in placements:
            sighting = placement.sighting
            key = self._keys.sightings(sighting.identity_id)
            yield "ZADD", key, repr(sighting.started_at), sighting.tracklet_id
            yield "PEXPIRE", key, self._identities_ms
            last_seen = (repr(sighting.ended_at), sighting.identity_id)
            yield "ZADD", self._keys.identities, "GT", *last_seen
            yield "PEXPIRE", self._keys.identities, self._identities_ms
            yield "SADD", self._keys.cameras, sighting.camera_id

    def _departure_commands(
        self, placements: Sequence[Placement], *, with_heirs: bool
    ) -> Iterable[Command]:
        """Takes tracklets that changed their identity out of the former one.

        With heirs, the id of one that all have left leads to where the last ones went; a correction
        says itself where ids lead.
        """
        departed: dict[str, dict[str, str]] = {}
        for placement in placements:
            former, sighting = placement.former_identity_id, placement.sighting
            if former is not None and former != sighting.identity_id:
                departed.setdefault(former, {})[sighting.tracklet_id] = sighting.identity_id
        for identity_id, left in departed.items():
            key = self._keys.sightings(identity_id)
            yield "ZREM", key, *sorted(left)
            last_seen_at = self._last_seen(identity_id, left, placements)
            if last_seen_at is None:
                yield "ZREM", self._keys.identities, identity_id
                if with_heirs:
                    yield self._links.alias_command(identity_id, heir(left))
            else:
                yield "ZADD", self._keys.identities, repr(last_seen_at), identity_id

    def _last_seen(
        self, identity_id: str, departed: Collection[str], placements: Iterable[Placement]
    ) -> float | None:
        """End of the last sighting of those that stay with an identity; None: nobody stays."""
        members = self._connection.execute("ZRANGE", self._keys.sightings(identity_id), 0, -1)
        staying = [name for name in map(bytes.decode, members) if name not in departed]
        ends = {name: s.ended_at for name, s in self._sightings(staying).items()}
        for placement in placements:
            if placement.sighting.identity_id == identity_id:
                ends[placement.sighting.tracklet_id] = placement.sighting.ended_at
        return max(ends.values(), default=None)

    def _sighting_commands(self, placements: Iterable[Placement]) -> Iterable[Command]:
        for placement in placements:
            record = encode_sighting(placement.sighting)
            key = self._keys.sighting(placement.sighting.tracklet_id)
            if placement.tracklet is None:
                yield "SET", key, record, "XX", "KEEPTTL"
            else:
                yield "SET", key, record, "PX", self._identities_ms

    def _sightings(self, tracklet_ids: Sequence[str]) -> dict[str, Sighting]:
        """Stored sightings of those tracklets that have one."""
        replies = self._connection.execute_all(
            [("GET", self._keys.sighting(tracklet_id)) for tracklet_id in tracklet_ids]
        )
        return {
            tracklet_id: decode_sighting(record)
            for tracklet_id, record in zip(tracklet_ids, replies, strict=True)
            if record is not None
        }


def _placement(decision: Decision, tracklet: Tracklet, former: Sighting | None) -> Placement:
    is_kept = former is not None and former.identity_id == decision.identity_id
    sighting = Sighting(
        identity_id=decision.identity_id,
        tracklet_id=decision.tracklet_id,
        camera_id=decision.camera_id,
        started_at=decision.started_at,
        ended_at=decision.ended_at,
        similarity=decision.similarity,
        probability=decision.probability,
        runner_up_id=decision.runner_up_id,
        runner_up_probability=decision.runner_up_probability,
        version=decision.version,
        is_final=decision.is_final,
        num_boxes=len(tracklet.boxes),
        num_thumbnails=len(tracklet.thumbnails),
        quality=tracklet.quality,
        reasons=former.reasons if former and is_kept and not decision.reasons else decision.reasons,
        corrected_by=former.corrected_by if former and is_kept else None,
    )
    return Placement(sighting, None if former is None else former.identity_id, tracklet)
