from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np
import pytest

from matcher.camera_progress import CameraGap, CameraProgress
from matcher.connection import Argument, Command, Connection
from matcher.decision import Decision
from matcher.errors import OtherMatcherError, StoreUnavailableError
from matcher.event_log import EventLog
from matcher.keys import SiteKeys
from matcher.projection import Projection
from matcher.records import Message, decode_tracklet, encode_message
from matcher.store import FeatureStore, Retention, TrackletKey
from matcher.tracklet import Tracklet
from matcher.tracklet_stream import append_commands

MakeTracklet = Callable[..., Tracklet]
MakeProgress = Callable[..., CameraProgress]
Window = tuple[list[Decision], dict[TrackletKey, Tracklet]]

KEYS = SiteKeys("shop")
WEEK = Retention(identities_s=604_800.0, thumbnails_s=86_400.0, events_s=31_536_000.0)


@pytest.fixture
def store(server_url: str) -> Iterator[FeatureStore]:
    store = FeatureStore(server_url, "shop", retention=WEEK)
    yield store
    store.close()


def decided(tracklet: Tracklet, identity_id: str, **changes: object) -> Decision:
    decision = Decision(
        tracklet_id=tracklet.tracklet_id,
        version=tracklet.version,
        camera_id=tracklet.camera_id,
        started_at=tracklet.started_at,
        ended_at=tracklet.ended_at,
        is_final=tracklet.is_final,
        identity_id=identity_id,
        is_new=True,
        is_first=tracklet.version == 1,
        similarity=None,
        probability=0.9,
        runner_up_id=None,
        runner_up_probability=None,
        decided_at=tracklet.emitted_at + 1,
    )
    return dataclasses.replace(decision, **cast("dict[str, Any]", changes))


def window(*pairs: tuple[Tracklet, str]) -> Window:
    return (
        [decided(tracklet, identity_id) for tracklet, identity_id in pairs],
        {(t.tracklet_id, t.version): t for t, _ in pairs},
    )


def publish(connection: Connection, *messages: Message) -> None:
    for message in messages:
        connection.execute_all(append_commands(KEYS, encode_message(message)))


def snapshot(connection: Connection) -> dict[str, object]:
    """Everything in the store but the stream of messages and the times of writing."""
    content: dict[str, object] = {}
    for key in sorted(connection.execute("KEYS", "*")):
        name = key.decode()
        kind = connection.execute("TYPE", key)
        if name == KEYS.tracklets:
            continue
        if kind == b"string":
            content[name] = connection.execute("GET", key)
        elif kind == b"zset":
            content[name] = connection.execute("ZRANGE", key, 0, -1, "WITHSCORES")
        elif kind == b"set":
            content[name] = sorted(connection.execute("SMEMBERS", key))
        elif kind == b"hash":
            fields = connection.execute("HGETALL", key)
            content[name] = dict(zip(fields[::2], fields[1::2], strict=True))
        else:
            rows = connection.execute("XRANGE", key, "-", "+")
            content[name] = [(row_id, fields[3]) for row_id, fields in rows]
        content[f"{name} expires"] = connection.execute("PTTL", key) > 0
    return content


class FailingConnection:
    """Loses the server at the n-th command: before it is carried out, or before it is answered."""

    def __init__(self, connection: Connection, *, after: int, is_carried_out: bool) -> None:
        self._connection = connection
        self._left = after
        self._is_carried_out = is_carried_out

    def execute(self, *command: Argument) -> Any:
        return self.execute_all([command])[0]

    def execute_all(self, commands: Sequence[Command]) -> list[Any]:
        replies = []
        for command in commands:
            self._left -= 1
            if self._left < 0:
                if self._left == -1 and self._is_carried_out:
                    self._connection.execute(*command)
                raise StoreUnavailableError("the server was lost")
            replies.append(self._connection.execute(*command))
        return replies

    def close(self) -> None:
        self._connection.close()


def failing_store(url: str, *, after: int, is_carried_out: bool) -> FeatureStore:
    store = FeatureStore(url, "shop", retention=WEEK)
    store.close()
    lost = cast(
        "Connection",
        FailingConnection(Connection(url), after=after, is_carried_out=is_carried_out),
    )
    store._connection = lost
    store._events = EventLog(lost, KEYS)
    store._projection = Projection(lost, KEYS, WEEK)
    return store


