"""The feature store: tracklets, identities and sightings of one site, in a Redis-protocol server.

What happened is an append-only stream of events; who-is-who is a projection of it. One window of
decisions, or one correction, is committed as one event, numbered by us: the number makes the append
repeatable, and stops a matcher that does not know of another one. Then the projection is brought up
to the event in steps that may each be repeated, and last the cursor is moved. What is cut off in
between, `complete_cut_off` does again.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from matcher.append_only_file import start_rewriting
from matcher.camera_gaps import put_gap, read_gaps
from matcher.camera_progress import CameraGap, CameraProgress
from matcher.connection import Connection
from matcher.correction import Correction
from matcher.correction_records import encode_correction
from matcher.decision import Decision
from matcher.decision_records import encode_decisions
from matcher.erasure import Eraser
from matcher.event_log import EventLog, StoreEvent
from matcher.expiry import sweep_indexes
from matcher.identity import Identity
from matcher.identity_index import bound, read_identities, read_identity
from matcher.identity_links import IdentityLinks
from matcher.keys import SiteKeys
from matcher.paging import PAGE, paged
from matcher.projection import Projection
from matcher.records import (
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
from matcher.who_is_who import WhoIsWho

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
        self.links = IdentityLinks(self._connection, self._keys)
        """Ids that lead to others, constraints, forgotten ids."""
        self._eraser = Eraser(self._connection, self._keys, self._events, self.links)
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
        number = self._append(encode_decisions(decisions))
        self._projection.apply(number, decisions, by_id)
        self._applied(number)

    def correct(self, correction: Correction) -> int:
        """Stores one correction, as `commit` does a window; the number of its event.

        Raises:
            OtherMatcherError: Another matcher writes to this site.
            ValueError: The window before was not finished.
        """
        number = self._append(encode_correction(correction))
        self._projection.correct(number, correction)
        self._applied(number)
        return number

    def forget(self, correction: Correction, identity_ids: Sequence[str]) -> int:
        """Erases a person and leaves the fact; the number of its event.

        Once it has begun, it is finished by `complete_cut_off` if it was cut off.

        Args:
            correction: The fact.
            identity_ids: All ids of the person.

        Raises:
            OtherMatcherError: Another matcher writes to this site.
        """
        stored = {s.tracklet_id for name in identity_ids for s in self.sightings(name)}
        number = self._eraser.begin(correction, identity_ids, stored, self._now())
        self._eraser.finish()
        self._applied(number)
        return number

    def discard(self, entry_ids: Sequence[str]) -> None:
        """Removes messages of forgotten tracklets that came late from the stream."""
        self._eraser.discard(entry_ids)

    def complete_cut_off(self) -> int:
        """Applies events that were written and not applied, at the start; their number.

        Tracklets are taken from the store, else from the stream, where they stay until
        acknowledged.
        """
        num_events = int(self._eraser.finish())
        applied, _ = self._projection.cursor()
        for event in self._events.read(applied):
            if event.correction is not None:
                self._projection.correct(event.number, event.correction)
            else:
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
        """The newest decision of every kept tracklet, in order of decision, without thumbnails.

        With the identity that corrections gave it.
        """
        oldest = self._events.first_since(self._now() - self.retention.identities_s)
        who = WhoIsWho()
        for event in self._events.read(oldest - 1):
            who.follow(event)
        for page in paged(who.decisions.values(), PAGE):
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
        put_gap(self._connection, self._keys, gap)

    def sweep(self) -> None:
        """Takes out what outlived its time: index entries of expired sightings, old events."""
        sweep_indexes(self._connection, self._keys)
        keep_s = max(self.retention.events_s, self.retention.identities_s)
        self.links.sweep(forgotten_before=self._now() - keep_s)
        self._events.trim(self._now() - keep_s)

    def rewrite_file(self) -> bool:
        """Lets the server write its file anew without what was deleted; False if it keeps none."""
        return start_rewriting(self._connection)

    # Reading: by anybody.

    def identities(self, since: float | None = None, until: float | None = None) -> list[Identity]:
        """Identities in order of their number.

        Sightings whose time is up are counted until the next `sweep`, at most an hour.

        Args:
            since: Leave out those whose last sighting ended before; Unix seconds.
            until: Leave out those whose first sighting started after.
        """
        return read_identities(self._connection, self._keys, since, until)

    def identity(self, identity_id: str) -> Identity | None:
        """One identity; None if there is none of this name, or its time is up."""
        return read_identity(self._connection, self._keys, identity_id)

    def resolve(self, identity_id: str) -> str:
        """The id by which an identity goes now: that into which it was merged, else its own."""
        return self.links.resolve(identity_id)

    def num_identities(self) -> int:
        """Number of identities that are kept."""
        return int(self._connection.execute("ZCARD", self._keys.identities))

    def sightings(
        self, identity_id: str, since: float | None = None, until: float | None = None
    ) -> list[Sighting]:
        """An identity's sightings in order of time, those that touch the interval; may be empty."""
        members = self._connection.execute(
            *("ZRANGE", self._keys.sightings(identity_id), "-inf", bound(until, "+inf"), "BYSCORE")
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

    def tracklets(self, identity_id: str) -> dict[str, Tracklet]:
        """An identity's tracklets that are kept, by id, without thumbnails."""
        return self._tracklets([sighting.tracklet_id for sighting in self.sightings(identity_id)])

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
        return read_gaps(self._connection, self._keys, camera_id, since, until)

    def events(self, after: int = 0) -> Iterator[StoreEvent]:
        """Events with a higher number, in order, as far as they are kept."""
        return self._events.read(after)

    @property
    def last_event(self) -> int:
        """Number of the newest event that this object stored or completed; 0 before that."""
        return self._last_event or 0

    def event(self, number: int) -> StoreEvent | None:
        """One event; None if it is not kept (any more), or there was none yet."""
        found = next(self._events.read(number - 1), None) if number > 0 else None
        return found if found is not None and found.number == number else None

    def event_at(self, moment: float) -> int:
        """Number of the last event that was written up to a moment, Unix seconds."""
        return self._events.first_since(math.nextafter(moment, math.inf)) - 1

    def _append(self, record: bytes) -> int:
        """Writes the next event, or finds it written by a call that was cut off; its number."""
        if self._unapplied is not None and self._unapplied[1] != record:
            raise ValueError("the window before was cut off: commit it again first")
        if self._last_event is None:
            self._last_event = self._events.last_number()
        number = self._last_event + 1
        if self._unapplied is None:
            self._events.append(number, record, self._now())
            self._unapplied = (number, record)
        return number

    def _applied(self, number: int) -> None:
        self._unapplied = None
        self._last_event = number

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
