"""Features computed again by another model, put in the place of the stored ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matcher.connection import Command, Connection
from matcher.keys import SiteKeys
from matcher.paging import paged
from matcher.records import decode_sighting, encode_sighting, encode_tracklet
from matcher.tracklet import Tracklet


def renew_features(connection: Connection, keys: SiteKeys, tracklets: Sequence[Tracklet]) -> int:
    """Stores tracklets with other features, and marks their sightings; may be repeated.

    Nobody's time is prolonged by it, and who is who does not change. Only the holder of the site's
    lease may do it, and the matcher must be started anew afterwards.

    Args:
        connection: To the store.
        keys: Of the site.
        tracklets: As they are stored, but for feature and space; N = 0 is fine.

    Returns:
        The number of tracklets that were still there.

    Raises:
        StoreError: The store cannot be used now; repeat it.
    """
    num_renewed = 0
    for page in paged(tracklets, 64):
        names = [keys.sighting(tracklet.tracklet_id) for tracklet in page]
        records = connection.execute_all([("GET", name) for name in names])
        commands: list[Command] = []
        for tracklet, name, record in zip(page, names, records, strict=True):
            if record is None:  # its time was up meanwhile
                continue
            key = keys.tracklet(tracklet.tracklet_id)
            commands.append(("SET", key, encode_tracklet(tracklet), "XX", "KEEPTTL"))
            marked = encode_sighting(replace(decode_sighting(record), is_re_embedded=True))
            commands.append(("SET", name, marked, "XX", "KEEPTTL"))
        num_renewed += sum(reply is not None for reply in connection.execute_all(commands)[::2])
    return num_renewed
