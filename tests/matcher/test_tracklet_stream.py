from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from matcher import tracklet_stream
from matcher.camera_progress import CameraGap, CameraProgress
from matcher.connection import Connection
from matcher.keys import SiteKeys
from matcher.records import Message, decode_progress, encode_message
from matcher.tracklet import Tracklet
from matcher.tracklet_stream import TrackletReader, append_commands, tracklets_in_stream

MakeTracklet = Callable[..., Tracklet]
MakeProgress = Callable[..., CameraProgress]

KEYS = SiteKeys("shop")


def append(connection: Connection, *messages: Message) -> None:
    connection.execute_all(
        [command for m in messages for command in append_commands(KEYS, encode_message(m))]
    )


def opened(connection: Connection) -> TrackletReader:
    reader = TrackletReader(connection, KEYS, dead_letters_s=60.0)
    reader.open()
    return reader


def names(reader: TrackletReader) -> list[str]:
    """Ids of the tracklets that one read gives."""
    messages = [entry.message for entry in reader.read(0.0)]
    return [m.tracklet_id for m in messages if isinstance(m, Tracklet)]


def test_messages_come_in_the_order_of_publication(
    connection: Connection, make_tracklet: MakeTracklet, make_progress: MakeProgress
) -> None:
    append(connection, make_tracklet(1), make_progress(2.0), make_tracklet(2))
    entries = opened(connection).read(0.0)
    assert [type(entry.message) for entry in entries] == [Tracklet, CameraProgress, Tracklet]
    assert entries[1].message == make_progress(2.0)


def test_empty_stream_gives_nothing(connection: Connection) -> None:
    reader = opened(connection)
    assert reader.read(0.0) == []
    assert reader.read(0.05) == []
    assert reader.trim() == 0


def test_newest_progress_is_kept_beside_the_stream(
    connection: Connection, make_progress: MakeProgress
) -> None:
    append(connection, make_progress(1.0), make_progress(2.0))
    record = connection.execute("HGET", KEYS.progress("cam1"), "published")
    assert decode_progress(record) == make_progress(2.0)
    assert connection.execute("SMEMBERS", KEYS.cameras) == [b"cam1"]


def test_unacknowledged_entries_come_again_after_a_restart_before_new_ones(
    connection: Connection, make_tracklet: MakeTracklet
) -> None:
    append(connection, make_tracklet(1), make_tracklet(2))
    first = opened(connection)
    delivered = first.read(0.0)
    first.acknowledge([delivered[0].entry_id])
    append(connection, make_tracklet(3))
    second = opened(connection)
    assert second.has_pending
    assert names(second) == ["cam1-1-2"]
    assert names(second) == ["cam1-1-3"]
    assert not second.has_pending


def test_entries_of_a_dead_consumer_are_taken_over(
    connection: Connection, make_tracklet: MakeTracklet
) -> None:
    append(connection, make_tracklet(1), make_tracklet(2))
    opened(connection)
    command = (
        "XREADGROUP",
        "GROUP",
        "matcher",
        "another",
        "COUNT",
        10,
        "STREAMS",
        KEYS.tracklets,
        ">",
    )
    connection.execute(*command)
    assert names(opened(connection)) == ["cam1-1-1", "cam1-1-2"]


def test_many_pending_entries_come_again_in_order(
    connection: Connection, make_tracklet: MakeTracklet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracklet_stream, "READ_COUNT", 3)
    append(connection, *(make_tracklet(number) for number in range(1, 11)))
    first = opened(connection)
    expected = [name for _ in range(4) for name in names(first)]
    assert expected == [f"cam1-1-{number}" for number in range(1, 11)]
    again = opened(connection)
    assert [name for _ in range(4) for name in names(again)] == expected


def test_rewind_gives_what_is_pending_again(
    connection: Connection, make_tracklet: MakeTracklet
) -> None:
    append(connection, make_tracklet(1))
    reader = opened(connection)
    assert names(reader) == ["cam1-1-1"]
    assert names(reader) == []
    reader.rewind()
    assert names(reader) == ["cam1-1-1"]


