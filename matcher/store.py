"""The feature store: tracklets, identities and sightings of one site, in a Redis-protocol server.

What happened is an append-only stream of events; who-is-who is a projection of it. One window of
decisions is committed as one event, numbered by us: the number makes the append repeatable, and
stops a matcher that does not know of another one. Then the projection is brought up to the event in
steps that may each be repeated, and last the cursor is moved. What is cut off in between,
`complete_cut_off` does again.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from matcher.camera_progress import CameraGap, CameraProgress
from matcher.connection import Command, Connection
from matcher.decision import Decision
from matcher.decision_records import encode_decisions
from matcher.event_log import EventLog, StoreEvent
from matcher.expiry import sweep_indexes
from matcher.identity import Identity
from matcher.keys import NAME, SiteKeys, camera_of
from matcher.paging import PAGE, paged
from matcher.projection import Projection, identity_number
from matcher.records import (
    decode_gap,
    decode_progress,
    decode_sighting,
    decode_thumbnails,
    decode_tracklet,
    encode_message,
)
from matcher.retention import Retention
from matcher.sighting import Sighting
from matcher.tracklet import Feature, Tracklet
from matcher.tracklet_stream import tracklets_in_stream

__all__ = ["FeatureStore", "Retention", "StoreEvent", "StoredFeature", "TrackletKey"]

TrackletKey = tuple[str, int]
"""Tracklet id and version."""


class StoredFeature(NamedTuple):
    """One tracklet's feature, for search."""

    tracklet_id: str
    identity_id: str
    space: str
    feature: Feature


