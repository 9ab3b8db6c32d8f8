"""The times without frames of a camera, as the store keeps them."""

from __future__ import annotations

from matcher.camera_progress import CameraGap
from matcher.connection import Command, Connection
from matcher.identity_index import bound
from matcher.keys import SiteKeys
from matcher.records import decode_gap, encode_message


def put_gap(connection: Connection, keys: SiteKeys, gap: CameraGap) -> None:
    """Keeps a gap; one that has ended replaces the same one while it lasted.

    Raises:
        StoreError: The store cannot be used now; repeat it.
    """
    key = keys.gaps(gap.camera_id)
    start = repr(gap.started_at)
    known = connection.execute("ZRANGE", key, start, start, "BYSCORE")
    record = encode_message(gap)
    ended = [old for old in known if decode_gap(old).ended_at is not None]
    if gap.ended_at is None and ended:
        return
    commands: list[Command] = [("ZADD", key, start, record)]
    if outdated := [old for old in known if old != record]:
        commands.append(("ZREM", key, *outdated))
    commands.append(("SADD", keys.cameras, gap.camera_id))
    connection.execute_all(commands)


def read_gaps(
    connection: Connection,
    keys: SiteKeys,
    camera_id: str,
    since: float | None,
    until: float | None,
) -> list[CameraGap]:
    """A camera's gaps in order of time, those that touch the interval.

    Raises:
        StoreError: The store cannot be used now.
    """
    records = connection.execute(
        *("ZRANGE", keys.gaps(camera_id), "-inf", bound(until, "+inf"), "BYSCORE")
    )
    gaps = [decode_gap(record) for record in records]
    return [gap for gap in gaps if since is None or gap.ended_at is None or gap.ended_at >= since]
