"""Counts what was published against what was stored: nothing lost, nothing applied twice.

For tests that kill processes, and for whoever doubts a site. It reads the stream on its own, beside
the matcher's group, so it must look before applied entries are trimmed (`tracklet_stream.KEEP_S`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from matcher.connection import Connection
from matcher.envelope import kind_of
from matcher.errors import RecordError
from matcher.keys import SiteKeys
from matcher.records import decode_tracklet
from matcher.store import FeatureStore, TrackletKey
from matcher.who_is_who import WhoIsWho

PAGE = 256


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What the audit found; a healthy site that has come to rest has empty tuples.

    Attributes:
        num_published: Tracklet versions that were in the stream, each counted once.
        num_repeated: Deliveries of a version that was in the stream already.
        num_decided: Tracklet versions in the event stream.
        lost: Published versions of which neither they nor later ones were decided; nobody's who was
            forgotten.
        decided_twice: Versions that more than one event decides.
        not_stored: Tracklets whose newest decision is not what the store says of them.
        misplaced: Tracklets whose sighting and whose identity's index disagree.
    """

    num_published: int
    num_repeated: int
    num_decided: int
    lost: tuple[TrackletKey, ...]
    decided_twice: tuple[TrackletKey, ...]
    not_stored: tuple[str, ...]
    misplaced: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Nothing is lost, doubled or inconsistent."""
        return not (self.lost or self.decided_twice or self.not_stored or self.misplaced)


class StreamAudit:
    """Follows one site's stream from its beginning."""

    def __init__(self, url: str, site: str) -> None:
        """Connects at the first call.

        Raises:
            StoreError: The URL cannot be used.
        """
        self._connection = Connection(url)
        self._keys = SiteKeys(site)
        self._start = "-"
        self._published: Counter[TrackletKey] = Counter()

    def collect(self) -> int:
        """Notes the tracklets that came since the last call; their number.

        Raises:
            StoreError: The store cannot be used now; call again.
        """
        before = self._published.total()
        while rows := self._connection.execute(
            "XRANGE", self._keys.tracklets, self._start, "+", "COUNT", PAGE
        ):
            for entry_id, fields in rows:
                self._start = f"({entry_id.decode()}"
                if (key := _tracklet_key(fields[1])) is not None:
                    self._published[key] += 1
        return self._published.total() - before

    def report(self, store: FeatureStore) -> AuditReport:
        """Compares what was collected with the events and the store.

        Raises:
            StoreError: The store cannot be used now.
        """
        self.collect()
        decided: Counter[TrackletKey] = Counter()
        who = WhoIsWho()
        for event in store.events():
            who.follow(event)
            for decision in event.decisions:
                decided[decision.tracklet_id, decision.version] += 1
        newest = {name: (d.version, d.identity_id) for name, d in who.decisions.items()}
        forgotten = store.links.forgotten()
        indexed = {
            (sighting.tracklet_id, sighting.identity_id)
            for identity in store.identities()
            for sighting in store.sightings(identity.identity_id)
        }
        counted = sum(identity.num_sightings for identity in store.identities())
        wanted = {(tracklet_id, identity_id) for tracklet_id, (_, identity_id) in newest.items()}
        misplaced = {tracklet_id for tracklet_id, _ in indexed ^ wanted}
        if counted != len(indexed):
            misplaced.add(f"{counted - len(indexed)} stale index entries")
        return AuditReport(
            num_published=len(self._published),
            num_repeated=self._published.total() - len(self._published),
            num_decided=len(decided),
            lost=tuple(
                sorted(
                    (tracklet_id, version)
                    for tracklet_id, version in self._published
                    if newest.get(tracklet_id, (0, ""))[0] < version
                    and tracklet_id not in forgotten
                )
            ),
            decided_twice=tuple(sorted(key for key, times in decided.items() if times > 1)),
            not_stored=tuple(
                sorted(
                    tracklet_id
                    for tracklet_id, (version, identity_id) in newest.items()
                    if not _is_stored(store, tracklet_id, version, identity_id)
                )
            ),
            misplaced=tuple(sorted(misplaced)),
        )

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


def _tracklet_key(record: bytes) -> TrackletKey | None:
    try:
        if kind_of(record) != "tracklet":
            return None
        tracklet = decode_tracklet(record)
    except RecordError:
        return None
    return tracklet.tracklet_id, tracklet.version


def _is_stored(store: FeatureStore, tracklet_id: str, version: int, identity_id: str) -> bool:
    sighting = store.sighting(tracklet_id)
    tracklet = store.tracklet(tracklet_id)
    return (
        sighting is not None
        and tracklet is not None
        and (sighting.version, sighting.identity_id) == (version, identity_id)
        and tracklet.version == version
    )