class FeatureStore:
    """Reads and writes one site's store. Any number may read; only the site's one matcher commits.

    Every method raises `StoreUnavailableError` while the server is away and `StoreError` when it
    refuses; both leave the store as it was or as if the call had been cut off, and every writing
    call may be repeated.
    """

    def __init__(
        self,
        url: str,
        site: str,
        *,
        retention: Retention,
        now: Callable[[], float] = time.time,
        timeout_s: float = 5.0,
    ) -> None:
        """Connects at the first call.

        Raises:
            StoreError: The URL cannot be used.
            ValueError: The site's name cannot be part of a key.
        """
        self._keys = SiteKeys(site)
        self._connection = Connection(url, timeout_s=timeout_s)
        self.retention = retention
        self._now = now
        self._events = EventLog(self._connection, self._keys)
        self._projection = Projection(self._connection, self._keys, retention)
        self._last_event: int | None = None
        self._unapplied: tuple[int, bytes] | None = None

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    # Writing: by the site's one matcher.

    def commit(
        self, decisions: Sequence[Decision], tracklets: Mapping[TrackletKey, Tracklet]
    ) -> None:
        """Stores one window; when it returns, everything that follows from it is on the server.

        After an error, repeat it with the same decisions before any others.

        Args:
            decisions: Of one window, in their order; nothing happens if there are none.
            tracklets: Those that were decided, with thumbnails.

        Raises:
            OtherMatcherError: Another matcher writes to this site.
            ValueError: A tracklet is missing, or the window before was not finished.
        """
        if not decisions:
            return
        by_id = {d.tracklet_id: _wanted(tracklets, d) for d in decisions}
        record = encode_decisions(decisions)
        if self._unapplied is not None and self._unapplied[1] != record:
            raise ValueError("the window before was cut off: commit it again first")
        if self._last_event is None:
            self._last_event = self._events.last_number()
        number = self._last_event + 1
        if self._unapplied is None:
            self._events.append(number, record, self._now())
            self._unapplied = (number, record)
        self._projection.apply(number, decisions, by_id)
        self._unapplied = None
        self._last_event = number

    def complete_cut_off(self) -> int:
        """Applies events that were written and not applied, at the start; their number.

        Tracklets are taken from the store, else from the stream, where they stay until
        acknowledged.
        """
        applied, _ = self._projection.cursor()
        num_events = 0
        for event in self._events.read(applied):
            tracklets = self._tracklets_for(event.decisions)
            self._projection.apply(event.number, event.decisions, tracklets)
            num_events += 1
        self._last_event = self._events.last_number()
        self._unapplied = None
        return num_events

    def next_identity_number(self) -> int:
        """The number of the next new identity; right after `complete_cut_off`."""
        return self._projection.cursor()[1]

    def restore(self) -> Iterator[tuple[Decision, Tracklet]]:
        """The newest decision of every kept tracklet, in order of decision, without thumbnails."""
        oldest = self._events.first_since(self._now() - self.retention.identities_s)
        newest: dict[str, Decision] = {}
        for event in self._events.read(oldest - 1):
            for decision in event.decisions:
                newest.pop(decision.tracklet_id, None)
                newest[decision.tracklet_id] = decision
        for page in paged(newest.values(), PAGE):
            stored = self._tracklets([d.tracklet_id for d in page])
            for decision in page:
                if (tracklet := stored.get(decision.tracklet_id)) is not None:
                    yield decision, tracklet

    def put_consumed_progress(self, progress: CameraProgress) -> None:
        """Keeps how far the matcher has followed a camera."""
        record = encode_message(progress)
        key = self._keys.progress(progress.camera_id)
        self._connection.execute_all(
            [
                ("HSET", key, "consumed", record),
                ("SADD", self._keys.cameras, progress.camera_id),
            ]
        )

    def put_gap(self, gap: CameraGap) -> None:
        """Keeps a gap; one that has ended replaces the same one while it lasted."""
        key = self._keys.gaps(gap.camera_id)
        start = repr(gap.started_at)
        known = self._connection.execute("ZRANGE", key, start, start, "BYSCORE")
        record = encode_message(gap)
        ended = [old for old in known if decode_gap(old).ended_at is not None]
        if gap.ended_at is None and ended:
            return
        commands: list[Command] = [("ZADD", key, start, record)]
        if outdated := [old for old in known if old != record]:
            commands.append(("ZREM", key, *outdated))
        commands.append(("SADD", self._keys.cameras, gap.camera_id))
        self._connection.execute_all(commands)

    def sweep(self) -> None:
        """Takes out what outlived its time: index entries of expired sightings, old events."""
        sweep_indexes(self._connection, self._keys)
        keep_s = max(self.retention.events_s, self.retention.identities_s)
        self._events.trim(self._now() - keep_s)

    # Reading: by anybody.

    def identities(self, since: float | None = None, until: float | None = None) -> list[Identity]:
        """Identities in order of their number.

        Sightings whose time is up are counted until the next `sweep`, at most an hour.

        Args:
            since: Leave out those whose last sighting ended before; Unix seconds.
            until: Leave out those whose first sighting started after.
        """
        rows = self._connection.execute(
            *(
                "ZRANGE",
                self._keys.identities,
                _bound(since, "-inf"),
                "+inf",
                "BYSCORE",
                "WITHSCORES",
            )
        )
        last_seen = {
            name.decode(): float(at) for name, at in zip(rows[::2], rows[1::2], strict=True)
        }
        identities: list[Identity] = []
        for page in paged(sorted(last_seen, key=_by_number), PAGE):
            indexes = self._connection.execute_all(
                [("ZRANGE", self._keys.sightings(name), 0, -1, "WITHSCORES") for name in page]
            )
            identities += [
                _identity(name, last_seen[name], index)
                for name, index in zip(page, indexes, strict=True)
                if index and (until is None or float(index[1]) <= until)
            ]
        return identities

    def identity(self, identity_id: str) -> Identity | None:
        """One identity; None if there is none of this name, or its time is up."""
        if not NAME.fullmatch(identity_id):
            return None
        last_seen, index = self._connection.execute_all(
            [
                ("ZSCORE", self._keys.identities, identity_id),
                ("ZRANGE", self._keys.sightings(identity_id), 0, -1, "WITHSCORES"),
            ]
        )
        return _identity(identity_id, float(last_seen), index) if last_seen and index else None

    def num_identities(self) -> int:
        """Number of identities that are kept."""
        return int(self._connection.execute("ZCARD", self._keys.identities))

    def sightings(
        self, identity_id: str, since: float | None = None, until: float | None = None
    ) -> list[Sighting]:
        """An identity's sightings in order of time, those that touch the interval; may be empty."""
        members = self._connection.execute(
            *("ZRANGE", self._keys.sightings(identity_id), "-inf", _bound(until, "+inf"), "BYSCORE")
        )
        found = self._sightings([member.decode() for member in members])
        mine = [
            sighting
            for sighting in found
            if sighting.identity_id == identity_id and (since is None or sighting.ended_at >= since)
        ]
        return sorted(mine, key=lambda sighting: (sighting.started_at, sighting.tracklet_id))

    def sighting(self, tracklet_id: str) -> Sighting | None:
        """Who a tracklet is; None if it is not decided or its time is up."""
        return next(iter(self._sightings([tracklet_id])), None)

    def tracklet(self, tracklet_id: str) -> Tracklet | None:
        """A tracklet with boxes and feature, without thumbnails; None if it is not kept."""
        return self._tracklets([tracklet_id]).get(tracklet_id)

    def thumbnails(self, tracklet_id: str) -> tuple[bytes, ...]:
        """JPEG images, best first; empty if there are none (any more)."""
        record = self._connection.execute("GET", self._keys.thumbnails(tracklet_id))
        return () if record is None else decode_thumbnails(record)

    def features(self) -> Iterator[StoredFeature]:
        """The feature of every kept sighting, in order of identity and time."""
        for identity in self.identities():
            for page in paged(self.sightings(identity.identity_id), PAGE):
                stored = self._tracklets([sighting.tracklet_id for sighting in page])
                for sighting in page:
                    if (tracklet := stored.get(sighting.tracklet_id)) is not None:
                        yield StoredFeature(
                            tracklet.tracklet_id,
                            identity.identity_id,
                            tracklet.space,
                            tracklet.feature,
                        )

    def camera_ids(self) -> list[str]:
        """Cameras that ever published, sorted."""
        members = self._connection.execute("SMEMBERS", self._keys.cameras)
        return sorted(member.decode() for member in members)

    def camera_progress(self, camera_id: str) -> CameraProgress | None:
        """The newest progress that was published; None if there never was one."""
        record = self._connection.execute("HGET", self._keys.progress(camera_id), "published")
        return None if record is None else decode_progress(record)

    def consumed_progress(self, camera_id: str) -> CameraProgress | None:
        """The newest progress that the matcher has followed; None if there never was one."""
        record = self._connection.execute("HGET", self._keys.progress(camera_id), "consumed")
        return None if record is None else decode_progress(record)

    def gaps(
        self, camera_id: str, since: float | None = None, until: float | None = None
    ) -> list[CameraGap]:
        """A camera's gaps in order of time, those that touch the interval."""
        records = self._connection.execute(
            *("ZRANGE", self._keys.gaps(camera_id), "-inf", _bound(until, "+inf"), "BYSCORE")
        )
        gaps = [decode_gap(record) for record in records]
        return [
            gap for gap in gaps if since is None or gap.ended_at is None or gap.ended_at >= since
        ]

    def events(self, after: int = 0) -> Iterator[StoreEvent]:
        """Events with a higher number, in order, as far as they are kept."""
        return self._events.read(after)

    def _sightings(self, tracklet_ids: Sequence[str]) -> list[Sighting]:
        return [
            decode_sighting(r) for r in self._records(map(self._keys.sighting, tracklet_ids)) if r
        ]

    def _tracklets(self, tracklet_ids: Sequence[str]) -> dict[str, Tracklet]:
        records = self._records(map(self._keys.tracklet, tracklet_ids))
        return {t.tracklet_id: t for t in (decode_tracklet(r) for r in records if r)}

    def _records(self, keys: Iterable[str]) -> Iterator[bytes | None]:
        for page in paged(keys, PAGE):
            yield from self._connection.execute_all([("GET", key) for key in page])

    def _tracklets_for(self, decisions: Sequence[Decision]) -> dict[str, Tracklet]:
        """Decided tracklets, from the store or the stream; those whose time is up are missing."""
        versions = {d.tracklet_id: d.version for d in decisions}
        found = {
            tracklet_id: dataclasses.replace(tracklet, thumbnails=self.thumbnails(tracklet_id))
            for tracklet_id, tracklet in self._tracklets(list(versions)).items()
        }
        missing = {
            (name, version)
            for name, version in versions.items()
            if name not in found or found[name].version < version
        }
        if missing:
            found |= tracklets_in_stream(self._connection, self._keys, missing)
        return found


def _wanted(tracklets: Mapping[TrackletKey, Tracklet], decision: Decision) -> Tracklet:
    try:
        return tracklets[decision.tracklet_id, decision.version]
    except KeyError:
        raise ValueError(
            f"tracklet {decision.tracklet_id!r} version {decision.version} was decided, not given"
        ) from None


def _identity(identity_id: str, last_seen_at: float, index: Sequence[bytes]) -> Identity:
    """From the index of its sightings: tracklet ids and starts in turn, in order of start."""
    return Identity(
        identity_id=identity_id,
        first_seen_at=float(index[1]),
        last_seen_at=last_seen_at,
        camera_ids=tuple(sorted({camera_of(member.decode()) for member in index[::2]})),
        num_sightings=len(index) // 2,
    )


def _by_number(identity_id: str) -> tuple[int, str]:
    return identity_number(identity_id), identity_id


def _bound(moment: float | None, otherwise: str) -> str:
    return otherwise if moment is None else repr(moment)