def test_committed_window_can_be_read(store: FeatureStore, make_tracklet: MakeTracklet) -> None:
    one, two = make_tracklet(1), make_tracklet(2, camera_id="cam2", started_s=5.0)
    store.commit(*window((one, "P1"), (two, "P1")))

    (identity,) = store.identities()
    assert identity.identity_id == "P1"
    assert identity.first_seen_at == one.started_at
    assert identity.last_seen_at == two.ended_at
    assert identity.camera_ids == ("cam1", "cam2")
    assert identity.num_sightings == 2
    assert store.identity("P1") == identity
    assert store.num_identities() == 1
    assert [s.tracklet_id for s in store.sightings("P1")] == ["cam1-1-1", "cam2-1-2"]
    sighting = store.sighting("cam1-1-1")
    assert sighting is not None
    assert (sighting.identity_id, sighting.num_boxes, sighting.num_thumbnails) == ("P1", 10, 2)
    stored = store.tracklet("cam1-1-1")
    assert stored is not None
    assert stored.thumbnails == ()
    assert np.allclose(stored.feature, one.feature, atol=1e-3)
    assert np.array_equal(stored.boxes.timestamps, one.boxes.timestamps)
    assert store.thumbnails("cam1-1-1") == one.thumbnails
    assert store.camera_ids() == ["cam1", "cam2"]
    assert store.next_identity_number() == 2


def test_empty_store_gives_nothing(store: FeatureStore) -> None:
    assert store.identities() == []
    assert store.identity("P1") is None
    assert store.identity("no such } name") is None
    assert store.sightings("P1") == []
    assert store.sighting("cam1-1-1") is None
    assert store.tracklet("cam1-1-1") is None
    assert store.thumbnails("cam1-1-1") == ()
    assert list(store.features()) == []
    assert list(store.events()) == []
    assert list(store.restore()) == []
    assert store.camera_ids() == []
    assert store.camera_progress("cam1") is None
    assert store.gaps("cam1") == []
    assert store.next_identity_number() == 1
    assert store.complete_cut_off() == 0
    store.commit([], {})
    store.sweep()


def test_sites_in_one_server_do_not_meet(
    server_url: str, store: FeatureStore, make_tracklet: MakeTracklet
) -> None:
    store.commit(*window((make_tracklet(1), "P1")))
    other = FeatureStore(server_url, "school", retention=WEEK)
    assert other.identities() == []
    other.close()


def test_identities_are_chosen_by_time_and_ordered_by_number(
    store: FeatureStore, make_tracklet: MakeTracklet
) -> None:
    tracklets = [make_tracklet(n, started_s=100.0 * n) for n in range(1, 12)]
    store.commit(*window(*((t, f"P{n}") for n, t in enumerate(tracklets, 1))))
    start = tracklets[0].started_at

    def names(since: float | None = None, until: float | None = None) -> list[str]:
        return [identity.identity_id for identity in store.identities(since, until)]

    assert names() == [f"P{n}" for n in range(1, 12)]
    assert names(since=start + 850) == ["P10", "P11"]
    assert names(until=start + 100) == ["P1", "P2"]
    assert names(since=start + 100.5, until=start + 200.0) == ["P2", "P3"]
    assert names(since=start + 5000) == []


def test_sightings_are_chosen_by_time(store: FeatureStore, make_tracklet: MakeTracklet) -> None:
    tracklets = [make_tracklet(n, started_s=10.0 * n) for n in range(3)]
    store.commit(*window(*((t, "P1") for t in tracklets)))
    start = tracklets[0].started_at
    assert [s.tracklet_id for s in store.sightings("P1", since=start + 5)] == [
        "cam1-1-1",
        "cam1-1-2",
    ]
    assert [s.tracklet_id for s in store.sightings("P1", until=start + 10)] == [
        "cam1-1-0",
        "cam1-1-1",
    ]
    assert [s.tracklet_id for s in store.sightings("P1", start + 0.9, start + 1)] == ["cam1-1-0"]


def test_later_version_replaces_the_earlier_one(
    store: FeatureStore, make_tracklet: MakeTracklet
) -> None:
    store.commit(*window((make_tracklet(1), "P1")))
    later = dataclasses.replace(make_tracklet(1, version=2), is_final=True, thumbnails=(b"new",))
    store.commit(*window((later, "P1")))
    (sighting,) = store.sightings("P1")
    assert (sighting.version, sighting.is_final, sighting.num_thumbnails) == (2, True, 1)
    stored = store.tracklet("cam1-1-1")
    assert stored is not None
    assert stored.version == 2
    assert store.thumbnails("cam1-1-1") == (b"new",)
    assert len(store.identities()) == 1


