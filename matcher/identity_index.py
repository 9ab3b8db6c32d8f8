"""The list of identities, read from the store's indexes."""

from __future__ import annotations

from collections.abc import Sequence

from matcher.connection import Connection
from matcher.identity import Identity
from matcher.keys import NAME, SiteKeys, camera_of
from matcher.paging import PAGE, paged
from matcher.projection import identity_number


def read_identities(
    connection: Connection, keys: SiteKeys, since: float | None, until: float | None
) -> list[Identity]:
    """Identities in order of their number; see `FeatureStore.identities`.

    Raises:
        StoreError: The store cannot be used now.
    """
    rows = connection.execute(
        *("ZRANGE", keys.identities, bound(since, "-inf"), "+inf", "BYSCORE", "WITHSCORES")
    )
    last_seen = {name.decode(): float(at) for name, at in zip(rows[::2], rows[1::2], strict=True)}
    identities: list[Identity] = []
    for page in paged(sorted(last_seen, key=_by_number), PAGE):
        indexes = connection.execute_all(
            [("ZRANGE", keys.sightings(name), 0, -1, "WITHSCORES") for name in page]
        )
        identities += [
            _identity(name, last_seen[name], index)
            for name, index in zip(page, indexes, strict=True)
            if index and (until is None or float(index[1]) <= until)
        ]
    return identities


def read_identity(connection: Connection, keys: SiteKeys, identity_id: str) -> Identity | None:
    """One identity; None if there is none of this name, or its time is up.

    Raises:
        StoreError: The store cannot be used now.
    """
    if not NAME.fullmatch(identity_id):
        return None
    last_seen, index = connection.execute_all(
        [
            ("ZSCORE", keys.identities, identity_id),
            ("ZRANGE", keys.sightings(identity_id), 0, -1, "WITHSCORES"),
        ]
    )
    return _identity(identity_id, float(last_seen), index) if last_seen and index else None


def bound(moment: float | None, otherwise: str) -> str:
    """An end of an interval of scores."""
    return otherwise if moment is None else repr(moment)


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
