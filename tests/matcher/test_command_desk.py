"""Commands are carried out once, wherever they are cut off."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from matcher.command_desk import CommandDesk
from matcher.command_stream import CommandStream
from matcher.connection import Command, Connection
from matcher.errors import StoreUnavailableError
from matcher.keys import SiteKeys
from matcher.operator_command import Answer, CommandKind, OperatorCommand
from matcher.records import encode_message
from matcher.store import FeatureStore, Retention
from matcher.topology import Topology
from matcher.tracklet import Tracklet
from matcher.tracklet_stream import append_commands

KEYS = SiteKeys("shop")
WEEK = Retention(identities_s=604_800.0, thumbnails_s=86_400.0, events_s=31_536_000.0)
TOPOLOGY = Topology(["cam1", "cam2"])

See = Callable[..., Tracklet]
Losing = Callable[..., tuple[FeatureStore, Connection]]
Snapshot = Callable[[Connection], dict[str, object]]


def command(kind: CommandKind, *ids: str, command_id: str = "c1") -> OperatorCommand:
    return OperatorCommand(command_id, kind, ids, "ann", "because", 100.0)


def furnish(connection: Connection, store: FeatureStore, see: See) -> None:
    """Three identities, a correction, and a message of one of them that waits in the stream."""
    connection.execute("FLUSHALL")
    for identity_id, tracklet_id in (
        ("P1", "cam1-1-1"),
        ("P1", "cam2-1-2"),
        ("P2", "cam1-1-3"),
        ("P3", "cam1-1-4"),
    ):
        tracklet = see(
            store,
            identity_id,
            tracklet_id,
            runner_up_id="P1" if "P1" not in identity_id else "P3",
            runner_up_probability=0.1,
        )
        connection.execute_all(append_commands(KEYS, encode_message(tracklet)))
    stream = CommandStream(connection, KEYS)
    stream.send(command("merge", "P2", "P1", command_id="c0"))
    CommandDesk(connection, KEYS, store, TOPOLOGY).work()


def saved(connection: Connection) -> list[Command]:
    """What brings the server back to what it holds now."""
    keys = connection.execute("KEYS", "*")
    values = connection.execute_all([("DUMP", key) for key in keys])
    lives = connection.execute_all([("PTTL", key) for key in keys])
    return [
        ("FLUSHALL",),
        *(
            ("RESTORE", key, max(life, 0), value)
            for key, value, life in zip(keys, values, lives, strict=True)
        ),
    ]


def test_refusal_is_answered(connection: Connection, shop: FeatureStore) -> None:
    stream = CommandStream(connection, KEYS)
    stream.send(command("merge", "P1", "P2"))
    assert CommandDesk(connection, KEYS, shop, TOPOLOGY).work() == 0
    answer = stream.answer("c1")
    assert answer is not None
    assert answer.number is None
    assert "no identity 'P1'" in answer.refusal
    assert stream.waiting() == []


def test_command_that_cannot_be_read_is_dropped(
    connection: Connection, shop: FeatureStore, see: See
) -> None:
    furnish(connection, shop, see)
    connection.execute("XADD", KEYS.commands, "*", "record", b"rubbish")
    stream = CommandStream(connection, KEYS)
    stream.send(command("split", "P1", "cam2-1-2"))
    assert CommandDesk(connection, KEYS, shop, TOPOLOGY).work() == 1
    assert stream.answer("c1") == Answer(6)


@pytest.mark.parametrize(
    ("is_carried_out", "is_restarted"),
    [(False, True), (True, False)],
    ids=["unsent and restarted", "unanswered and repeated"],
)
@pytest.mark.parametrize(
    "wanted",
    [
        command("merge", "P1", "P3"),
        command("split", "P1", "cam2-1-2"),
        command("confirm", "P1", "cam1-1-4"),
        command("undo", "5"),
        command("forget", "P2"),
    ],
    ids=lambda wanted: wanted.kind,
)
def test_command_cut_off_anywhere_ends_in_the_same_store(  # noqa: PLR0913
    server_url: str,
    connection: Connection,
    see: See,
    losing: Losing,
    snapshot: Snapshot,
    wanted: OperatorCommand,
    *,
    is_carried_out: bool,
    is_restarted: bool,
) -> None:
    def now() -> float:
        return 1000.0

    store = FeatureStore(server_url, "shop", retention=WEEK, now=now)
    furnish(connection, store, see)
    CommandStream(connection, KEYS).send(wanted)
    beginning = saved(connection)
    CommandDesk(connection, KEYS, store, TOPOLOGY).work()
    expected = snapshot(connection)
    store.close()
    assert CommandStream(connection, KEYS).answer("c1") == Answer(6)

    num_cut = 0
    while True:
        connection.execute_all(beginning)
        cut, lost = losing(server_url, after=num_cut, is_carried_out=is_carried_out, now=now)
        desk = CommandDesk(lost, KEYS, cut, TOPOLOGY)
        try:
            desk.work()
        except StoreUnavailableError:
            num_cut += 1
        else:
            break
        finally:
            cut.close()
        if is_restarted:
            again = FeatureStore(server_url, "shop", retention=WEEK, now=now)
            again.complete_cut_off()
            CommandDesk(connection, KEYS, again, TOPOLOGY).work()
            again.close()
        else:
            lost._left = 10**9  # type: ignore[attr-defined]
            desk.complete()
            desk.work()
        assert snapshot(connection) == expected, f"cut off after {num_cut - 1} commands"
    assert num_cut > 15