def test_two_versions_in_one_window_leave_the_later_one(
    store: FeatureStore, make_tracklet: MakeTracklet
) -> None:
    store.commit(*window((make_tracklet(1), "P1"), (make_tracklet(1, version=2), "P2")))
    assert [identity.identity_id for identity in store.identities()] == ["P2"]
    assert len(next(store.events()).decisions) == 2


def test_tracklet_that_moves_leaves_its_former_identity(
    store: FeatureStore, make_tracklet: MakeTracklet
) -> None:
    one, two = make_tracklet(1), make_tracklet(2, camera_id="cam2", started_s=50.0)
    store.commit(*window((one, "P1"), (two, "P1")))
    store.commit(*window((make_tracklet(2, camera_id="cam2", started_s=50.0, version=2), "P2")))
    first, second = store.identities()
    assert (first.num_sightings, first.last_seen_at, first.camera_ids) == (
        1,
        one.ended_at,
        ("cam1",),
    )
    assert (second.identity_id, second.num_sightings) == ("P2", 1)
    assert [s.tracklet_id for s in store.sightings("P1")] == ["cam1-1-1"]


def test_identity_that_everybody_left_is_gone(
    store: FeatureStore, make_tracklet: MakeTracklet
) -> None:
    store.commit(*window((make_tracklet(1), "P1"), (make_tracklet(2), "P2")))
    store.commit(*window((make_tracklet(2, version=2), "P1")))
    assert [identity.identity_id for identity in store.identities()] == ["P1"]
    assert store.identity("P2") is None
    assert store.next_identity_number() == 3


def test_features_of_all_sightings_are_given_for_search(
    store: FeatureStore, make_tracklet: MakeTracklet
) -> None:
    one, two = make_tracklet(1, person=1), make_tracklet(2, person=2)
    store.commit(*window((one, "P1"), (two, "P2")))
    found = list(store.features())
    assert [(f.tracklet_id, f.identity_id, f.space) for f in found] == [
        ("cam1-1-1", "P1", "test:1"),
        ("cam1-1-2", "P2", "test:1"),
    ]
    assert np.allclose(found[1].feature, two.feature, atol=1e-3)


def test_events_say_everything_in_order_and_nothing_biometric(
    store: FeatureStore, connection: Connection, make_tracklet: MakeTracklet
) -> None:
    one = make_tracklet(1)
    first, second = window((one, "P1")), window((make_tracklet(2), "P2"))
    store.commit(*first)
    store.commit(*second)
    assert [list(event.decisions) for event in store.events()] == [first[0], second[0]]
    assert [event.number for event in store.events(after=1)] == [2]
    raw = b"".join(
        f for _, fields in connection.execute("XRANGE", KEYS.events, "-", "+") for f in fields
    )
    assert one.feature.astype("<f2").tobytes() not in raw
    assert b"first jpeg" not in raw


def test_restore_gives_the_newest_decision_of_each_tracklet_in_order(
    store: FeatureStore, make_tracklet: MakeTracklet
) -> None:
    store.commit(*window((make_tracklet(1), "P1"), (make_tracklet(2), "P2")))
    store.commit(*window((make_tracklet(1, version=2), "P1")))
    restored = list(store.restore())
    assert [(d.tracklet_id, d.version, t.version) for d, t in restored] == [
        ("cam1-1-2", 1, 1),
        ("cam1-1-1", 2, 2),
    ]


def test_matcher_sees_the_same_feature_in_the_stream_and_after_a_restart(
    store: FeatureStore, make_tracklet: MakeTracklet
) -> None:
    streamed = decode_tracklet(encode_message(make_tracklet(1)))
    store.commit(*window((streamed, "P1")))
    ((_, restored),) = store.restore()
    assert np.array_equal(restored.feature, streamed.feature)
    assert np.array_equal(restored.boxes.xyxy, streamed.boxes.xyxy)


def test_everything_about_a_person_expires(
    server_url: str, connection: Connection, make_tracklet: MakeTracklet
) -> None:
    short = Retention(identities_s=0.4, thumbnails_s=0.2, events_s=100.0)
    store = FeatureStore(server_url, "shop", retention=short)
    store.commit(*window((make_tracklet(1), "P1")))
    time.sleep(0.25)
    assert store.thumbnails("cam1-1-1") == ()
    assert store.identity("P1") is not None
    time.sleep(0.25)
    assert store.identities() == []
    assert store.tracklet("cam1-1-1") is None
    assert list(store.restore()) == []
    left = {key.decode() for key in connection.execute("KEYS", "*")}
    assert left == {KEYS.events, KEYS.cursor, KEYS.cameras}
    assert store.next_identity_number() == 2
    store.close()


