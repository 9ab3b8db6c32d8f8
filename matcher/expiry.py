"""Takes out of the indexes what has expired by itself."""

from __future__ import annotations

from matcher.connection import Command, Connection
from matcher.keys import SiteKeys
from matcher.paging import paged


def sweep_indexes(connection: Connection, keys: SiteKeys) -> int:
    """Removes sightings whose time is up from their identities, and identities without any.

    Returns:
        The number of index entries that were removed.

    Raises:
        StoreError: The store cannot be used now; repeat it.
    """
    num_removed = 0
    members = connection.execute("ZRANGE", keys.identities, 0, -1)
    for identity_ids in paged(member.decode() for member in members):
        indexes = connection.execute_all(
            [("ZRANGE", keys.sightings(identity_id), 0, -1) for identity_id in identity_ids]
        )
        commands: list[Command] = []
        for identity_id, index in zip(identity_ids, indexes, strict=True):
            tracklet_ids = [member.decode() for member in index]
            expired = _expired(connection, keys, tracklet_ids)
            if expired:
                commands.append(("ZREM", keys.sightings(identity_id), *expired))
            if len(expired) == len(tracklet_ids):
                commands.append(("ZREM", keys.identities, identity_id))
        num_removed += sum(connection.execute_all(commands))
    return num_removed


def _expired(connection: Connection, keys: SiteKeys, tracklet_ids: list[str]) -> list[str]:
    kept: list[int] = []
    for page in paged(tracklet_ids):
        kept += connection.execute_all([("EXISTS", keys.sighting(name)) for name in page])
    return [name for name, is_kept in zip(tracklet_ids, kept, strict=True) if not is_kept]