@pytest.mark.parametrize(
    "fields",
    [
        ("record", b"rubbish"),
        ("record", b""),
        ("other", b"field"),
    ],
    ids=["rubbish", "empty", "no record"],
)
def test_entry_that_cannot_be_read_is_put_aside_and_blocks_nobody(
    connection: Connection, make_tracklet: MakeTracklet, fields: tuple[str, bytes]
) -> None:
    append(connection, make_tracklet(1))
    connection.execute("XADD", KEYS.tracklets, "*", *fields)
    append(connection, make_tracklet(2))
    reader = opened(connection)
    assert names(reader) == ["cam1-1-1", "cam1-1-2"]
    assert reader.num_poison == 1
    letters = connection.execute("XRANGE", KEYS.dead_letters, "-", "+")
    assert len(letters) == 1
    assert b"no record of crosscam" in b" ".join(letters[0][1])
    assert 0 < connection.execute("PTTL", KEYS.dead_letters) <= 60_000
    assert connection.execute("XPENDING", KEYS.tracklets, "matcher")[0] == 2


def test_message_whose_names_could_break_out_of_a_key_is_put_aside(
    connection: Connection, make_tracklet: MakeTracklet
) -> None:
    gap = CameraGap("cam1}:x", 1.0, None, "silent")
    liar = dataclasses.replace(make_tracklet(1), camera_id="cam2")
    append(connection, gap, liar, make_tracklet(2))
    reader = opened(connection)
    assert names(reader) == ["cam1-1-2"]
    assert reader.num_poison == 2


def test_entry_that_was_deleted_while_pending_is_let_go(
    connection: Connection, make_tracklet: MakeTracklet
) -> None:
    append(connection, make_tracklet(1), make_tracklet(2))
    first = opened(connection).read(0.0)
    reader = TrackletReader(connection, KEYS, dead_letters_s=60.0)
    connection.execute("XDEL", KEYS.tracklets, first[0].entry_id)
    assert names(reader) == ["cam1-1-2"]
    assert connection.execute("XPENDING", KEYS.tracklets, "matcher")[0] == 1


def test_old_entries_are_trimmed_below_the_lowest_pending_one(connection: Connection) -> None:
    record = b"x" * 100
    connection.execute_all(  # written in 1970: old
        [("XADD", KEYS.tracklets, f"{number}-0", "record", record) for number in range(1, 1001)]
    )
    connection.execute("XGROUP", "CREATE", KEYS.tracklets, "matcher", "0-0")
    command = (
        "XREADGROUP",
        "GROUP",
        "matcher",
        "matcher",
        "COUNT",
        900,
        "STREAMS",
        KEYS.tracklets,
        ">",
    )
    connection.execute(*command)
    reader = TrackletReader(connection, KEYS, dead_letters_s=60.0)
    assert reader.trim() == 0
    reader.acknowledge([f"{number}-0" for number in range(1, 501)])
    assert 300 <= reader.trim() <= 500  # whole nodes of the stream only
    assert connection.execute("XRANGE", KEYS.tracklets, "501-0", "501-0")
    reader.acknowledge([f"{number}-0" for number in range(501, 901)])
    reader.trim()
    assert connection.execute("XRANGE", KEYS.tracklets, "901-0", "901-0")  # not yet delivered
    assert connection.execute("XLEN", KEYS.tracklets) <= 300


def test_young_entries_stay_for_audits(connection: Connection, make_tracklet: MakeTracklet) -> None:
    append(connection, *(make_tracklet(number) for number in range(300)))
    reader = opened(connection)
    while entries := reader.read(0.0):
        reader.acknowledge([entry.entry_id for entry in entries])
    assert reader.trim() == 0
    assert connection.execute("XLEN", KEYS.tracklets) == 300


def test_tracklets_are_found_in_the_stream_by_id_and_version(
    connection: Connection, make_tracklet: MakeTracklet, make_progress: MakeProgress
) -> None:
    append(connection, make_tracklet(1), make_progress(1.0), make_tracklet(1, version=2))
    connection.execute("XADD", KEYS.tracklets, "*", "record", b"rubbish")
    append(connection, make_tracklet(2))
    wanted = {("cam1-1-1", 2), ("cam1-1-2", 1), ("cam1-1-9", 1)}
    found = tracklets_in_stream(connection, KEYS, wanted)
    assert {name: t.version for name, t in found.items()} == {"cam1-1-1": 2, "cam1-1-2": 1}