def test_identity_lives_on_with_its_last_sighting_and_the_sweep_forgets_the_old_ones(
    server_url: str, make_tracklet: MakeTracklet
) -> None:
    short = Retention(identities_s=0.5, thumbnails_s=0.5, events_s=100.0)
    store = FeatureStore(server_url, "shop", retention=short)
    store.commit(*window((make_tracklet(1), "P1"), (make_tracklet(3), "P2")))
    time.sleep(0.3)
    store.commit(*window((make_tracklet(2), "P1")))
    time.sleep(0.3)
    assert [s.tracklet_id for s in store.sightings("P1")] == ["cam1-1-2"]
    store.sweep()
    (identity,) = store.identities()
    assert (identity.identity_id, identity.num_sightings) == ("P1", 1)
    assert store.num_identities() == 1
    store.close()


def test_sweep_removes_old_events_but_none_that_a_restart_needs(
    server_url: str, make_tracklet: MakeTracklet
) -> None:
    clock = [1000.0]
    retention = Retention(identities_s=500.0, thumbnails_s=500.0, events_s=100.0)
    store = FeatureStore(server_url, "shop", retention=retention, now=lambda: clock[0])
    store.commit(*window((make_tracklet(1), "P1")))
    clock[0] = 1400.0
    store.commit(*window((make_tracklet(2), "P2")))
    store.sweep()
    assert len(list(store.events())) == 2
    clock[0] = 1600.0
    store.sweep()
    assert [event.number for event in store.events()] == [2]
    store.close()


@pytest.mark.parametrize("name", ["identities_s", "thumbnails_s", "events_s"])
def test_retention_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        dataclasses.replace(WEEK, **cast("dict[str, Any]", {name: 0.0}))


def test_progress_as_published_and_as_consumed(
    store: FeatureStore, connection: Connection, make_progress: MakeProgress
) -> None:
    publish(connection, make_progress(5.0))
    assert store.camera_progress("cam1") == make_progress(5.0)
    assert store.consumed_progress("cam1") is None
    store.put_consumed_progress(make_progress(3.0))
    assert store.camera_progress("cam1") == make_progress(5.0)
    assert store.consumed_progress("cam1") == make_progress(3.0)


def test_gap_is_replaced_when_it_ends_and_an_old_message_does_not_open_it_again(
    store: FeatureStore,
) -> None:
    lasting, ended = (
        CameraGap("cam1", 10.0, None, "silent"),
        CameraGap("cam1", 10.0, 20.0, "silent"),
    )
    store.put_gap(lasting)
    assert store.gaps("cam1") == [lasting]
    store.put_gap(ended)
    store.put_gap(ended)
    store.put_gap(lasting)
    assert store.gaps("cam1") == [ended]


def test_gaps_are_chosen_by_time(store: FeatureStore) -> None:
    gaps = [CameraGap("cam1", 10.0, 20.0, "a"), CameraGap("cam1", 30.0, 40.0, "b")]
    lasting = CameraGap("cam1", 50.0, None, "c")
    for gap in (*reversed(gaps), lasting):
        store.put_gap(gap)
    assert store.gaps("cam1") == [*gaps, lasting]
    assert store.gaps("cam1", since=25.0) == [gaps[1], lasting]
    assert store.gaps("cam1", until=30.0) == gaps
    assert store.gaps("cam1", since=1000.0) == [lasting]
    assert store.gaps("cam2") == []


def test_missing_tracklet_is_refused_before_anything_is_written(
    store: FeatureStore, connection: Connection, make_tracklet: MakeTracklet
) -> None:
    with pytest.raises(ValueError, match="'cam1-1-1' version 1"):
        store.commit([decided(make_tracklet(1), "P1")], {})
    assert connection.execute("DBSIZE") == 0


def test_second_matcher_is_stopped_at_its_first_commit(
    server_url: str, store: FeatureStore, make_tracklet: MakeTracklet
) -> None:
    sleeper = FeatureStore(server_url, "shop", retention=WEEK)
    sleeper.complete_cut_off()
    store.commit(*window((make_tracklet(1), "P1")))
    with pytest.raises(OtherMatcherError):
        sleeper.commit(*window((make_tracklet(2), "P1")))
    assert [identity.num_sightings for identity in store.identities()] == [1]
    sleeper.close()


def kill_windows(make_tracklet: MakeTracklet) -> tuple[Window, Window]:
    """A first window, and a second one in which a tracklet moves, one is updated and one is new."""
    before = window((make_tracklet(1), "P1"), (make_tracklet(2), "P2"), (make_tracklet(3), "P2"))
    then = window(
        (make_tracklet(1, version=2), "P1"),
        (make_tracklet(2, version=2), "P1"),
        (make_tracklet(4, camera_id="cam2", started_s=9.0), "P3"),
    )
    return before, then


@pytest.mark.parametrize("is_carried_out", [False, True], ids=["unsent", "unanswered"])
@pytest.mark.parametrize("after_restart", [False, True], ids=["repeated", "restarted"])
def test_commit_cut_off_at_any_command_ends_in_the_same_store(
    server_url: str,
    connection: Connection,
    make_tracklet: MakeTracklet,
    *,
    is_carried_out: bool,
    after_restart: bool,
) -> None:
    before, then = kill_windows(make_tracklet)

    def prepare() -> None:
        connection.execute("FLUSHALL")
        publish(connection, *before[1].values(), *then[1].values())
        store = FeatureStore(server_url, "shop", retention=WEEK)
        store.commit(*before)
        store.close()

    prepare()
    healthy = FeatureStore(server_url, "shop", retention=WEEK)
    healthy.commit(*then)
    expected = snapshot(connection)
    is_cut = True
    num_cut = 0
    while is_cut:
        prepare()
        cut = failing_store(server_url, after=num_cut, is_carried_out=is_carried_out)
        try:
            cut.commit(*then)
            is_cut = False
        except StoreUnavailableError:
            num_cut += 1
        if not is_cut:
            break
        if after_restart:
            again = FeatureStore(server_url, "shop", retention=WEEK)
            again.complete_cut_off()
            if again._events.last_number() < 2:  # not decided yet: the matcher decides it again
                again.commit(*then)
            again.close()
        else:
            cut.close()
            cut._connection = Connection(server_url)
            cut._events = EventLog(cut._connection, KEYS)
            cut._projection = Projection(cut._connection, KEYS, WEEK)
            cut.commit(*then)
        cut.close()
        assert snapshot(connection) == expected, f"cut off after {num_cut} commands"
    assert num_cut > 30
    healthy.close()


def test_completion_can_be_cut_off_too(
    server_url: str, connection: Connection, make_tracklet: MakeTracklet
) -> None:
    before, then = kill_windows(make_tracklet)
    publish(connection, *before[1].values(), *then[1].values())
    store = FeatureStore(server_url, "shop", retention=WEEK)
    store.commit(*before)
    cut_off = failing_store(server_url, after=12, is_carried_out=True)
    with pytest.raises(StoreUnavailableError):
        cut_off.commit(*then)
    cut_off.close()
    for after in range(0, 60, 3):
        completing = failing_store(server_url, after=after, is_carried_out=True)
        try:
            completing.complete_cut_off()
        except StoreUnavailableError:
            continue
        finally:
            completing.close()
        break
    else:
        pytest.fail("it never completed")
    cut = snapshot(connection)
    connection.execute("FLUSHALL")
    healthy = FeatureStore(server_url, "shop", retention=WEEK)
    healthy.commit(*before)
    healthy.commit(*then)
    assert snapshot(connection) == cut
    store.close()
    healthy.close()


def test_projection_can_be_rebuilt_from_the_events(
    server_url: str, connection: Connection, make_tracklet: MakeTracklet
) -> None:
    before, then = kill_windows(make_tracklet)
    store = FeatureStore(server_url, "shop", retention=WEEK)
    store.commit(*before)
    store.commit(*then)
    expected = snapshot(connection)
    connection.execute(
        "DEL", KEYS.cursor, KEYS.identities, *map(KEYS.sightings, ("P1", "P2", "P3"))
    )
    store.complete_cut_off()
    assert snapshot(connection) == expected
    store.close()


def test_window_that_was_cut_off_must_be_finished_first(
    server_url: str, make_tracklet: MakeTracklet
) -> None:
    store = failing_store(server_url, after=3, is_carried_out=False)
    with pytest.raises(StoreUnavailableError):
        store.commit(*window((make_tracklet(1), "P1")))
    with pytest.raises(ValueError, match="commit it again first"):
        store.commit(*window((make_tracklet(2), "P2")))
    store.close()
